"""Still images with masks of salient objects: ECSSD, HKU-IS, MSRA10K and sets in their layout.

images/0001.jpg + ground_truth_mask/0001.png     ECSSD
imgs/0001.png + gt/0001.png                      HKU-IS
0001.jpg + 0001.png in one folder                MSRA10K
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from ttvos.config.run import Stage
from ttvos.core.errors import UserError
from ttvos.core.video import read_frame

THRESHOLD = 200  # a mask's grey value above this is the object (docs/facts.md, section 4)
TWO_FOLDERS = (("images", "ground_truth_mask"), ("imgs", "gt"))
IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png"}


@dataclass(frozen=True)
class Still:
    """One image file and the file of its mask."""

    image: Path
    mask: Path


def training_items(root: str, stage: Stage, heldout: tuple[str, ...] = ()) -> list[Still]:
    """All stills under a root; a still is of no sequence that could be held out."""
    return load_stills(root)


def load_stills(root: Path | str) -> list[Still]:
    """List the images under `root` with their masks, sorted by name.

    Raises UserError for a folder that has none of the layouts above, and for an image without
    mask.
    """
    root = Path(root)
    if not root.is_dir():
        raise UserError(f"{root}: no such folder of still images")
    for images, masks in TWO_FOLDERS:
        if (root / images).is_dir():
            found = _files(root / images, IMAGE_SUFFIXES)
            return _pair(found, root / masks)
    return _pair(_files(root, {".jpg", ".jpeg"}), root)


def read_still(still: Still) -> tuple[np.ndarray, np.ndarray]:
    """Read an image (H, W, 3) uint8 RGB and its mask (H, W) uint8, 1 on the object, else 0.

    A mask whose sides differ by one pixel (some sets round sizes differently) is resized.
    Raises UserError for damaged files and for a mask of another size.
    """
    image = read_frame(still.image)
    grey = read_frame(still.mask)[..., 0]
    mask = (grey > THRESHOLD).astype(np.uint8)
    height, width = image.shape[:2]
    if max(abs(mask.shape[0] - height), abs(mask.shape[1] - width)) > 1:
        raise UserError(
            f"{still.mask}: {mask.shape[0]}x{mask.shape[1]}, but its image has {height}x{width}"
        )
    if mask.shape != (height, width):
        mask = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST)
    return image, mask


def _files(folder: Path, suffixes: set[str]) -> list[Path]:
    found = [
        path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in suffixes and not path.name.startswith(".")
    ]
    if not found:
        layouts = "images/ + ground_truth_mask/, imgs/ + gt/, or jpg + png in one folder"
        raise UserError(f"{folder}: no images here; still images come as {layouts}")
    return found


def _pair(images: list[Path], masks: Path) -> list[Still]:
    pairs = [Still(image, masks / f"{image.stem}.png") for image in images]
    known = {path.name for path in masks.iterdir()} if masks.is_dir() else set()
    for pair in pairs:
        if pair.mask.name not in known:
            raise UserError(f"{pair.mask}: missing; {pair.image} has no mask")
    return pairs
