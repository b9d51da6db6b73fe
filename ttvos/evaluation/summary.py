"""What `ttvos evaluate` prints of its scores, in percent."""

import numpy as np

from ttvos.records.schema import Scores


def summary(scores: Scores) -> str:
    """Global scores; how much was scored, and of what; notes. A line each."""
    scored = scores.scored
    lines = ["  ".join(f"{name} {100 * mean:.1f}" for name, mean in scores.means.items())]
    kinds = ("sequence", "object", "frame")
    counts = ", ".join(_count(scored[f"{kind}s"], kind) for kind in kinds)
    rest = "" if scored.available == scored.sequences else ": the scores are of a part"
    has = f"{scored.set} has {_count(scored.available, 'sequence')}{rest}"
    return "\n".join([*lines, f"{counts}; {has}", *(f"note: {note}" for note in scores.notes)])


def per_sequence(scores: Scores) -> str:
    """A table of the sequences: each one's number of objects, and means over its objects."""
    objects = scores.sequences()
    width = max(len("sequence"), *map(len, objects))
    both, *names = scores.means.keys()  # J&F stands first
    lines = [_row("sequence", width, "objects", [both, *names])]
    for name, own in objects.items():
        means = {name: 100 * float(np.mean([values[name] for values in own])) for name in names}
        jf = (means["J-Mean"] + means["F-Mean"]) / 2
        cells = [f"{value:.1f}" for value in (jf, *means.values())]
        lines.append(_row(name, width, str(len(own)), cells))
    return "\n".join(lines)


def _row(name: str, width: int, objects: str, cells: list[str]) -> str:
    return "  ".join([name.ljust(width), objects.rjust(7), *(cell.rjust(8) for cell in cells)])


def _count(number: int, kind: str) -> str:
    return f"{number} {kind}{'' if number == 1 else 's'}"
