"""Does the paper hold? The verdicts on its numbers, counted once each and told in three sentences;
and whether the authors' own checkpoint was scored.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ttvos.core.provenance import file_hash
from ttvos.data.sources import SOURCES
from ttvos.evaluation.judge import DIFFERS, ONE_RUN, REPRODUCED, TOO_NOISY
from ttvos.plan.manifest import UNTRAINED as LEFT_UNTRAINED
from ttvos.report import quantities as q
from ttvos.report.evidence import of_scores
from ttvos.report.join import ReportInput
from ttvos.report.quantities import NO_MASKS, REBUILT
from ttvos.report.results import RowResults
from ttvos.report.table import Cell, Table
from ttvos.report.verdicts import AGREES, DISPUTED, NOT_COMPARED, NOT_MEASURED, STATUSES

RELEASED = "released"  # the authors' checkpoint: in the registry, and in results-published
# A number that is repeated in several tables has the first of these verdicts that it has anywhere.
PRECEDENCE = (
    *(DIFFERS, REPRODUCED, TOO_NOISY, ONE_RUN),
    *(DISPUTED, AGREES, NOT_COMPARED, NOT_MEASURED),
)
HOLD, DIFFER = (REPRODUCED, AGREES), (DIFFERS, DISPUTED)
OWN, OTHERS = "TTVOS", "other methods"  # the paper's own numbers begin so (`paper.subject`)
REBUILT_HERE = "a network that this project built from public facts"
GROUPS = (OWN, OTHERS, REBUILT_HERE)
KINDS = {  # how a number's label ends, and what the number is
    "J&F": ("accuracy", "accuracies"),
    "FPS": ("speed", "speeds"),
    "GMAC": ("count of MACs", "counts of MACs"),
    "Parameters, M": ("count of parameters", "counts of parameters"),
}


@dataclass(frozen=True)
class Number:
    """One number of the paper's with its verdict. whose: method, backbone, experiment."""

    whose: str
    printed: str
    label: str
    verdict: Cell

    @property
    def is_own(self) -> bool:
        """Whether it is of TTVOS."""
        return self.whose.startswith(OWN)

    @property
    def group(self) -> str:
        """Of whom a sentence speaks: our reconstruction of a method is not the method."""
        if self.is_own:
            return OWN
        return REBUILT_HERE if REBUILT in self.verdict.reason else OTHERS

    @property
    def kind(self) -> tuple[str, str]:
        """What it is, for one and for several."""
        return next(words for end, words in KINDS.items() if self.label.endswith(end))

    @property
    def why(self) -> str:
        """Why nothing can be told of it, in words that numbers share."""
        if self.label == "FPS":
            return "not timed by the released protocol on the paper's device, a GPU"
        if self.verdict.value in (ONE_RUN, TOO_NOISY):
            return "too few trainings to tell"
        if self.verdict.value == NOT_COMPARED:
            return "trained on less data than in the paper, or scored on other data"
        if self.verdict.reason.startswith(LEFT_UNTRAINED):
            return LEFT_UNTRAINED
        if self.verdict.reason.endswith(NO_MASKS):
            return "the method's authors published no masks"
        return "not measured in this run"


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


def answer(tables: list[Table]) -> list[str]:
    """Whether the paper's numbers hold, in three sentences: how many of which kind hold, and
    differ, what nothing can be told of, and why. `findings` names those that differ.
    """
    found = [_number(about, cell) for about, cell in distinct(tables).items()]
    numbers = sorted(found, key=lambda one: GROUPS.index(one.group))
    hold = [one for one in numbers if one.verdict.value in HOLD]
    differ = [one for one in numbers if one.verdict.value in DIFFER]
    rest = [one for one in numbers if one not in hold and one not in differ]
    return [_hold(hold, len(numbers)), _differ(differ), _untold(rest, numbers)]


def _number(about: str, verdict: Cell) -> Number:
    whose, _, rest = about.partition(", ")
    printed, _, label = rest.partition(" (")
    return Number(whose, printed, label.removesuffix(")"), verdict)


def _hold(numbers: list[Number], total: int) -> str:
    parts = []
    for group, of in _by(numbers, lambda one: one.group).items():
        site = sum(one.verdict.value == AGREES for one in of)
        share = "all" if site == len(of) else f"{site} of them"
        by_site = f", {share} by the DAVIS site's record" if site else ""
        parts.append(f"of {group} {_kinds(of)}{by_site}")
    verb = "holds" if len(numbers) == 1 else "hold"
    return _sentence(f"{len(numbers)} of the paper's {total} numbers {verb}", parts)


def _differ(numbers: list[Number]) -> str:
    groups = _by(numbers, lambda one: one.group)
    parts = [f"of {who} {_kinds(of)}" for who, of in groups.items()]
    return _sentence(f"{len(numbers)} {'differs' if len(numbers) == 1 else 'differ'}", parts)


def _untold(numbers: list[Number], all_numbers: list[Number]) -> str:
    """With every kind of TTVOS's numbers of which not one could be told."""
    own = [one for one in all_numbers if one.is_own]
    told = {one.kind for one in own if one not in numbers}
    lacking = [
        f"every {kind[0]}" for kind in dict.fromkeys(x.kind for x in own) if kind not in told
    ]
    among = f", {' and '.join(lacking)} of {OWN} among them" if lacking else ""
    whys = _by(numbers, lambda one: one.why).items()
    parts = [f"{_kinds(of)} ({why})" for why, of in whys]
    return _sentence(f"Of {len(numbers)} nothing can be told{among}", parts)


def _sentence(start: str, parts: list[str]) -> str:
    return f"{start}{': ' * bool(parts)}{'; '.join(parts)}."


def _kinds(numbers: list[Number]) -> str:
    """How many of which kind: "2 speeds and 1 accuracy"."""
    kinds = _by(numbers, lambda one: one.kind).items()
    return " and ".join(f"{len(of)} {kind[len(of) > 1]}" for kind, of in kinds)


def _by(numbers: list[Number], key: Callable[[Number], Any]) -> dict[Any, list[Number]]:
    groups: dict[Any, list[Number]] = {}
    for one in numbers:
        groups.setdefault(key(one), []).append(one)
    return groups


def released(report: ReportInput, data: Path = Path("data")) -> str:
    """Whether the authors' checkpoint was scored, and with what result, or how it can be.

    data: the folder of `ttvos data fetch`.
    """
    folder = data / SOURCES[RELEASED].folder
    files = [path for path in folder.rglob("*") if path.is_file()]
    digests = {file_hash(path) for path in files}
    used = [row for row in report.rows if _checkpoints(row) & digests]
    found = [f"{row.label} in this run: {_on_each(row)}" for row in used]
    kept = [k for k in report.kept.scores() if k.published.name == RELEASED and k.is_trained]
    found += [f"{of_scores(k).measured.mean:.1f} J&F, kept, {k.origin}" for k in kept]
    if found:
        return f"Scored: {'; '.join(found)}."
    score = "`--config davis=FOLDER checkpoint=FILE` with workflow/runs/davis16.yaml scores it"
    if files:
        return f"On disk ({folder}), but not scored in this run: {score}."
    return f"Not scored: not on disk. `ttvos data fetch {RELEASED}` says how to get it; {score}."


def _checkpoints(row: RowResults) -> set[str]:
    """SHA-256 of the weights that a row tracked with."""
    files = [file for of in row.predict.values() for file in of if file.provenance]
    return {file.provenance.checkpoint for file in files if file.provenance.checkpoint}


def _on_each(row: RowResults) -> str:
    scores = {name: q.measure_score(of) for name, of in row.evaluate.items()}
    return ", ".join(f"{s.mean:.1f} J&F on {name}" for name, s in scores.items() if s and s.values)


def findings(tables: list[Table]) -> list[str]:
    """Each number that differs from the paper's or its record, with the distance, in words."""
    return [
        f"{about}: {cell.reason}"
        for about, cell in distinct(tables).items()
        if cell.value in (DIFFERS, DISPUTED)
    ]
