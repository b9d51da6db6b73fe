"""A class with `init(frame, mask)` and `step(frame)` as a tracker: it keeps the clip by itself."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ttvos.errors import UserError
from ttvos.tracker import Prediction, check_pair, check_size, object_ids


@dataclass(frozen=True)
class OwnState:
    """Which clip the class has in hand. size: of its frames, (H, W). own: the class's instance."""

    size: tuple[int, int]
    own: Any = field(repr=False)


class OwnTracker:
    """Meets `ttvos.tracker.Tracker` for an object that tracks one clip at a time.

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
