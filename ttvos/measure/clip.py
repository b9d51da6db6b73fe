"""A synthetic clip to time models on: moving discs over noise, the same bytes every time."""

import numpy as np

from ttvos.core.errors import UserError
from ttvos.core.video import VOID

SEED = 0


def disc_clip(
    frames: int, height: int, width: int, objects: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """frames (T, H, W, 3) uint8 RGB and the first mask (H, W) uint8 with ids 1..objects.

    The discs lie one below the other and move from left to right, object 2 slower than 1 and
    so on. Raises UserError for frames under 16 pixels or too low for that many discs.
    """
    if min(height, width) < 16:
        raise UserError(f"a frame of {height}x{width} pixels: take 16 or more on each side")
    most = min(height // 8, VOID - 1)
    if not 1 <= objects <= most:
        raise UserError(f"{objects} objects: a frame of {height}x{width} pixels takes 1 to {most}")
    noise = np.random.default_rng(SEED).integers(60, 120, (height, width, 3), dtype=np.uint8)
    clip = np.repeat(noise[None], frames, axis=0)
    masks = np.stack([disc_mask(t / frames, height, width, objects) for t in range(frames)])
    for number in range(1, objects + 1):
        clip[masks == number] = (250 - 10 * number % 200, 40 + 23 * number % 200, 30)
    return clip, masks[0]


def disc_mask(progress: float, height: int, width: int, objects: int) -> np.ndarray:
    """Ids (H, W) uint8 of the discs at `progress` (0 to 1) of their way."""
    band = height / objects
    radius = min(band, width) / 3
    rows, columns = np.mgrid[:height, :width]
    mask = np.zeros((height, width), dtype=np.uint8)
    for number in range(1, objects + 1):
        row = band * (number - 0.5)
        column = radius + progress * (width - 2 * radius) / number
        mask[(rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = number
    return mask
