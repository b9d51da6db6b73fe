"""Full-size maps as the four planes that a PixelShuffle puts together.

Plane 2i + j of (B, 4, H/2, W/2) holds the pixels of the rows 2y + i and the columns 2x + j. What
is done to each pixel alone can be done to the planes, and the shuffle, which costs more than all
of it, is left to the one map of labels that a frame ends in.
"""

import torch.nn.functional as F
from torch import Tensor


def to_planes(maps: Tensor) -> Tensor:
    """(B, H, W), even sides -> (B, 4, H/2, W/2)."""
    return F.pixel_unshuffle(maps[:, None], 2)


def from_planes(planes: Tensor) -> Tensor:
    """(B, 4, H/2, W/2) of any type -> (B, H, W)."""
    height, width = planes.shape[-2:]
    blocks = planes.unflatten(1, (2, 2)).permute(0, 3, 1, 4, 2)
    return blocks.reshape(len(planes), 2 * height, 2 * width)


def halve_planes(planes: Tensor) -> Tensor:
    """(B, 4, h, w) -> (B, 1, h, w): `ttvos.model.blocks.halve` of the full-size maps.

    The average over 3x3 pixels around (2y, 2x), zeros beyond the border: the even row or column,
    the odd one after it, and the odd one before it, which belongs to the block before.
    """
    even, odd = planes.unflatten(1, (2, 2)).unbind(dim=1)
    rows = even + odd
    rows[:, :, 1:] += odd[:, :, :-1]
    even, odd = rows.unbind(dim=1)
    pixels = even + odd
    pixels[:, :, 1:] += odd[:, :, :-1]
    return (pixels / 9)[:, None]
