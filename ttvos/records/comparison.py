"""What changed between two reports, or two evaluations: what `ttvos compare --json` writes.

"before" is the first that was named, A; "after" is B. Differences are after minus before, scores in
points, 0 to 100.
"""

from typing import Any, Literal

from pydantic import Field, TypeAdapter

from ttvos.records.schema import Record, Result


class Side(Record):
    """One of the two. path: as it was named; title: of its run, or of its masks."""

    path: str
    title: str
    commit: str | None = None
    time: str | None = None


class Cause(Record):
    """What differs in where two numbers come from: a reason why they may differ.

    what: code, data, seed, device, settings, weights or libraries. before, after: in words.
    """

    what: str
    before: str
    after: str


class SequenceChange(Record):
    """One sequence's J&F, mean over its objects and the seeds.

    interval: 95 %, over the seeds; left out for one seed, because frames and objects of one
    sequence are no independent evidence.
    """

    sequence: str
    objects: int
    before: float
    after: float
    difference: float
    interval: list[float] | None = None


class AccuracyChange(Record):
    """One entry's J&F on one dataset, over what both sides have.

    interval, p: of the paired difference over sequences and seeds
    (`ttvos.evaluation.statistics.paired_difference`); left out with one sequence. adjusted: p
    after Holm's correction over all entries that changed. verdict: unchanged; not shown, where the
    interval holds 0; better or worse, where it lies beyond the margin; else within margin. reason:
    why no more can be said. sequences: those that changed, the largest difference first. counted:
    how many were compared. apart: sequences that only one side has, or whose objects are not the
    same.
    """

    entry: str
    label: str
    kind: str
    dataset: str
    seeds: int
    counted: int
    before: float
    after: float
    difference: float
    interval: list[float] | None = None
    p: float | None = None
    adjusted: float | None = None
    verdict: Literal["unchanged", "better", "worse", "within margin", "not shown"]
    reason: str = ""
    causes: list[Cause] = Field([])
    sequences: list[SequenceChange] = Field([])
    apart: list[str] = Field([])


class SpeedChange(Record):
    """One entry's streaming speed, in frames a second. ratio: after over before.

    interval: 95 % of the ratio, over the repeats (Welch's, of their logarithms). verdict: slower
    or faster beyond the tolerance, within it, or not judged; reason: why not.
    """

    entry: str
    label: str
    kind: str
    before: float
    after: float
    ratio: float
    interval: list[float] | None = None
    verdict: Literal["within tolerance", "faster", "slower", "not judged"]
    reason: str = ""
    causes: list[Cause] = Field([])


class CellChange(Record):
    """One cell of a table, as both pages print it.

    timing: whether it is a time, a speed or a memory, which no two runs share. interval: that of
    the accuracy which the cell shows.
    """

    table: str
    row: str
    column: str
    before: str
    after: str
    difference: float | None = None
    interval: list[float] | None = None
    timing: bool = False


class Comparison(Result):
    """What changed. tolerance: a share of a speed; margin: points of J&F. causes: what differs
    anywhere; same: what is known of both and does not.

    only_before, only_after: entries, tables, rows and columns that one side alone has. cells:
    number of cells that both have.
    """

    before: Side
    after: Side
    tolerance: float
    margin: float
    causes: list[Cause]
    same: list[str]
    accuracy: list[AccuracyChange]
    speeds: list[SpeedChange]
    cells: int
    changed_cells: list[CellChange]
    only_before: list[str]
    only_after: list[str]

    @property
    def has_common(self) -> bool:
        """Whether there was anything to compare."""
        return bool(self.accuracy or self.speeds or self.cells)

    @property
    def worse(self) -> list[str]:
        """What got worse, in words: accuracies by their interval, and slower speeds."""
        scores = [f"J&F of {a.label} on {a.dataset}" for a in self.accuracy if a.verdict == "worse"]
        return scores + [f"speed of {s.label}" for s in self.speeds if s.verdict == "slower"]

    @property
    def changed(self) -> list[str]:
        """What changed, in words; of times only speeds beyond the tolerance."""
        moved = [a for a in self.accuracy if a.verdict != "unchanged"]
        timed = [s for s in self.speeds if s.verdict in ("faster", "slower")]
        cells = [c for c in self.changed_cells if not c.timing]
        return [
            *(f"J&F of {a.label} on {a.dataset}" for a in moved),
            *(f"speed of {s.label}" for s in timed),
            *(f"{c.table}: {c.row}, {c.column}" for c in cells),
            *(f"only in one: {name}" for name in (*self.only_before, *self.only_after)),
        ]


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a comparison."""
    return TypeAdapter(Comparison).json_schema()
