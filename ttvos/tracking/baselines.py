"""Trackers without any learning: the marks that a trained one has to pass.

Both meet the protocol of `ttvos.tracking.protocol`. They have neither update weights nor maps.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ttvos.core.video import VOID
from ttvos.tracking.protocol import Prediction, check_pair, check_size, object_ids, one_hot


class HeldStill:
    """Repeats the first mask: what a tracker scores by doing nothing."""

    name = "still"
    device = "cpu"

    def init(self, frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """frame (H, W, 3) uint8 RGB, mask (H, W) uint8 ids; the state is the mask without void.

        Raises UserError for an empty mask or one of another size than the frame.
        """
        check_pair(frame, mask)
        object_ids(mask)
        return np.where(mask == VOID, 0, mask).astype(np.uint8)

    def step(self, frame: np.ndarray, state: np.ndarray) -> tuple[Prediction, np.ndarray]:
        """Return the first mask, and the state as it was."""
        check_size(frame, state.shape)
        return Prediction(mask=state), state


@dataclass(frozen=True)
class FlowState:
    """What `FlowCarried` remembers of the previous frame.

    grey: (H, W) uint8. ids: the O objects' ids. masks: (O, H, W) float32 in [0, 1].
    """

    grey: np.ndarray
    ids: tuple[int, ...]
    masks: np.ndarray


class FlowCarried:
    """Carries the first mask from frame to frame by OpenCV's DIS optical flow (medium preset).

    The flow runs from the new frame back to the previous one, so every pixel of the new frame
    is looked up in the previous masks. These stay soft from frame to frame: rounding them
    each time would wear thin parts away.
    """

    name = "flow"
    device = "cpu"

    def init(self, frame: np.ndarray, mask: np.ndarray) -> FlowState:
        """frame (H, W, 3) uint8 RGB, mask (H, W) uint8 ids.

        Raises UserError for an empty mask or one of another size than the frame.
        """
        check_pair(frame, mask)
        ids = object_ids(mask)
        return FlowState(_grey(frame), ids, one_hot(mask, ids))

    def step(self, frame: np.ndarray, state: FlowState) -> tuple[Prediction, FlowState]:
        """Warp the previous masks to `frame`, (H, W, 3) uint8 RGB of the first frame's size."""
        check_size(frame, state.grey.shape)
        grey = _grey(frame)
        flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        source = _pixel_positions(grey.shape) + flow.calc(grey, state.grey, None)
        carried = np.stack([_look_up(mask, source) for mask in state.masks])
        return Prediction(_label(carried, state.ids)), FlowState(grey, state.ids, carried)


def _grey(frame: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)


def _pixel_positions(shape: tuple[int, int]) -> np.ndarray:
    """(H, W, 2) float32: the column and the row of every pixel."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return np.stack([columns, rows], axis=-1).astype(np.float32)


def _look_up(mask: np.ndarray, source: np.ndarray) -> np.ndarray:
    """The mask (H, W) at the positions `source` (H, W, 2), linearly; outside the frame it is 0."""
    return cv2.remap(mask, source, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)


def _label(masks: np.ndarray, ids: tuple[int, ...]) -> np.ndarray:
    """Each pixel's strongest object where it exceeds one half, background (0) elsewhere."""
    background = np.full((1, *masks.shape[1:]), 0.5, dtype=np.float32)
    strongest = np.concatenate([background, masks]).argmax(axis=0)
    return np.array([0, *ids], dtype=np.uint8)[strongest]
