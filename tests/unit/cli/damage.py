"""Ways to damage a data set or a folder of masks: each is a function of its root."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from ttvos.core.video import read_mask, write_mask

Damage = Callable[[Path], object]


def remove(name: str) -> Damage:
    """Delete a file or a folder; "" is the root."""
    return lambda root: (shutil.rmtree if (root / name).is_dir() else Path.unlink)(root / name)


def copy(name: str, target: str) -> Damage:
    return lambda root: shutil.copy(root / name, root / target)


def folder(name: str) -> Damage:
    """Make an empty folder."""
    return lambda root: (root / name).mkdir()


def both(*damages: Damage) -> Damage:
    return lambda root: [damage(root) for damage in damages]


def write(name: str, text: str) -> Damage:
    return lambda root: (root / name).write_text(text)


def truncate(name: str) -> Damage:
    def damage(root: Path) -> None:
        data = (root / name).read_bytes()
        (root / name).write_bytes(data[: len(data) // 2])

    return damage


def shrink(name: str) -> Damage:
    def damage(root: Path) -> None:
        image = Image.open(root / name)
        image.resize((48, 32)).save(root / name)

    return damage


def relabel(pattern: str, old: int, new: int) -> Damage:
    """Give an object another id in all masks that match a pattern."""

    def damage(root: Path) -> None:
        for path in root.glob(pattern):
            ids = read_mask(path, 2017)
            write_mask(path, np.where(ids == old, new, ids))

    return damage


def save(name: str, make: Callable[[np.ndarray], np.ndarray]) -> Damage:
    """Replace a mask by a PNG without palette, made from its ids."""

    def damage(root: Path) -> None:
        Image.fromarray(make(np.array(Image.open(root / name)))).save(root / name)

    return damage


def rgb(name: str) -> Damage:
    return save(name, lambda ids: np.stack([128 * ids] * 3, axis=-1))


def antialiased(name: str) -> Damage:
    """Grey values between 0 and 255, as at the border of a smoothly drawn object."""
    return save(name, lambda ids: np.linspace(0, 255, ids.size).astype(np.uint8).reshape(ids.shape))


def without_palette(name: str) -> Damage:
    """The palette's red turned to a grey value, as many programs save a mask."""
    return save(name, lambda ids: 38 * ids)


def two_channels(name: str) -> Damage:
    def make(ids: np.ndarray) -> np.ndarray:
        columns = np.arange(ids.shape[1], dtype=np.uint8)
        return np.stack([ids, np.broadcast_to(columns, ids.shape)], axis=-1)

    return save(name, make)
