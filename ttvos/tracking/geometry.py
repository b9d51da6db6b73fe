"""Frames into what networks see, and what they answer back into frames: once, for all trackers.

N images, O objects, C channels, H and W height and width, h and w those of another size.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ttvos.core.video import IMAGENET_MEAN, IMAGENET_STD

ODDS_LIMIT = 1e-7  # probabilities are clamped to [1e-7, 1 - 1e-7] before their odds are taken


def as_image(frame: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """frame (H, W, 3) uint8 RGB -> (1, 3, H, W) uint8 on the device, its bytes where they lie."""
    return torch.from_numpy(np.ascontiguousarray(frame)).to(device).permute(2, 0, 1)[None]


def normalise(images: Tensor) -> Tensor:
    """RGB (N, 3, H, W), uint8, or float in [0, 1] -> float32, ImageNet mean 0 and deviation 1."""
    if images.dtype == torch.uint8:
        images = images.float() / 255
    mean = torch.tensor(IMAGENET_MEAN, device=images.device).view(1, 3, 1, 1)
    std = torch.tensor(IMAGENET_STD, device=images.device).view(1, 3, 1, 1)
    return (images - mean) / std


@dataclass(frozen=True)
class Padding:
    """How both sides of a frame are brought to a multiple, half of it before and half after.

    reflects: what is added is the frame reflected, else zeros. A side too short to be reflected
    that far has its border repeated. odd_first: an odd pixel goes before the frame, else after.
    always: a side that is a multiple already gets a whole multiple more.
    """

    multiple: int
    reflects: bool = False
    odd_first: bool = False
    always: bool = False

    def margins(self, side: int) -> tuple[int, int]:
        """Pixels added before and after a side."""
        total = self.multiple - side % self.multiple if self.always else -side % self.multiple
        less, more = total // 2, total - total // 2
        return (more, less) if self.odd_first else (less, more)

    def padded(self, size: tuple[int, int]) -> tuple[int, int]:
        """Height and width of what `pad` makes of a frame of `size`, (H, W)."""
        height, width = (side + sum(self.margins(side)) for side in size)
        return height, width

    def pad(self, x: Tensor) -> Tensor:
        """(N, C, H, W) with the margins of its last two axes."""
        height, width = x.shape[-2:]
        sides = (*self.margins(width), *self.margins(height))
        if not any(sides):
            return x
        if not self.reflects:
            return F.pad(x, sides)
        fits = max(sides[:2]) < width and max(sides[2:]) < height
        return F.pad(x, sides, mode="reflect" if fits else "replicate")

    def crop(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """Undo `pad` on the last two axes; size: (H, W) before it."""
        (height, width), (top, left) = size, (self.margins(side)[0] for side in size)
        return x[..., top : top + height, left : left + width]


def resize(x: Tensor, size: tuple[int, int], averages: bool = False) -> Tensor:
    """(N, C, H, W) -> (N, C, *size), bilinear, corners not aligned.

    averages: where it shrinks, a pixel is the mean of all that it stands for, not of four.
    """
    if averages and x.shape[-2:] == size:
        return x
    return F.interpolate(x, size, mode="bilinear", align_corners=False, antialias=averages)


def odds(probabilities: Tensor) -> Tensor:
    """p / (1 - p) of probabilities in [0, 1], of any shape, clamped to `ODDS_LIMIT`."""
    clamped = probabilities.clamp(ODDS_LIMIT, 1 - ODDS_LIMIT)
    return clamped / (1 - clamped)


def shares_of_odds(probabilities: Tensor) -> Tensor:
    """(K, H, W) in [0, 1], of K rivals -> each one's share of the odds, which sum to 1.

    It equals the softmax of their logits.
    """
    found = odds(probabilities)
    return found / found.sum(dim=0, keepdim=True)


def likeliest(foreground: Tensor, threshold: float = 0.5) -> Tensor:
    """Probabilities (O, H, W) -> (H, W) int64: o + 1 of the likeliest object above it, else 0."""
    best, found = foreground.max(dim=0)
    return torch.where(best > threshold, found + 1, 0)


def as_ids(labels: Tensor, ids: tuple[int, ...]) -> np.ndarray:
    """(H, W) whole numbers, 0 = background, o + 1 = object o -> (H, W) uint8 ids."""
    return np.array([0, *ids], dtype=np.uint8)[labels.cpu().numpy()]
