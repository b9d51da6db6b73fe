"""Trackers made of others: of a class that keeps its clip by itself, and of one on small frames."""

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np

from ttvos.core.errors import UserError
from ttvos.tracking.protocol import Prediction, Tracker, check_pair, check_size, object_ids, one_hot


@dataclass(frozen=True)
class OwnState:
    """Which clip the class has in hand. size: of its frames, (H, W). own: the class's instance."""

    size: tuple[int, int]
    own: Any = field(repr=False)


class OwnTracker:
    """Meets `ttvos.tracking.protocol.Tracker` for an object that tracks one clip at a time.

    Its `init(frame, mask)` returns nothing; its `step(frame)` returns the mask, (H, W) ids as a
    NumPy array or a torch tensor of whole numbers, or a `Prediction`. Optional attributes:
    `name`, `device`, `precision`, `options` (for the record), `parts` and `cycle` (for costs).
    """

    def __init__(self, own: Any, device: str = "cpu") -> None:
        self.own = own
        self.name = str(getattr(own, "name", type(own).__name__))
        self.device = str(getattr(own, "device", device))
        self.precision = getattr(own, "precision", None)
        options = getattr(own, "options", {})
        self.options = options if isinstance(options, dict) else {}
        self.parts = getattr(own, "parts", {})
        self.cycle = getattr(own, "cycle", 1)
        self._clip: OwnState | None = None

    def init(self, frame: np.ndarray, mask: np.ndarray) -> OwnState:
        """See `Tracker.init`."""
        check_pair(frame, mask)
        object_ids(mask)
        self.own.init(frame, mask)
        self._clip = OwnState(mask.shape, self.own)
        return self._clip

    def step(self, frame: np.ndarray, state: OwnState) -> tuple[Prediction, OwnState]:
        """See `Tracker.step`; UserError for a clip that another `init` has replaced."""
        if state is not self._clip:
            raise UserError(f"{self.name}: it has begun another clip; finish one before the next")
        check_size(frame, state.size)
        found = self.own.step(frame)
        return found if isinstance(found, Prediction) else Prediction(self._mask(found)), state

    def _mask(self, found: Any) -> np.ndarray:
        if hasattr(found, "detach"):
            found = found.detach().cpu()
        try:
            mask = np.asarray(found)
        except ValueError:  # a tuple of arrays, for one
            mask = np.empty(0, dtype=object)
        if mask.dtype == bool or mask.dtype.kind not in "ui":
            kind = f"{mask.dtype} of shape {mask.shape}"
            kind = kind if mask.dtype != object else type(found).__name__
            raise UserError(
                f"{self.name}: step() must return a mask of whole ids, not {kind}; "
                "see docs/your-own-tracker.md"
            )
        if mask.size and (mask.min() < 0 or mask.max() > 255):
            raise UserError(f"{self.name}: step() must return ids from 0 to 255")
        return mask.astype(np.uint8)


@dataclass(frozen=True)
class ScaledState:
    """The inner tracker's state, the ids that it follows, and the frames' size (H, W)."""

    inner: Any = field(repr=False)
    ids: tuple[int, ...] = ()
    size: tuple[int, int] = (0, 0)


class ScaledTracker:
    """Meets `ttvos.tracking.protocol.Tracker` with another one on smaller (or larger) frames.

    Masks have the frames' own size. It is for trackers without an input scale of their own: TTVOS
    enlarges its heatmaps, here only masks and probabilities are known.
    """

    def __init__(self, tracker: Tracker, scale: float, keeps_all: bool = False) -> None:
        """scale: of height and width, above 0 and at most 4; UserError for another.

        keeps_all: an object that would be lost at this scale is one pixel at its middle.
        """
        if not 0 < scale <= 4:
            raise UserError(f"input_scale {scale}: above 0 and at most 4")
        self.tracker, self.scale, self.keeps_all = tracker, scale, keeps_all
        self.name = tracker.name
        self.device = getattr(tracker, "device", "cpu")
        self.precision = getattr(tracker, "precision", None)
        self.options = {**getattr(tracker, "options", {}), "input_scale": scale}
        self.parts = getattr(tracker, "parts", {})
        self.cycle = getattr(tracker, "cycle", 1)

    def init(self, frame: np.ndarray, mask: np.ndarray) -> ScaledState:
        """See `Tracker.init`; UserError too for an object that is lost, unless all are kept."""
        check_pair(frame, mask)
        ids = object_ids(mask)
        small = cv2.resize(mask, self._size(mask.shape), interpolation=cv2.INTER_NEAREST)
        lost = set(ids) - set(np.unique(small).tolist())
        for each in lost if self.keeps_all else ():
            middle = np.argwhere(mask == each).mean(axis=0) * np.divide(small.shape, mask.shape)
            small[tuple(middle.astype(int))] = each
        if lost and not self.keeps_all:
            raise UserError(
                f"object {min(lost)} has no pixel left at input_scale {self.scale}; take a larger"
            )
        return ScaledState(self.tracker.init(self._resized(frame), small), ids, mask.shape)

    def step(self, frame: np.ndarray, state: ScaledState) -> tuple[Prediction, ScaledState]:
        """See `Tracker.step`. A pixel goes to the id whose enlarged mask is largest there."""
        check_size(frame, state.size)
        found, inner = self.tracker.step(self._resized(frame), state.inner)
        labels = (0, *state.ids)
        shares = _enlarged(one_hot(found.mask, labels), state.size)
        mask = np.array(labels, dtype=np.uint8)[shares.argmax(axis=0)]
        foreground = None
        if found.foreground is not None:
            foreground = _enlarged(found.foreground, state.size)
        return Prediction(mask, foreground), ScaledState(inner, state.ids, state.size)

    def _size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Width and height that the inner tracker sees."""
        height, width = (max(1, round(side * self.scale)) for side in size)
        return width, height

    def _resized(self, frame: np.ndarray) -> np.ndarray:
        way = cv2.INTER_AREA if self.scale < 1 else cv2.INTER_LINEAR
        return cv2.resize(frame, self._size(frame.shape[:2]), interpolation=way)


def _enlarged(maps: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Maps (O, h, w) float32, bilinearly at (O, *size)."""
    width_first = size[::-1]
    return np.stack(
        [cv2.resize(each, width_first, interpolation=cv2.INTER_LINEAR) for each in maps]
    )
