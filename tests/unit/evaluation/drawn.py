"""A small set of masks, drawn from a seed, that holds what evaluators disagree about.

Several objects in front of each other, void, empty masks, objects that vanish and come back, that
are one pixel large, that are cut by the border or fill the frame; and, for rules other than
DAVIS's, objects that come late. `write` lays it out as two plain folders.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from ttvos.core.video import davis_palette

FRAMES = 11
Clip = tuple[np.ndarray, np.ndarray]  # result and truth, (T, H, W) uint8 ids


def davis_clips() -> dict[str, Clip]:
    """Clips whose objects are all in the first annotation."""
    makers = {
        "several": (_several, 130, 210),
        "void": (_void, 96, 160),
        "empty": (_empty, 60, 81),
        "vanishing": (_vanishing, 90, 140),
        "one-pixel": (_one_pixel, 41, 53),
        "border": (_border, 200, 330),
    }
    return {
        name: make(np.random.default_rng(number), height, width)
        for number, (name, (make, height, width)) in enumerate(makers.items())
    }


def late_clips() -> dict[str, Clip]:
    """Clips in which objects come later: in the truth, in the result, or in the last frame."""
    return {"late": _late(np.random.default_rng(6)), "nothing-first": _nothing_first()}


def write(folder: Path, clips: dict[str, Clip]) -> tuple[Path, Path]:
    """Write <folder>/results and <folder>/truth, each <clip>/<frame>.png; returns both."""
    for name, clip in clips.items():
        for kind, masks in zip(("results", "truth"), clip, strict=True):
            (folder / kind / name).mkdir(parents=True)
            for t, ids in enumerate(masks):
                image = Image.fromarray(ids)
                image.putpalette(davis_palette())
                image.save(folder / kind / name / f"{t:05}.png")
    return folder / "results", folder / "truth"


def _blank(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    return tuple(np.zeros((2, FRAMES, height, width), dtype=np.uint8))


def _disc(mask: np.ndarray, object_id: int, row: float, column: float, radius: float) -> None:
    rows, columns = np.ogrid[: mask.shape[0], : mask.shape[1]]
    mask[(rows - row) ** 2 + (columns - column) ** 2 <= radius**2] = object_id


def _several(rng: np.random.Generator, height: int, width: int) -> Clip:
    result, truth = _blank(height, width)
    for t in range(FRAMES):
        for i, (row, column) in enumerate([(40, 30), (60, 150), (90, 100)], start=1):
            across = column + (9 - 6 * i) * t
            _disc(truth[t], i, row, across, 14 + 6 * i)
            _disc(result[t], i, row + rng.normal(0, 2), across + rng.normal(0, 2), 15 + 5 * i)
    return result, truth


def _void(rng: np.random.Generator, height: int, width: int) -> Clip:
    """Void around objects, over them, in the first frame too, and once all over."""
    result, truth = _block_and_disc(rng, height, width)
    truth[:, 20:28] = 255
    truth[::2, :, 70:90] = 255
    truth[rng.random(truth.shape) < 0.01] = 255
    truth[6] = 255
    return result, truth


def _block_and_disc(rng: np.random.Generator, height: int, width: int) -> Clip:
    result, truth = _blank(height, width)
    for t in range(FRAMES):
        truth[t, 12:50, 10 + 3 * t : 60 + 3 * t] = 1
        result[t, 14:52, 8 + 3 * t : 62 + 3 * t] = 1
        _disc(truth[t], 2, height - 30, width - 40 - 4 * t, 18)
        _disc(result[t], 2, height - 30 + rng.normal(0, 3), width - 40 - 4 * t, 17)
    return result, truth


def _empty(rng: np.random.Generator, height: int, width: int) -> Clip:
    """Empty in the result, in the truth, in both; and the object 2, which is never predicted."""
    result, truth = _blank(height, width)
    for t in range(FRAMES):
        _disc(truth[t], 1, 25 + t, 30, 12)
        _disc(truth[t], 2, 40, 60, 7)
        _disc(result[t], 1, 25 + t, 30 + rng.normal(0, 3), 12)
    result[2], truth[4], result[7], truth[7] = 0, 0, 0, 0
    return result, truth


def _vanishing(rng: np.random.Generator, height: int, width: int) -> Clip:
    """Object 1 leaves for good after frame 5, 2 is hidden in between, 3 is seen at first only."""
    result, truth = _blank(height, width)
    for t in range(FRAMES):
        for i, seen in ((1, t <= 5), (2, t not in (3, 4, 8)), (3, t == 0)):
            if seen:
                _disc(truth[t], i, 20 + 22 * i, 20 + 5 * t + 20 * i, 15)
            if seen or rng.random() < 0.4:
                _disc(result[t], i, 20 + 22 * i, 20 + 5 * t + 20 * i + rng.normal(0, 3), 15)
    return result, truth


def _one_pixel(rng: np.random.Generator, height: int, width: int) -> Clip:
    """At the corners, within, met, missed by a pixel, missed by far, and lost."""
    result, truth = _blank(height, width)
    for t in range(FRAMES):
        truth[t, 0, 0], truth[t, -1, -1] = 1, 2
        truth[t, 20, 5 + t], truth[t, t, -1] = 3, 4
        result[t, 0, t % 2], result[t, -1, -1] = 1, 2 * (t % 3 > 0)
        result[t, 20 + int(rng.integers(-1, 2)), 5 + t] = 3
        result[t, (t + 3 * (t % 2)) % height, -1] = 4
    return result, truth


def _border(rng: np.random.Generator, height: int, width: int) -> Clip:
    """Cut by each side; one that fills the frame in the end."""
    result, truth = _blank(height, width)
    for t in range(FRAMES):
        truth[t, :30, 40:200], result[t, : 25 + t, 45:205] = 1, 1
        truth[t, -25:, : 100 + 9 * t], result[t, -28:, : 102 + 9 * t] = 2, 2
        _disc(truth[t], 3, 90, width, 40 + t)
        _disc(result[t], 3, 90 + rng.normal(0, 4), width + 3, 40 + t)
    truth[8] = 1
    result[8, :-1, :-1] = 1
    truth[9], result[9] = 2, 2
    return result, truth


def _late(rng: np.random.Generator) -> Clip:
    """2 comes at frame 3, 5 is predicted at 2 and comes at 6, 9 comes in the last frame only."""
    result, truth = _blank(70, 110)
    for t in range(FRAMES):
        _disc(truth[t], 1, 20, 20 + 4 * t, 11)
        _disc(result[t], 1, 20, 21 + 4 * t, 11)
        for i, column, first in ((2, 30, 3), (5, 75, 6)):
            if t >= first:
                _disc(truth[t], i, 50, column + t, 10)
            if t >= first or (i, t) == (5, 2):
                _disc(result[t], i, 50 + rng.normal(0, 2), column + t, 10)
    _disc(truth[-1], 9, 8, 100, 4)
    return result, truth


def _nothing_first() -> Clip:
    """No object in the first annotation at all."""
    result, truth = _blank(40, 60)
    truth[2:, 10:20, 10:30], result[2:, 11:20, 12:30] = 3, 3
    return result, truth
