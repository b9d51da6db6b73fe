"""The first screen: what was measured, on what, and how the verdicts fell."""

from collections import Counter
from dataclasses import dataclass

from ttvos.render import quantities as q
from ttvos.render.inputs import Accuracy, ReportInput
from ttvos.render.measurements import STILL, still_score
from ttvos.render.results import measure
from ttvos.render.table import Table
from ttvos.render.verdicts import DIFFERS, STATUSES, sequences

MAIN_ROW = "exp8-hrnet"  # the paper's model


@dataclass(frozen=True)
class Score:
    """A line of the first screen. jf: J&F in points; gain: over the mask held still."""

    label: str
    jf: float
    gain: float | None
    spread: float | None = None
    main: bool = False


@dataclass(frozen=True)
class DataFacts:
    """One dataset: how much of it was scored, and the scores that matter most.

    label: its own words for the heading; "" where the data have one label for all.
    """

    name: str
    label: str
    year: int
    split: str
    sequences: int
    objects: int
    scores: tuple[Score, ...]


def verdict_counts(tables: list[Table]) -> list[tuple[str, dict[str, int]]]:
    """Per table with verdicts, and for all together under "all tables", counts by status."""
    lines, total = [], Counter()
    for table in tables:
        counts = Counter(table.verdicts())
        if counts:
            total += counts
            name = table.title.partition(":")[0]
            lines.append((name, {status: counts[status] for status in STATUSES}))
    return [*lines, ("all tables", {status: total[status] for status in STATUSES})]


def count_sentence(counts: dict[str, int]) -> str:
    """All verdicts in a sentence: "Of 9 numbers, 1 is reproduced, 2 differ, ..."."""
    parts = []
    for status, count in counts.items():
        if status.startswith(DIFFERS):
            verb = status if count == 1 else status.replace(DIFFERS, "differ", 1)
        else:
            verb = f"{'is' if count == 1 else 'are'} {status}"
        parts.append(f"{count} {verb}")
    return f"Of {sum(counts.values())} numbers, {', '.join(parts)}."


def data_facts(report: ReportInput) -> list[DataFacts]:
    """The datasets of this run that anything was scored on."""
    found = []
    for name, entry in report.manifest.datasets.items():
        items = [*report.rows, *report.references, *report.masks]
        results = [result for item in items for result in item.evaluate.get(name, ())]
        if results:
            objects = max(len(result.data.get("objects", {})) for result in results)
            count = max(len(sequences(result)) for result in results)
            scores = _scores(report, name)
            found.append(
                DataFacts(name, entry.label, entry.year, entry.split, count, objects, scores)
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


def _score(report: ReportInput, item: Accuracy, dataset: str, main: bool) -> Score | None:
    measured = measure(item.evaluate.get(dataset, ()), q.score("J&F-Mean"))
    if measured is None or measured.mean is None:
        return None
    still = still_score(report, dataset)
    gain = None
    if item.name != STILL and still is not None and still.mean is not None:
        gain = measured.mean - still.mean
    return Score(item.label, measured.mean, gain, measured.spread, main)
