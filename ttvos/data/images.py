"""Images and masks at a stage's size, kept as long as memory allows."""

from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from ttvos.data.stills import Still, read_still
from ttvos.errors import UserError
from ttvos.video import read_frame, read_mask

CACHE_BYTES = 512 * 2**20  # decoded images kept in memory, in each process


@dataclass
class Images:
    """Reads images and masks at (height, width); UserError names a damaged file."""

    height: int
    width: int
    used: int = 0
    kept: dict[object, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    def pair(self, frame: Path, mask: Path, year: int) -> tuple[np.ndarray, np.ndarray]:
        """Frame (H, W, 3) uint8 and ids (H, W) uint8 (255 void); UserError if sizes differ."""
        key = frame, year
        if key not in self.kept:
            image, ids = read_frame(frame), read_mask(mask, year)
            if image.shape[:2] != ids.shape:
                sizes = [f"{array.shape[1]}x{array.shape[0]}" for array in (ids, image)]
                raise UserError(f"{mask}: {sizes[0]}, but its frame has {sizes[1]}")
            return self._keep(key, image, ids)
        return self.kept[key]

    def still(self, still: Still) -> tuple[np.ndarray, np.ndarray]:
        """Image (H, W, 3) uint8 and mask (H, W) uint8 in {0, 1}."""
        return self.kept.get(still) or self._keep(still, *read_still(still))

    def _keep(
        self, key: object, image: np.ndarray, ids: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        pair = resize_pair(image, ids, self.height, self.width)
        size = pair[0].nbytes + pair[1].nbytes
        if self.used + size <= CACHE_BYTES:
            self.used += size
            self.kept[key] = pair
        return pair


def resize_pair(
    image: np.ndarray, ids: np.ndarray, height: int, width: int
) -> tuple[np.ndarray, np.ndarray]:
    """Resize a frame (averaging when it shrinks) and its ids (nearest) to (height, width)."""
    if image.shape[:2] == (height, width):
        return image, ids
    shrinks = image.shape[0] > height
    way = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return (
        cv2.resize(image, (width, height), interpolation=way),
        cv2.resize(ids, (width, height), interpolation=cv2.INTER_NEAREST),
    )
