"""What changed between two sides, all of it."""

from ttvos.records.comparison import Comparison
from ttvos.records.report import FileRecord
from ttvos.report.changes.accuracy import accuracy_changes, behind, entries
from ttvos.report.changes.causes import causes, told
from ttvos.report.changes.cells import Cells
from ttvos.report.changes.sides import Compared
from ttvos.report.changes.speeds import speed_changes, speeds

TOLERANCE = 0.1  # of a speed


def compare(
    before: Compared, after: Compared, tolerance: float = TOLERANCE, margin: float = 0.0
) -> Comparison:
    """Compare what both sides have, and name in short what one of them alone has.

    tolerance: the share that a speed may be off, 0 to 1. margin: points of J&F, 0 or more. Two
    calls give the same: the bootstrap is seeded.
    """
    accuracy = accuracy_changes(before, after, margin)
    timed = speed_changes(before, after, tolerance)
    cells = Cells(before.tables, after.tables, accuracy)
    pairs = _pairs(before, after)
    differing = causes(pairs)
    own = [_only(one, other) for one, other in ((before, after), (after, before))]
    found = {(change.kind, change.entry, change.dataset) for change in accuracy}
    apart = [
        of for key, of in entries(before).items() if key in entries(after) and key not in found
    ]
    own[0] += [f"J&F of {of.label} on {of.dataset}, on other sequences or objects" for of in apart]
    return Comparison(
        before=before.side,
        after=after.side,
        tolerance=tolerance,
        margin=margin,
        causes=differing,
        same=[what for what in told(pairs) if what not in {cause.what for cause in differing}],
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


def _pairs(before: Compared, after: Compared) -> list[tuple[FileRecord | None, FileRecord | None]]:
    """The files behind everything that both sides have."""
    pairs = [(file, after.files.get(name)) for name, file in before.files.items()]
    old, timed = entries(before), speeds(before)
    for key, entry in entries(after).items():
        pairs += behind(before, after, old[key], entry) if key in old else ()
    for key, entry in speeds(after).items():
        if key in timed:
            pairs.append((before.files.get(timed[key].file), after.files.get(entry.file)))
    return pairs
