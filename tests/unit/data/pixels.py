"""A clip as the model gets it, back in uint8."""

import numpy as np
import torch

from ttvos.core.video import IMAGENET_MEAN, IMAGENET_STD
from ttvos.data.augment import make_pixels
from ttvos.data.layers import Clip, Scene, collate
from ttvos.data.warp import Warp, unchanged


def pixels(clip: Clip) -> tuple[np.ndarray, np.ndarray]:
    """Frames (T, H, W, 3) uint8 RGB and labels (T, H, W) uint8 of one clip."""
    batch = make_pixels(collate([clip]), torch.device("cpu"))
    frames = np.rint(levels(batch["frames"][0])).astype(np.uint8)
    return frames, batch["labels"][0].numpy().astype(np.uint8)


def levels(frames: torch.Tensor) -> np.ndarray:
    """Normalised (..., 3, H, W) as levels (..., H, W, 3) float64 from 0 to 255."""
    colours = np.moveaxis(frames.numpy().astype(np.float64), -3, -1)
    return 255 * (colours * IMAGENET_STD + IMAGENET_MEAN)


def still_scene(mask: np.ndarray, warps: list[Warp]) -> Scene:
    """A still that is white on the object and black elsewhere, one frame for every warp."""
    return Scene(painted(mask)[None], mask[None], warps)


def video_scene(frames: np.ndarray, labels: np.ndarray) -> Scene:
    return Scene(frames, labels, [unchanged] * len(frames))


def painted(mask: np.ndarray) -> np.ndarray:
    """A picture that is white on the object and black elsewhere."""
    return np.repeat((255 * (mask == 1)).astype(np.uint8)[..., None], 3, axis=-1)


def disc(height=96, width=160, row=50, column=80, radius=22) -> np.ndarray:
    """Mask (height, width) uint8, 1 on a disc."""
    rows, columns = np.mgrid[:height, :width]
    return ((rows - row) ** 2 + (columns - column) ** 2 <= radius**2).astype(np.uint8)


def disagreement(frames: np.ndarray, labels: np.ndarray) -> float:
    """Share of the pixels that count where a painted picture says otherwise than the labels."""
    known = labels != 255
    return ((frames[..., 0] > 127) != (labels == 1))[known].mean()
