"""The index of a data set: its sequences, and each method's J and F of every frame."""

from typing import Any

from ttvos.data.davis import Sequence
from ttvos.records.schema import Scores
from ttvos.report.explorer.methods import Method

DIGITS = 3  # after the point, of J, F and weights
SHARE_DIGITS = 5  # of a small object's share of the frame


def sequence_entry(
    sequence: Sequence, size: tuple[int, int], attributes: tuple[str, ...]
) -> dict[str, Any]:
    """One sequence. size: width and height of its pictures; frames: their names, in order."""
    return {
        "name": sequence.name,
        "frames": [path.stem for path in sequence.frames],
        "width": size[0],
        "height": size[1],
        "attributes": list(attributes),
    }


def method_entry(method: Method, sequences: list[Sequence], mapped: list[str]) -> dict[str, Any]:
    """One method with its scores and curves by sequence. mapped: sequences with maps."""
    lengths = {sequence.name: len(sequence.frames) for sequence in sequences}
    return {
        "who": method.who,
        "label": method.label,
        "masks": method.masks is not None,
        "maps": mapped,
        "sequences": {
            name: _curves(method, name, lengths[name])
            for name in method.scores.sequences()
            if name in lengths
        },
    }


def _curves(method: Method, name: str, frames: int) -> dict[str, Any]:
    """jf: J&F, the mean over the objects; j, f: objects x frames, None where not scored."""
    own = method.scores.sequences()[name]
    entry = {
        "jf": _short(sum(scores.jf_mean for scores in own) / len(own)),
        "objects": objects_of(method.scores, name),
        **_frames(method.scores, name, frames),
    }
    said = method.predictions.sequences.get(name) if method.predictions else None
    if said and said.update_weights:
        entry["weights"] = [_short(line) for line in zip(*said.update_weights, strict=True)]
        shares = zip(*said.foreground_ratio, strict=True)
        entry["ratios"] = [[round(share, SHARE_DIGITS) for share in line] for line in shares]
    return entry


def objects_of(scores: Scores, name: str) -> list[int]:
    """The ids of a sequence's objects."""
    own = (key.rpartition("_") for key in scores.objects)
    return [int(number) for sequence, _, number in own if sequence == name]


def _frames(scores: Scores, name: str, frames: int) -> dict[str, Any]:
    found = [scores.frames.get(f"{name}_{number}") for number in objects_of(scores, name)]
    known = [series for series in found if series is not None]
    return (
        {}
        if len(known) < len(found)
        else {
            "j": [_placed(series.j, frames) for series in known],
            "f": [_placed(series.f, frames) for series in known],
        }
    )


def _placed(values: list[float], frames: int) -> list[float | None]:
    """Values of the scored frames, which end with the last but one, among all frames."""
    before = frames - 1 - len(values)
    return [None] * before + _short(values) + [None]


def _short(value: Any) -> Any:
    """A fraction, or a list of them, with as many digits as a curve shows."""
    return round(value, DIGITS) if isinstance(value, float) else [round(v, DIGITS) for v in value]
