"""The first screen: what was measured, on what, and how the verdicts fell."""

from collections import Counter
from dataclasses import dataclass

from ttvos.evaluation.judge import DIFFERS, ONE_RUN, REPRODUCED, TOO_NOISY
from ttvos.report import quantities as q
from ttvos.report.intervals import peers_on_the_part
from ttvos.report.join import ReportInput
from ttvos.report.measurements import STILL, still_score
from ttvos.report.results import Entry
from ttvos.report.table import Cell, Table
from ttvos.report.verdicts import AGREES, DISPUTED, NOT_MEASURED, STATUSES

MAIN_ROW = "exp8-hrnet"  # the paper's model


@dataclass(frozen=True)
class Score:
    """A line of the first screen. jf: J&F in points; gain: over the mask held still.

    interval: 95 %, over the sequences.
    """

    label: str
    jf: float
    gain: float | None
    spread: float | None = None
    main: bool = False
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class DataFacts:
    """One dataset: how much of it was scored, and the scores that matter most.

    label: its own words for the heading; "" where the data have one label for all. others: what
    others score on the same part of a validation set, in a sentence, or None.
    """

    name: str
    label: str
    year: int
    split: str
    sequences: int
    objects: int
    scores: tuple[Score, ...]
    others: str | None = None


# A number that is repeated in several tables has the first of these verdicts that it has anywhere.
PRECEDENCE = (DIFFERS, REPRODUCED, TOO_NOISY, ONE_RUN, DISPUTED, AGREES, NOT_MEASURED)
OWN, OTHERS = "TTVOS", "other methods"  # the paper's own numbers begin so (`paper.subject`)
VERBS = {
    REPRODUCED: ("is reproduced", "are reproduced"),
    DIFFERS: ("differs", "differ"),
    TOO_NOISY: ("is too noisy to tell", "are too noisy to tell"),
    ONE_RUN: ("was trained once, which is no verdict", "were trained once, which is no verdict"),
    AGREES: ("agrees with the public record", "agree with the public record"),
    DISPUTED: ("differs from the public record", "differ from the public record"),
    NOT_MEASURED: ("is not measured here", "are not measured here"),
}


def verdict_counts(tables: list[Table]) -> list[tuple[str, dict[str, int]]]:
    """Counts of the verdicts by status: a line a table, then the numbers, each counted once.

    The last two lines are of the paper's own numbers and of those of other methods.
    """
    lines = []
    for table in tables:
        if statuses := table.verdicts():
            lines.append((table.title.partition(":")[0], _counted(statuses)))
    numbers = distinct(tables)
    own = [cell.value for about, cell in numbers.items() if about.startswith(OWN)]
    others = [cell.value for about, cell in numbers.items() if not about.startswith(OWN)]
    return [*lines, (OWN, _counted(own)), (OTHERS, _counted(others))]


def distinct(tables: list[Table]) -> dict[str, Cell]:
    """Each number of the paper's once, by whose and which it is, with its verdict's cell."""
    found: dict[str, Cell] = {}
    for cell in (cell for table in tables for cell in table.verdict_cells()):
        best = found.setdefault(cell.about, cell)
        if PRECEDENCE.index(cell.value) < PRECEDENCE.index(best.value):
            found[cell.about] = cell
    return found


def _counted(statuses: list) -> dict[str, int]:
    counts = Counter(statuses)
    return {status: counts[status] for status in STATUSES}


def count_sentence(whose: str, counts: dict[str, int]) -> str:
    """Verdicts in a sentence: "Of 9 numbers of TTVOS, 1 is reproduced, 2 differ, ..."."""
    parts = [f"{n} {VERBS[status][n != 1]}" for status, n in counts.items() if n]
    total = sum(counts.values())
    if not parts:
        return f"No table has a number of {whose}."
    return f"Of {total} number{'s' * (total != 1)} of {whose}, {', '.join(parts)}."


def untested(report: ReportInput, tables: list[Table]) -> str:
    """That no accuracy or speed of TTVOS was compared, and why, in a sentence; "" otherwise."""
    numbers = [(about, cell) for about, cell in distinct(tables).items() if about.startswith(OWN)]
    kinds = {"accuracy": "J&F)", "speed": "(FPS)"}
    without = [
        kind
        for kind, part in kinds.items()
        if all(cell.value == NOT_MEASURED for about, cell in numbers if about.endswith(part))
    ]
    if not without:
        return ""
    why = report.manifest.comparable.reason
    text = f"No {' and no '.join(without)} of {OWN} is compared with the paper's in this run"
    return f"{text}: {why}." if why else f"{text}."


def findings(tables: list[Table]) -> list[str]:
    """Each number that differs from the paper's or its record, with the distance, in words."""
    return [
        f"{about}: {cell.reason}"
        for about, cell in distinct(tables).items()
        if cell.value in (DIFFERS, DISPUTED)
    ]


def data_facts(report: ReportInput) -> list[DataFacts]:
    """The datasets of this run that anything was scored on."""
    found = []
    for name, entry in report.manifest.datasets.items():
        items = [*report.rows, *report.references, *report.masks]
        results = [result for item in items for result in item.evaluate.get(name, ())]
        if results:
            objects = max(len(result.record.objects) for result in results)
            count = max(len(result.record.sequences()) for result in results)
            scores = _scores(report, name)
            found.append(
                DataFacts(
                    name,
                    entry.label,
                    entry.year,
                    entry.split,
                    count,
                    objects,
                    scores,
                    peers_on_the_part(report, name),
                )
            )
    return found


def _scores(report: ReportInput, dataset: str) -> tuple[Score, ...]:
    """The main row (else the best one), the references and foreign masks; best first."""
    rows = [row for row in report.rows if row.name == MAIN_ROW] or list(report.rows[:1])
    scores = []
    for item in (*rows, *report.references, *report.masks):
        if score := _score(report, item, dataset, main=item in rows):
            scores.append(score)
    return tuple(sorted(scores, key=lambda score: -score.jf))


def _score(report: ReportInput, item: Entry, dataset: str, main: bool) -> Score | None:
    measured = q.measure_score(item.evaluate.get(dataset, ()))
    if measured is None or measured.mean is None:
        return None
    still = still_score(report, dataset)
    gain = None
    if item.name != STILL and still is not None and still.mean is not None:
        gain = measured.mean - still.mean
    return Score(item.label, measured.mean, gain, measured.spread, main, measured.interval)
