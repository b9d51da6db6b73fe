"""A tracker whose input is worse than the video's: its first mask, its frames, or how many it sees.

Deterministic for a seed. What each stress does, and how much, stands in `ttvos.config.stress`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from ttvos.config.stress import Stress
from ttvos.core.video import VOID
from ttvos.tracking.adapters import ScaledTracker
from ttvos.tracking.protocol import Prediction, Tracker, check_pair, object_ids, step_of


def stressed(tracker: Tracker, stress: Stress, seed: int = 0) -> Tracker:
    """The tracker under a stress. Masks have the frames' own size, and there is one a frame."""
    if stress.name == "half":
        return ScaledTracker(tracker, 0.5**stress.strength, keeps_all=True)
    return StressedTracker(tracker, stress, seed)


@dataclass(frozen=True)
class StressedState:
    """The inner tracker's state, the number of the last frame, and its mask."""

    inner: Any = field(repr=False)
    number: int
    mask: np.ndarray = field(repr=False)


class StressedTracker:
    """Meets `ttvos.tracking.protocol.Tracker` with another one that sees a changed input.

    Of frames that the inner tracker does not see (skip), the mask is that of the last one it saw.
    """

    def __init__(self, tracker: Tracker, stress: Stress, seed: int) -> None:
        """seed: of noise and directions; a frame's noise hangs on it and the frame's number."""
        self.tracker, self.stress, self.seed = tracker, stress, seed
        self.name = tracker.name
        self.device = getattr(tracker, "device", "cpu")
        self.precision = getattr(tracker, "precision", None)
        options = getattr(tracker, "options", {})
        self.options = {**options, "stress": str(stress), "stress_seed": seed}

    def init(self, frame: np.ndarray, mask: np.ndarray) -> StressedState:
        """See `Tracker.init`."""
        check_pair(frame, mask)
        given = stress_mask(mask, self.stress, self.seed)
        inner = self.tracker.init(stress_frame(frame, self.stress, self.seed, 0), given)
        return StressedState(inner, 0, np.where(given == VOID, 0, given).astype(np.uint8))

    def step(self, frame: np.ndarray, state: StressedState) -> tuple[Prediction, StressedState]:
        """See `Tracker.step`."""
        number = state.number + 1
        if not is_seen(self.stress, number):
            return Prediction(state.mask), StressedState(state.inner, number, state.mask)
        shown = stress_frame(frame, self.stress, self.seed, number)
        found, inner = step_of(self.tracker, shown, state.inner)
        return found, StressedState(inner, number, found.mask)


def is_seen(stress: Stress | None, number: int) -> bool:
    """Whether the tracker sees a frame of that number; the given one is 0."""
    return stress is None or stress.name != "skip" or number % int(stress.strength + 1) == 0


def stress_frame(frame: np.ndarray, stress: Stress, seed: int, number: int) -> np.ndarray:
    """A frame (H, W, 3) uint8 as the tracker sees it. number: of the frame in the clip."""
    if stress.name == "blur":
        return cv2.GaussianBlur(frame, (0, 0), stress.strength)
    if stress.name == "noise":
        noise = np.random.default_rng([seed, number]).normal(0, stress.strength, frame.shape)
        return np.rint(frame + noise).clip(0, 255).astype(np.uint8)
    if stress.name == "dark":
        return np.rint(frame * (1 - stress.strength / 100)).astype(np.uint8)
    if stress.name == "jpeg":
        quality = [cv2.IMWRITE_JPEG_QUALITY, round(100 - stress.strength)]
        _, data = cv2.imencode(".jpg", frame[..., ::-1], quality)
        return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])
    return frame


def stress_mask(mask: np.ndarray, stress: Stress, seed: int = 0) -> np.ndarray:
    """A first mask (H, W) uint8 as the tracker is given it; void stays where no object comes.

    Where objects meet, smaller ones lie above larger ones, and an object does not grow over
    another one's own pixels. One that would have no pixel left keeps its own.
    """
    if stress.name not in CHANGES:
        return mask
    own = {i: mask == i for i in object_ids(mask)}
    by_size = sorted(own, key=lambda i: -np.count_nonzero(own[i]))
    changed = np.zeros_like(mask)
    for i in by_size:
        reach = stress.strength / 100 * float(np.sqrt(np.count_nonzero(own[i])))
        new = CHANGES[stress.name](own[i], reach, np.random.default_rng([seed, i]))
        if stress.name == "dilate":
            new &= own[i] | (mask == 0) | (mask == VOID)
        changed[new] = i
    for i in by_size:
        if not (changed == i).any():
            changed[own[i]] = i
    return np.where((changed == 0) & (mask == VOID), VOID, changed).astype(np.uint8)


def _eroded(own: np.ndarray, reach: float, rng: np.random.Generator) -> np.ndarray:
    """Pixels further inside than `reach`; the innermost ones where none is."""
    depth = _distance(own)
    return depth > min(reach, float(depth.max()) - 1e-3)


def _dilated(own: np.ndarray, reach: float, rng: np.random.Generator) -> np.ndarray:
    return _distance(~own) <= reach


def _shifted(own: np.ndarray, reach: float, rng: np.random.Generator) -> np.ndarray:
    angle = rng.uniform(0, 2 * np.pi)
    down, right = (round(reach * side) for side in (np.sin(angle), np.cos(angle)))
    move = np.array([[1, 0, right], [0, 1, down]], dtype=np.float32)
    size = own.shape[::-1]
    return cv2.warpAffine(own.astype(np.uint8), move, size, flags=cv2.INTER_NEAREST) > 0


def _box(own: np.ndarray, reach: float, rng: np.random.Generator) -> np.ndarray:
    box = np.zeros_like(own)
    top, bottom, left, right = _edges(own)
    box[top : bottom + 1, left : right + 1] = True
    return box


def _ellipse(own: np.ndarray, reach: float, rng: np.random.Generator) -> np.ndarray:
    top, bottom, left, right = _edges(own)
    rows, columns = np.ogrid[: own.shape[0], : own.shape[1]]
    down = (rows - (top + bottom) / 2) / ((bottom - top + 1) / 2)
    across = (columns - (left + right) / 2) / ((right - left + 1) / 2)
    return down**2 + across**2 <= 1


def _edges(own: np.ndarray) -> tuple[int, int, int, int]:
    """First and last row, first and last column."""
    rows, columns = (np.flatnonzero(own.any(axis=axis)) for axis in (1, 0))
    return rows[0], rows[-1], columns[0], columns[-1]


def _distance(mask: np.ndarray) -> np.ndarray:
    """Of each set pixel, to the next one that is not set, in pixels; the border is no edge."""
    return cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)


Change = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]
CHANGES: dict[str, Change] = {
    "erode": _eroded,
    "dilate": _dilated,
    "shift": _shifted,
    "box": _box,
    "ellipse": _ellipse,
}
