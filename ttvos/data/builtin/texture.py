"""Colour textures made from random numbers: what the built-in clips' things are painted with.

Every texture is a square tile, (S, S, 3) uint8 RGB: a grey pattern (noise, stripes, checks,
blobs, cells, ...) mapped to two or three colours, with uneven light and fine grain over it.
"""

from collections.abc import Callable

import cv2
import numpy as np

Rng = np.random.Generator


def tile(rng: Rng, size: int, avoid: np.ndarray | None = None) -> np.ndarray:
    """Return a random texture, (size, size, 3) uint8 RGB.

    avoid: a mean colour (3,) in 0..255 to keep away from, so that a thing can be told from
    what is behind it. The last of eight tries is taken when none is far enough.
    """
    texture = _tile(rng, size)
    for _ in range(7):
        if avoid is None or np.linalg.norm(mean_colour(texture) - avoid) > 70:
            break
        texture = _tile(rng, size)
    return texture


def mean_colour(texture: np.ndarray) -> np.ndarray:
    """Mean RGB colour (3,) of an image, in 0..255."""
    return texture.reshape(-1, 3).mean(axis=0)


def _tile(rng: Rng, size: int) -> np.ndarray:
    pattern = PATTERNS[rng.integers(len(PATTERNS))](rng, size)
    low, high = np.quantile(pattern, [0.02, 0.98])
    pattern = np.clip((pattern - low) / max(high - low, 1e-6), 0, 1)
    colours = _colours(rng)
    stops = np.linspace(0, 1, len(colours))
    image = np.stack([np.interp(pattern, stops, colours[:, i]) for i in range(3)], axis=-1)
    light = 1 + rng.uniform(0, 0.25) * (noise(rng, size, 4) - 0.5)
    grain = rng.uniform(0, 14) * (noise(rng, size, size // 2) - 0.5)
    image = image * light[..., None] + grain[..., None]
    return np.clip(cv2.GaussianBlur(image, (0, 0), 0.8), 0, 255).astype(np.uint8)


def _colours(rng: Rng) -> np.ndarray:
    """Two or three RGB colours: shades of one hue, neighbouring hues or opposite ones."""
    hue, spread = rng.uniform(0, 360), rng.choice([0, 25, 60, 150])
    count = rng.integers(2, 4)
    hues = (hue + spread * np.linspace(-1, 1, count)) % 360
    saturation = np.clip(rng.uniform(0.05, 0.75) + rng.uniform(-0.2, 0.2, count), 0, 1)
    value = rng.permuted(np.linspace(rng.uniform(0.12, 0.5), rng.uniform(0.55, 1.0), count))
    hsv = np.stack([hues, saturation, value], axis=-1).astype(np.float32)
    return cv2.cvtColor(hsv[None], cv2.COLOR_HSV2RGB)[0].astype(np.float64) * 255


def noise(rng: Rng, size: int, cells: int) -> np.ndarray:
    """Smooth noise (size, size) about 0..1 with `cells` independent values along a side."""
    cells = max(2, min(int(cells), size))
    grid = rng.random((cells, cells), dtype=np.float32)
    return cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC)


def _axes(rng: Rng, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Turned coordinates over the tile, each (size, size), one unit a side, slightly bent."""
    steps = np.linspace(-0.5, 0.5, size, dtype=np.float32)
    x, y = np.meshgrid(steps, steps)
    angle = rng.uniform(0, np.pi)
    bend = rng.uniform(0, 0.06) * (noise(rng, size, 5) - 0.5)
    return np.cos(angle) * x + np.sin(angle) * y + bend, np.cos(angle) * y - np.sin(
        angle
    ) * x + bend


def _fractal(rng: Rng, size: int) -> np.ndarray:
    """Clouds: noise at several scales, the finer the weaker."""
    cells, falloff = rng.integers(3, 12), rng.uniform(0.45, 0.8)
    return sum(falloff**i * noise(rng, size, cells * 2**i) for i in range(5))


def _wave(rng: Rng, phase: np.ndarray) -> np.ndarray:
    """A sine, or (half the time) a square wave with soft edges."""
    wave = np.sin(2 * np.pi * phase)
    return np.tanh(6 * wave) if rng.random() < 0.5 else wave


def _stripes(rng: Rng, size: int) -> np.ndarray:
    return _wave(rng, rng.uniform(5, 22) * _axes(rng, size)[0])


def _checks(rng: Rng, size: int) -> np.ndarray:
    x, y = _axes(rng, size)
    count = rng.uniform(4, 14)
    return np.tanh(5 * np.sin(2 * np.pi * count * x)) * np.tanh(5 * np.sin(2 * np.pi * count * y))


def _plaid(rng: Rng, size: int) -> np.ndarray:
    x, y = _axes(rng, size)
    first, second = rng.uniform(4, 16, 2)
    return _wave(rng, first * x) + _wave(rng, second * y) + 0.4 * _wave(rng, 3.1 * first * x)


def _blobs(rng: Rng, size: int) -> np.ndarray:
    """Spots with soft edges, as on a cow or a leopard."""
    field = noise(rng, size, rng.integers(8, 36))
    return np.tanh(rng.uniform(6, 14) * (field - rng.uniform(0.4, 0.6)))


def _dots(rng: Rng, size: int) -> np.ndarray:
    x, y = _axes(rng, size)
    count = rng.uniform(6, 16)
    return np.tanh(4 * (np.cos(2 * np.pi * count * x) + np.cos(2 * np.pi * count * y) - 0.7))


def _cells(rng: Rng, size: int) -> np.ndarray:
    """Irregular cells (nearest of random points), each of one shade: stones, scales, facets."""
    count = int(rng.integers(40, 260))
    seeds = np.full((size, size), 255, np.uint8)
    seeds[rng.integers(0, size, count), rng.integers(0, size, count)] = 0
    _, owner = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5)
    shades = rng.random(owner.max() + 1, dtype=np.float32)
    return shades[owner] + 0.15 * noise(rng, size, 24)


def _gradient(rng: Rng, size: int) -> np.ndarray:
    return _axes(rng, size)[0] + 0.25 * noise(rng, size, rng.integers(4, 40))


def _rings(rng: Rng, size: int) -> np.ndarray:
    x, y = _axes(rng, size)
    x0, y0 = rng.uniform(-0.4, 0.4, 2)
    return _wave(rng, rng.uniform(4, 14) * np.hypot(x - x0, y - y0))


def _bricks(rng: Rng, size: int) -> np.ndarray:
    """Rows of bricks, each row moved by half a brick, each brick of its own shade."""
    x, y = _axes(rng, size)
    rows = rng.uniform(8, 20)
    row = np.floor(rows * y).astype(int)
    along = rows * x / 2.2 + 0.5 * (row % 2)
    column = np.floor(along).astype(int)
    shades = rng.random((64, 64), dtype=np.float32)[row % 64, column % 64]
    joint = (np.abs(rows * y - row - 0.5) > 0.42) | (np.abs(along - column - 0.5) > 0.46)
    return np.where(joint, -0.4, shades)


PATTERNS: tuple[Callable[[Rng, int], np.ndarray], ...] = (
    _fractal,
    _fractal,
    _stripes,
    _checks,
    _plaid,
    _blobs,
    _blobs,
    _dots,
    _cells,
    _gradient,
    _rings,
    _bricks,
)
