"""What changed between two sides, all of it."""

from ttvos.records.comparison import AccuracyChange, Cause, Comparison, SpeedChange
from ttvos.report.changes.accuracy import accuracy_changes, entries
from ttvos.report.changes.causes import WHAT, causes
from ttvos.report.changes.cells import Cells
from ttvos.report.changes.sides import Compared
from ttvos.report.changes.speeds import speed_changes, speeds

TOLERANCE = 0.1  # of a speed


def compare(before: Compared, after: Compared, tolerance: float = TOLERANCE) -> Comparison:
    """Compare what both sides have, and name in short what one of them alone has.

    tolerance: the share that a speed may be off, 0 to 1. Two calls give the same: the bootstrap
    is seeded.
    """
    accuracy = accuracy_changes(before, after)
    timed = speed_changes(before, after, tolerance)
    cells = Cells(before.tables, after.tables, accuracy)
    own = [_only(one, other) for one, other in ((before, after), (after, before))]
    return Comparison(
        before=before.side,
        after=after.side,
        tolerance=tolerance,
        causes=_all_causes(before, after, accuracy, timed),
        accuracy=accuracy,
        speeds=timed,
        cells=cells.counted,
        changed_cells=cells.changed,
        only_before=own[0] + cells.only[0],
        only_after=own[1] + cells.only[1],
    )


def _only(one: Compared, other: Compared) -> list[str]:
    """Entries that one side alone scored or timed."""
    scored, timed = entries(one), speeds(one)
    return [
        *(f"J&F of {s.label} on {s.dataset}" for k, s in scored.items() if k not in entries(other)),
        *(f"speed of {s.label}" for k, s in timed.items() if k not in speeds(other)),
    ]


def _all_causes(
    before: Compared,
    after: Compared,
    accuracy: list[AccuracyChange],
    timed: list[SpeedChange],
) -> list[Cause]:
    """What differs behind anything that is compared; the first of each kind."""
    shared = [(file, after.files.get(name)) for name, file in before.files.items()]
    found = [*causes(shared), *(cause for change in (*accuracy, *timed) for cause in change.causes)]
    first: dict[str, Cause] = {}
    for cause in found:
        first.setdefault(cause.what, cause)
    return [first[what] for what in WHAT if what in first]
