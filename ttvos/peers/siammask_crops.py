"""SiamMask's crops and its choice: squares of a frame to look at, and where the object is in them.

Written from docs/peers.md, section 4.8; what it leaves open of the choice is as in SiamRPN, whose
proposals these are. Positions are of pixel centres; a crop is one affine warp. The search crop has
25x25 places with 5 anchors each.
"""

from typing import Any, NamedTuple

import cv2
import numpy as np

STRIDE = 8
TEMPLATE_SIZE = 127
SEARCH_SIZE = 255
PLACES = 25  # a side
ANCHORS = 5
WINDOW_BORDER = 32  # pixels that the first place's window begins before the search image
CONTEXT = 0.5  # of width plus height, added to each
RATIOS = (1 / 3, 1 / 2, 1, 2, 3)  # height to width, of the anchors
ANCHOR_SIDE = 64  # of the square anchor, in pixels of the crop; all have its area
MAX_LOG_SCALE = 4.0  # of a side against its anchor's: random weights may answer any number
PENALTY, WINDOW, RATE = 0.04, 0.4, 1.0
MIN_SIDE = 10.0  # of a box, in pixels of the frame


class Box(NamedTuple):
    """Centre (column, row) and sides (width, height), in pixels of the frame."""

    column: float
    row: float
    width: float
    height: float


def box_of(mask: np.ndarray) -> Box:
    """The smallest upright box around a mask (H, W) bool that is not empty."""
    rows, columns = np.nonzero(mask)
    top, bottom = int(rows.min()), int(rows.max())
    left, right = int(columns.min()), int(columns.max())
    return Box((left + right) / 2, (top + bottom) / 2, right - left + 1, bottom - top + 1)


def with_context(width: Any, height: Any) -> Any:
    """Side of the square that stands for a box and its context; numbers, or arrays of them."""
    added = CONTEXT * (width + height)
    return np.sqrt((width + added) * (height + added))


def template_side(box: Box) -> float:
    """Side of the template's crop, in pixels of the frame."""
    return float(with_context(box.width, box.height))


def search_side(box: Box) -> float:
    """Side of the search crop, in pixels of the frame: the template's scale, a larger size."""
    return template_side(box) * SEARCH_SIZE / TEMPLATE_SIZE


def cut(frame: np.ndarray, box: Box, side: float, size: int, outside: np.ndarray) -> np.ndarray:
    """The square around a box's centre, `side` pixels of the frame wide: (size, size, 3) uint8.

    outside: (3,) the colour of what is not in the frame.
    """
    step, middle = side / size, (size - 1) / 2
    crop_to_frame = np.array(
        [[step, 0, box.column - middle * step], [0, step, box.row - middle * step]]
    )
    colour = tuple(float(c) for c in outside)
    return _warp(frame, crop_to_frame, (size, size), colour)


def paste(mask: np.ndarray, box: Box, row: int, column: int, size: tuple[int, int]) -> np.ndarray:
    """The mask (127, 127) float32 of a place of the search crop around `box`, in the frame (H, W).

    row, column: of the place, 0 to 24. Where the mask says nothing it is 0.
    """
    scale, middle = SEARCH_SIZE / search_side(box), (SEARCH_SIZE - 1) / 2
    left = middle - (STRIDE * column - WINDOW_BORDER) - box.column * scale
    top = middle - (STRIDE * row - WINDOW_BORDER) - box.row * scale
    frame_to_mask = np.array([[scale, 0, left], [0, scale, top]])
    return _warp(mask, frame_to_mask, size, (0.0,))


def _warp(
    image: np.ndarray, to_source: np.ndarray, size: tuple[int, int], outside: tuple[float, ...]
) -> np.ndarray:
    """An image of `size` (H, W), each pixel taken from where `to_source` (2, 3) sends it."""
    return cv2.warpAffine(
        image,
        to_source,
        size[::-1],
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=outside,
    )


class Choice(NamedTuple):
    """The best place, by row and column (0 to 24), and the object's new box in the frame."""

    row: int
    column: int
    box: Box


def choose_place(scores: np.ndarray, boxes: np.ndarray, box: Box, size: tuple[int, int]) -> Choice:
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
