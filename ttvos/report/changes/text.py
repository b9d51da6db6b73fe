"""What changed, as lines for a terminal."""

from collections.abc import Sequence

from ttvos.core.text import counted
from ttvos.records.comparison import AccuracyChange, CellChange, Comparison, SpeedChange

MOST = 8  # lines of one kind; --json and --html have all
COLOURS = {"worse": "31", "slower": "31", "better": "32", "faster": "32"}


class Style:
    """Colour on a terminal, and none elsewhere."""

    def __init__(self, colour: bool) -> None:
        self.colour = colour

    def verdict(self, text: str, width: int) -> str:
        """A verdict, padded to a width."""
        code = COLOURS.get(text)
        padded = text.ljust(width)
        return f"\x1b[{code}m{padded}\x1b[0m" if self.colour and code else padded

    def head(self, text: str) -> str:
        """A heading."""
        return f"\x1b[1m{text}\x1b[0m" if self.colour else text


def as_text(found: Comparison, colour: bool = False) -> str:
    """All that changed, each part below its heading."""
    style = Style(colour)
    parts = [_sides(found), _causes(found), _accuracy(found, style), _speeds(found, style)]
    parts += [_cells(found, style), _only(found, style), _end(found)]
    return "\n\n".join("\n".join(part) for part in parts if part)


def _sides(found: Comparison) -> list[str]:
    lines = []
    for name, side in (("A", found.before), ("B", found.after)):
        facts = [side.title, side.commit and f"commit {side.commit}", side.time]
        lines.append(f"{name}  {side.path}  ({', '.join(fact for fact in facts if fact)})")
    return lines


def _causes(found: Comparison) -> list[str]:
    width = max((len(cause.what) for cause in found.causes), default=0)
    lines = [
        f"  {cause.what.ljust(width)}  {_short(cause.before)} → {_short(cause.after)}"
        for cause in found.causes
    ]
    head = ["Different:"] if lines else []
    same = [f"Known of both, and not different: {', '.join(found.same)}."] if found.same else []
    return [*head, *lines, *same]


def _short(text: str) -> str:
    return text if len(text) <= 70 else f"{text[:67]}..."


def _accuracy(found: Comparison, style: Style) -> list[str]:
    if not found.accuracy:
        return []
    moved = [change for change in found.accuracy if change.verdict != "unchanged"]
    count = f"{len(found.accuracy) - len(moved)} of {len(found.accuracy)} unchanged"
    head = style.head("J&F in points, B − A [95 % interval over the sequences]") + f": {count}"
    width = max((len(change.verdict) for change in moved), default=0)
    table = _aligned([_accuracy_line(change) for change in moved], right=(2, 3))
    lines = [head]
    for change, line in zip(moved, table, strict=True):
        lines.append(f"  {style.verdict(change.verdict, width)}  {line}")
        lines += [f"      {text}" for text in _below(change)]
    return lines


def _accuracy_line(change: AccuracyChange) -> list[str]:
    of = [counted(change.counted, "sequence"), counted(change.seeds, "seed")]
    return [
        change.label,
        change.dataset,
        f"{change.before:.1f} → {change.after:.1f}",
        f"{change.difference:+.2f}",
        _interval(change.interval, "+.2f"),
        ", ".join(
            [*of, *([f"p {change.adjusted:.2g} (Holm)"] if change.adjusted is not None else [])]
        ),
    ]


def _below(change: AccuracyChange) -> list[str]:
    """The sequences that moved most, and what else is to know of an entry."""
    shown = change.sequences[:MOST]
    rows = [
        [
            s.sequence,
            f"{s.before:.1f} → {s.after:.1f}",
            f"{s.difference:+.1f}",
            _interval(s.interval, "+.1f"),
        ]
        for s in shown
    ]
    lines = _aligned(rows, right=(1, 2))
    if len(change.sequences) > len(shown):
        lines.append(f"and {len(change.sequences) - len(shown)} more")
    lines += [f"note: {change.reason}"] if change.reason else []
    if change.apart:
        lines.append(f"left out, not the same in both: {', '.join(change.apart)}")
    if change.causes:
        lines.append(f"different behind it: {', '.join(cause.what for cause in change.causes)}")
    return lines


def _speeds(found: Comparison, style: Style) -> list[str]:
    if not found.speeds:
        return []
    kept = [s for s in found.speeds if s.verdict == "within tolerance"]
    told = [s for s in found.speeds if s.verdict != "within tolerance"]
    judged = [s for s in told if s.verdict != "not judged"]
    count = f"{len(kept)} within ±{found.tolerance:.0%}, {len(told) - len(judged)} not judged"
    head = style.head("Frames a second, B over A [95 % interval over the repeats]") + f": {count}"
    table = _aligned([_speed_line(change) for change in judged], right=(1, 2))
    lines = [f"  {style.verdict(s.verdict, 9)}  {t}" for s, t in zip(judged, table, strict=True)]
    reasons: dict[str, list[str]] = {}
    for change in told:
        if change.verdict == "not judged":
            reasons.setdefault(change.reason, []).append(change.label)
    lines += [f"  not judged  {', '.join(of)}: {why}" for why, of in reasons.items()]
    return [head, *lines]


def _speed_line(change: SpeedChange) -> list[str]:
    speeds = f"{change.before:.2f} → {change.after:.2f}"
    return [change.label, speeds, f"×{change.ratio:.2f}", _interval(change.interval, ".2f")]


def _cells(found: Comparison, style: Style) -> list[str]:
    if not found.cells:
        return []
    timing = [cell for cell in found.changed_cells if cell.timing]
    others = [cell for cell in found.changed_cells if not cell.timing]
    count = f"{len(others)} of {found.cells} changed"
    if timing:
        count += f", and {len(timing)} of times, speeds and memory, which no two runs share"
    lines = [style.head("Cells of the tables") + f": {count}"]
    for name in dict.fromkeys(cell.table for cell in others):
        mine = [cell for cell in others if cell.table == name]
        lines.append(f"  {name}")
        lines += [f"    {line}" for line in _aligned([_cell_line(cell) for cell in mine[:MOST]])]
        lines += [f"    and {len(mine) - MOST} more"] if len(mine) > MOST else []
    return lines


def _cell_line(cell: CellChange) -> list[str]:
    interval = _interval(cell.interval, "+.2f")
    return [cell.row, cell.column, f"{_short(cell.before)} → {_short(cell.after)}", interval]


def _only(found: Comparison, style: Style) -> list[str]:
    lines = []
    for name, only in (("A", found.only_before), ("B", found.only_after)):
        if only:
            more = [f"and {len(only) - MOST} more"] if len(only) > MOST else []
            lines.append(style.head(f"Only in {name}") + f": {'; '.join([*only[:MOST], *more])}")
    return lines


def _end(found: Comparison) -> list[str]:
    if not found.has_common:
        return ["Nothing to compare: the two share nothing."]
    if found.worse:
        return [f"Worse: {'; '.join(found.worse)}."]
    return ["Nothing is worse." if found.changed else "Nothing changed."]


def _interval(interval: list[float] | None, shape: str) -> str:
    return f"[{interval[0]:{shape}}, {interval[1]:{shape}}]" if interval else ""


def _aligned(rows: list[list[str]], right: Sequence[int] = ()) -> list[str]:
    """Rows of texts as lines with columns of one width each; right: those set flush right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            text.rjust(width) if index in right else text.ljust(width)
            for index, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
