"""SiamMask's choice: which of 25x25 places, with 5 anchors each, has the object, and its new box.

Written from docs/peers.md, section 4.8; what it leaves open is as in SiamRPN, whose proposals these
are.
"""

from typing import NamedTuple

import numpy as np

from ttvos.peers.siammask_crops import Box, template_side, with_context
from ttvos.peers.siammask_network import ANCHORS, PLACES, STRIDE, TEMPLATE_SIZE

RATIOS = (1 / 3, 1 / 2, 1, 2, 3)  # height to width, of the anchors
ANCHOR_SIDE = 64  # of the square anchor, in pixels of the crop; all have its area
MAX_LOG_SCALE = 4.0  # of a side against its anchor's: random weights may answer any number
PENALTY, WINDOW, RATE = 0.04, 0.4, 1.0
MIN_SIDE = 10.0  # of a box, in pixels of the frame


class Choice(NamedTuple):
    """The best place, by row and column (0 to 24), and the object's new box in the frame."""

    row: int
    column: int
    box: Box


def choose(scores: np.ndarray, boxes: np.ndarray, box: Box, size: tuple[int, int]) -> Choice:
    """The place with the best score, once changes of shape and distance have lowered it.

    scores: (10, 25, 25) logits, absent then present, 5 anchors each. boxes: (20, 25, 25), for 5
    anchors each the centre's column and row in sides of the anchor, and the logarithms of
    width and height against the anchor's. box: the last one; size: of the frame, (H, W).
    """
    presence = _presence(scores)
    columns, rows, widths, heights = _decode(boxes)
    scale = TEMPLATE_SIZE / template_side(box)  # from the frame to the crop
    penalty = _penalty(widths, heights, box.width * scale, box.height * scale)
    window = np.outer(np.hanning(PLACES), np.hanning(PLACES))
    ranked = penalty * presence * (1 - WINDOW) + window * WINDOW
    best = np.unravel_index(ranked.argmax(), ranked.shape)
    rate = penalty[best] * presence[best] * RATE
    found = Box(
        box.column + columns[best] / scale,
        box.row + rows[best] / scale,
        box.width * (1 - rate) + widths[best] / scale * rate,
        box.height * (1 - rate) + heights[best] / scale * rate,
    )
    return Choice(int(best[1]), int(best[2]), _inside(found, size))


def _presence(scores: np.ndarray) -> np.ndarray:
    """Probabilities (5, 25, 25) that an anchor holds the object: the softmax of two logits."""
    absent, present = scores.astype(np.float64).reshape(2, ANCHORS, PLACES, PLACES)
    return np.exp(-np.logaddexp(0, absent - present))


def _decode(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Columns, rows (of centres, from the crop's centre), widths, heights: each (5, 25, 25)."""
    columns, rows, widths, heights = boxes.astype(np.float64).reshape(4, ANCHORS, PLACES, PLACES)
    ratios = np.array(RATIOS)[:, None, None]
    anchor_widths, anchor_heights = ANCHOR_SIDE / np.sqrt(ratios), ANCHOR_SIDE * np.sqrt(ratios)
    places = STRIDE * (np.arange(PLACES) - PLACES // 2)
    return (
        columns * anchor_widths + places[None, None, :],
        rows * anchor_heights + places[None, :, None],
        anchor_widths * np.exp(widths.clip(-MAX_LOG_SCALE, MAX_LOG_SCALE)),
        anchor_heights * np.exp(heights.clip(-MAX_LOG_SCALE, MAX_LOG_SCALE)),
    )


def _penalty(widths: np.ndarray, heights: np.ndarray, width: float, height: float) -> np.ndarray:
    """(5, 25, 25) in (0, 1]: 1 for boxes of the last one's size and shape."""
    sizes = with_context(widths, heights) / with_context(width, height)
    shapes = (widths / heights) / (width / height)
    change = np.maximum(sizes, 1 / sizes) * np.maximum(shapes, 1 / shapes)
    return np.exp(-PENALTY * (change - 1))


def _inside(box: Box, size: tuple[int, int]) -> Box:
    """The box with its centre in the frame and no side smaller than 10 pixels or the frame's."""
    height, width = size
    return Box(
        float(np.clip(box.column, 0, width - 1)),
        float(np.clip(box.row, 0, height - 1)),
        float(np.clip(box.width, min(MIN_SIDE, width), width)),
        float(np.clip(box.height, min(MIN_SIDE, height), height)),
    )
