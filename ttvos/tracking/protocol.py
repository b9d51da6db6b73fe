"""The protocol every tracker meets: TTVOS, the reference rows, and users' own models."""

from collections.abc import Iterable, Iterator, Sized
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ttvos.core.errors import UserError
from ttvos.core.video import VOID


@dataclass(frozen=True)
class Prediction:
    """What a tracker says of one frame.

    mask: (H, W) uint8 ids, 0 = background. foreground: (O, H, W) float32 in [0, 1], each
    object's probability before aggregation. update_weight: (O,) float32 in (0, 1).
    transition, attention: (O, h, w) float32 maps to look at. All but mask may be None.
    """

    mask: np.ndarray
    foreground: np.ndarray | None = None
    update_weight: np.ndarray | None = None
    transition: np.ndarray | None = None
    attention: np.ndarray | None = None


class Tracker(Protocol):
    """Follows the objects of a first mask through a clip, one frame at a time.

    The state holds all memory of the clip; whether it grows with the clip is measured. A step may
    use it up. Optional attributes, for the record: `device`, where it computes, `precision`, and
    `options`, a dictionary of its settings; for speed: `stream(frames, state)`, an iterator of
    the predictions of many frames; for costs: `parts`, a dictionary of the modules (tuples of
    nn.Module) behind each name of a part, and `cycle`, the frames after which a frame's work
    repeats (default 1).
    """

    name: str

    def init(self, frame: np.ndarray, mask: np.ndarray) -> Any:
        """frame (H, W, 3) uint8 RGB, mask (H, W) uint8 ids (255 = void) -> state."""
        ...

    def step(self, frame: np.ndarray, state: Any) -> tuple[Prediction, Any]:
        """The next frame, of the same size -> (prediction, next state)."""
        ...


def cycle_of(tracker: Tracker) -> int:
    """After how many frames its work repeats; UserError for what is no whole number from 1."""
    cycle = getattr(tracker, "cycle", 1)
    if not isinstance(cycle, int) or cycle < 1:
        raise UserError(f"{tracker.name}: cycle {cycle!r}: a whole number of frames, 1 or more")
    return cycle


def stream(tracker: Tracker, frames: Iterable[np.ndarray], state: Any) -> Iterator[Prediction]:
    """The predictions of the frames that follow `state`, by the tracker's own `stream` if any.

    One prediction a frame, in their order: a `stream` of the tracker's that yields more or fewer,
    or that leaves frames unread, raises UserError, because masks would go to the wrong frames.
    """
    if hasattr(tracker, "stream"):
        yield from _counted(tracker, frames, state)
        return
    for frame in frames:
        prediction, state = step_of(tracker, frame, state)
        yield prediction


def step_of(tracker: Tracker, frame: np.ndarray, state: Any) -> tuple[Prediction, Any]:
    """What the tracker's `step` returns; UserError where that is no (prediction, state)."""
    found = tracker.step(frame, state)
    if isinstance(found, tuple) and len(found) == 2 and isinstance(found[0], Prediction):
        return found
    raise UserError(
        f"{tracker.name}: step() returned {_kind(found)}, not (Prediction, state); "
        "see docs/your-own-tracker.md"
    )


def _kind(value: Any) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(type(item).__name__ for item in value)})"
    return type(value).__name__


def _counted(tracker: Any, frames: Iterable[np.ndarray], state: Any) -> Iterator[Prediction]:
    """The tracker's own stream, with as many predictions as frames."""
    given = frames if isinstance(frames, Sized) else _Frames(frames)
    yielded = 0
    for prediction in tracker.stream(given, state):
        yielded += 1
        if yielded > len(given):
            raise UserError(
                f"{tracker.name}: its stream() has yielded {_count(yielded, 'prediction')} for "
                f"{_count(len(given), 'frame')}; it must yield one for each frame that it is given"
            )
        yield prediction
    is_whole = isinstance(frames, Sized) or next(given, None) is None
    if yielded < len(given) or not is_whole:
        raise UserError(
            f"{tracker.name}: its stream() ended after {_count(yielded, 'prediction')} although "
            "more frames were there; it must yield one for each frame that it is given"
        )


class _Frames:
    """An iterator of frames whose length is the number of those that were taken."""

    def __init__(self, frames: Iterable[np.ndarray]) -> None:
        self._frames, self._taken = iter(frames), 0

    def __iter__(self) -> "_Frames":
        return self

    def __next__(self) -> np.ndarray:
        frame = next(self._frames)
        self._taken += 1
        return frame

    def __len__(self) -> int:
        return self._taken


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


@dataclass(frozen=True)
class Track:
    """A whole clip's result.

    masks: (T, H, W) uint8 ids; [0] is the given mask. foreground: (T, O, H, W) float32, before
    aggregation; [0] is the given mask. update_weights: (T-1, O) float32, NaN where the
    variant has no adaptive weight. objects: the ids, in the order of the O axis.
    """

    masks: np.ndarray
    foreground: np.ndarray
    update_weights: np.ndarray
    objects: tuple[int, ...] = ()


def object_ids(mask: np.ndarray) -> tuple[int, ...]:
    """Ids in a first mask, ascending; background and void are none. UserError if empty."""
    values = np.unique(mask)
    ids = tuple(int(i) for i in values if i not in (0, VOID))
    if not ids and VOID in values:
        raise UserError(
            "the first mask is empty but for 255, which is void: where 255 marks the object, pass "
            "`mask > 0`"
        )
    if not ids:
        raise UserError("the first mask is empty: it must mark at least one object")
    return ids


def one_hot(mask: np.ndarray, ids: tuple[int, ...]) -> np.ndarray:
    """(O, H, W) float32: 1 where the mask has the object's id."""
    return (mask[None] == np.array(ids).reshape(-1, 1, 1)).astype(np.float32)


def check_pair(frame: np.ndarray, mask: np.ndarray) -> None:
    """Raise UserError unless frame (H, W, 3) uint8 and mask (H, W) uint8 are of one size."""
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8:
        raise UserError(f"a frame must be (H, W, 3) uint8 RGB, this is {frame.shape} {frame.dtype}")
    if mask.ndim != 2 or mask.dtype != np.uint8:
        raise UserError(f"a mask must be (H, W) uint8 ids, this is {mask.shape} {mask.dtype}")
    if frame.shape[:2] != mask.shape:
        raise UserError(f"frame {frame.shape[:2]} and mask {mask.shape} differ in size")


def check_size(frame: np.ndarray, size: tuple[int, int]) -> None:
    """Raise UserError unless the frame is of its clip's size (H, W)."""
    if frame.shape[:2] != tuple(size):
        raise UserError(f"frame of size {frame.shape[:2]} in a clip of size {tuple(size)}")


def check_prediction(prediction: Prediction, frame: np.ndarray, ids: tuple[int, ...]) -> None:
    """Raise UserError unless the mask is (H, W) uint8, of the frame's size, with these ids or 0,
    and all probabilities, update weights and maps beside it are numbers."""
    mask = getattr(prediction, "mask", None)
    if not isinstance(mask, np.ndarray) or mask.dtype != np.uint8:
        kind = getattr(mask, "dtype", type(mask).__name__)
        raise UserError(f"the tracker's mask must be an array of uint8 ids, this is {kind}")
    if mask.shape != frame.shape[:2]:
        raise UserError(f"the tracker's mask is {mask.shape}, its frame {frame.shape[:2]}")
    present = np.flatnonzero(np.bincount(mask.ravel(), minlength=256))
    strange = np.setdiff1d(present, (0, *ids))
    if strange.size:
        known = ", ".join(map(str, ids))
        raise UserError(f"the tracker's mask has id {strange[0]}; the first mask has {known}")
    _check_values(prediction, (len(ids), *mask.shape))


def _check_values(prediction: Prediction, shape: tuple[int, int, int]) -> None:
    """What comes beside the mask; shape: (O, H, W)."""
    expected = {"foreground": shape, "update_weight": shape[:1]}
    for name in ("foreground", "update_weight", "transition", "attention"):
        values, what = getattr(prediction, name), f"the tracker's {name.replace('_', ' ')}"
        if values is None:
            continue
        if np.shape(values) != expected.get(name, np.shape(values)):
            raise UserError(f"{what} is {np.shape(values)}, expected {expected[name]}")
        if not np.isfinite(values).all():
            raise UserError(f"{what} is not a number; its weights or its precision are unusable")
