"""Outlines of the built-in clips' things: unions of parts that bend and swing over time.

A shape lives in its own coordinates (u, v), about -1..1. `warp` moves pixels' coordinates
into the thing's material; outline and texture are both looked up there, so they deform alike.
"""

from dataclasses import dataclass

import numpy as np

Rng = np.random.Generator
REACH = 1.6  # no shape reaches further than this from its centre, in units of its size


@dataclass(frozen=True)
class Part:
    """An ellipse whose radius is modulated by harmonics (rows: order, amplitude, phase) and
    by a polygon's outline (`sides` > 2); it swings by `swing` radians, `speed` times a clip."""

    centre: tuple[float, float]
    radii: tuple[float, float]
    angle: float = 0.0
    harmonics: tuple[tuple[int, float, float], ...] = ()
    sides: int = 0
    swing: float = 0.0
    speed: float = 0.0
    phase: float = 0.0

    def inside(self, u: np.ndarray, v: np.ndarray, time: float) -> np.ndarray:
        """Signed distance to the outline, roughly, in the units of u and v; > 0 is inside."""
        angle = self.angle + self.swing * np.sin(2 * np.pi * self.speed * time + self.phase)
        u, v = u - self.centre[0], v - self.centre[1]
        x = (np.cos(angle) * u + np.sin(angle) * v) / self.radii[0]
        y = (np.cos(angle) * v - np.sin(angle) * u) / self.radii[1]
        edge = 1.0
        if self.harmonics or self.sides:
            direction = np.arctan2(y, x)
            edge = _polygon(direction, self.sides) if self.sides else 1.0
            for order, amplitude, phase in self.harmonics:
                edge = edge + amplitude * np.cos(order * direction + phase)
        edge = np.clip(edge, 0.25, 1.4)
        return (edge - np.hypot(x, y)) * min(self.radii)


@dataclass(frozen=True)
class Shape:
    """A union of parts and the waves (amplitude, frequency, speed, phase) that deform it."""

    parts: tuple[Part, ...]
    waves: tuple[tuple[float, float, float, float], ...]

    def warp(self, u: np.ndarray, v: np.ndarray, time: float) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates in the material of points (u, v) at `time` (0..1 over the clip)."""
        (a, f, s, p), (b, g, r, q) = self.waves
        return (
            u + a * np.sin(f * v + 2 * np.pi * s * time + p),
            v + b * np.sin(g * u + 2 * np.pi * r * time + q),
        )

    def inside(self, u: np.ndarray, v: np.ndarray, time: float) -> np.ndarray:
        """Signed distance, roughly, of material coordinates to the outline; > 0 is inside."""
        return np.maximum.reduce([part.inside(u, v, time) for part in self.parts])


def random_shape(rng: Rng, kind: str | None = None) -> Shape:
    """Draw a shape of one of the kinds of `KINDS` (None: any)."""
    kind = kind or str(rng.choice(list(KINDS)))
    waves = tuple(
        (rng.uniform(0.04, 0.16), rng.uniform(1.2, 3.0), rng.uniform(0.5, 1.8), rng.uniform(0, 6))
        for _ in range(2)
    )
    return Shape(KINDS[kind](rng), waves)


def _polygon(direction: np.ndarray, sides: int) -> np.ndarray:
    """Radius of a regular polygon with slightly rounded corners."""
    sector = np.mod(direction, 2 * np.pi / sides) - np.pi / sides
    return 0.9 * np.cos(np.pi / sides) / np.cos(sector) + 0.15


def _ellipse(rng: Rng) -> tuple[Part, ...]:
    aspect = rng.uniform(0.5, 1.0)
    return (Part((0, 0), (1.0, aspect), rng.uniform(0, np.pi)),)


def _star(rng: Rng) -> tuple[Part, ...]:
    orders = rng.permutation(np.arange(2, 7))[: rng.integers(2, 4)]
    harmonics = tuple(
        (int(n), rng.uniform(0.08, 0.5) / np.sqrt(n), rng.uniform(0, 6)) for n in orders
    )
    return (Part((0, 0), (0.95, rng.uniform(0.65, 0.95)), rng.uniform(0, 3), harmonics),)


def _polygons(rng: Rng) -> tuple[Part, ...]:
    radii = (1.0, rng.uniform(0.55, 1.0))
    return (Part((0, 0), radii, rng.uniform(0, np.pi), sides=int(rng.integers(3, 7))),)


def _animal(rng: Rng) -> tuple[Part, ...]:
    """A lying ellipse with a head, a tail and legs that walk."""
    long, high = rng.uniform(0.75, 0.9), rng.uniform(0.34, 0.5)
    body = Part((0, -0.1), (long, high))
    head = Part((long, -0.5 * high - 0.2), (0.34, 0.28), rng.uniform(-0.5, 0.5), swing=0.4, speed=1)
    tail = Part((-long - 0.1, -0.25), (0.35, 0.1), rng.uniform(-0.3, 0.8), swing=0.4, speed=2)
    speed = rng.uniform(1.5, 3)
    legs = [
        Part((x, 0.45), (0.13, 0.5), swing=0.35, speed=speed, phase=np.pi * (i % 2))
        for i, x in enumerate((-0.55, -0.3, 0.3, 0.55))
    ]
    return (body, head, tail, *legs)


def _figure(rng: Rng) -> tuple[Part, ...]:
    """A standing figure: trunk, head, two arms and two legs that swing."""
    speed = rng.uniform(1, 2.5)
    limbs = [
        Part((x, y), (0.14, 0.45), lean, swing=0.35, speed=speed, phase=np.pi * (i % 2))
        for i, (x, y, lean) in enumerate(
            [(-0.42, -0.1, 0.5), (0.42, -0.1, -0.5), (-0.2, 0.75, 0.1), (0.2, 0.75, -0.1)]
        )
    ]
    return (Part((0, 0), (rng.uniform(0.3, 0.42), 0.6)), Part((0, -0.8), (0.28, 0.32)), *limbs)


def _chain(rng: Rng) -> tuple[Part, ...]:
    """Three overlapping discs in a row, as of a caterpillar or a cart."""
    sizes = rng.uniform(0.35, 0.6, 3)
    rises = rng.uniform(-0.3, 0.3, 3)
    return tuple(Part((x, rises[i]), (sizes[i],) * 2) for i, x in enumerate((-0.65, 0, 0.65)))


KINDS = {
    "ellipse": _ellipse,
    "star": _star,
    "polygon": _polygons,
    "animal": _animal,
    "figure": _figure,
    "chain": _chain,
}
