"""Binary masks written in every format in which published ones come (docs/peers.md, section 6)."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from ttvos.core.video import davis_palette

Writer = Callable[[Path, np.ndarray, int], None]  # file, (H, W) bool, number of the frame


def _palette(value: int, **options) -> Writer:
    def write(path: Path, mask: np.ndarray, frame: int) -> None:
        image = Image.fromarray(mask.astype(np.uint8) * value)
        image.putpalette(davis_palette())
        image.save(path, **options)

    return write


def _grey(value: int) -> Writer:
    def write(path: Path, mask: np.ndarray, frame: int) -> None:
        Image.fromarray(mask.astype(np.uint8) * value).save(path)

    return write


def _one_bit(path: Path, mask: np.ndarray, frame: int) -> None:
    Image.fromarray(mask).save(path)


def _mixed(path: Path, mask: np.ndarray, frame: int) -> None:
    """OSMN's: the first frame grey, the others with a palette."""
    (_grey(255) if frame == 0 else _palette(1))(path, mask, frame)


def _grey_ramp(path: Path, mask: np.ndarray, frame: int) -> None:
    """What PIL makes of a grey image that is converted to a palette: colour i is (i, i, i)."""
    image = Image.fromarray(mask.astype(np.uint8) * 255)
    image.putpalette(np.repeat(np.arange(256, dtype=np.uint8), 3).tobytes())
    image.save(path)


FORMATS: dict[str, Writer] = {
    "palette 0/1": _palette(1),
    "palette 0/255": _palette(255),
    "grey 0/255": _grey(255),
    "grey 0/1": _grey(1),
    "1-bit": _one_bit,
    "grey 0/255, palette 0/1": _mixed,
}
VARIANTS: dict[str, Writer] = {
    "palette 0/1 in one bit a pixel": _palette(1, bits=1),
    "palette 0/255, a grey ramp": _grey_ramp,
}


def write_masks(folder: Path, masks: list[np.ndarray], name: str, first: int = 0) -> None:
    """Write a sequence's masks, (H, W) bool each, as <folder>/<frame>.png in a format."""
    folder.mkdir(parents=True)
    for frame, mask in enumerate(masks):
        (FORMATS | VARIANTS)[name](folder / f"{first + frame:05}.png", mask, frame)
