"""SiamMask's crops: a square around a box, out of the frame, and a mask back into it.

Written from docs/peers.md, section 4.8. Positions are of pixel centres; a crop is one affine warp.
"""

from typing import Any, NamedTuple

import cv2
import numpy as np

from ttvos.peers.siammask_network import SEARCH_SIZE, STRIDE, TEMPLATE_SIZE, WINDOW_BORDER

CONTEXT = 0.5  # of width plus height, added to each


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
