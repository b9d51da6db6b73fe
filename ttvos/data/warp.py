"""A clip from one still image: each further frame warps the one before (FACTS section 4).

A warp is a function from pixel positions (N, 2) of its output to positions of its input,
columns x and y. Warps compose as functions, so every frame is looked up in the still itself
and nothing blurs.
"""

from collections.abc import Callable

import cv2
import numpy as np

from ttvos.data.augment import random_affine
from ttvos.video import IGNORED

Rng = np.random.Generator
Warp = Callable[[np.ndarray], np.ndarray]
MOVE = 0.1  # a control point moves by up to this share of the object's box
STEP = 8  # the warp is evaluated every so many pixels and interpolated between


def warp_clip(
    image: np.ndarray,
    mask: np.ndarray,
    frames: int,
    rng: Rng,
    kind: str = "tps",
    rotation: float = 15.0,
    scale: tuple[float, float] = (0.75, 1.25),
    shift: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Return frames (T, H, W, 3) uint8 and labels (T, H, W) uint8 in {0, 1, 255}; [0] = the still.

    image (H, W, 3) uint8; mask (H, W) uint8, 1 on the object. kind "tps": a thin-plate spline
    with 5 control points inside the object's box, each moved by up to 10 % of it (the released
    code). "affine": rotation, shear (degrees) and scale between two frames within the given
    bounds (the paper's wording), and a shift by up to that share of the object's box. A warp
    that would drive the object out of sight is left out.
    """
    clip, labels = [image], [mask]
    warps: list[Warp] = []
    for _ in range(1, frames):
        box = _box(labels[-1])
        if kind == "tps":
            warp = random_spline(rng, box)
        else:
            warp = _about_box(random_affine(rng, (1, 1), rotation, scale), box, rng, shift)
        lookup = _lookup(image.shape[:2], [*warps, warp])
        label = _map_mask(mask, lookup)
        if (label == 1).sum() * 4 >= (mask == 1).sum():
            warps.append(warp)
        else:
            lookup = _lookup(image.shape[:2], warps)
            label = _map_mask(mask, lookup)
        labels.append(label)
        clip.append(cv2.remap(image, *lookup, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101))
    return np.stack(clip), np.stack(labels)


def random_spline(rng: Rng, box: tuple[float, float, float, float]) -> Warp:
    """A thin-plate spline by 5 control points in the box (left, top, right, bottom).

    One point lies near the middle of each quarter and one near the box's middle: points that
    all but lie on a line would determine no sane spline.
    """
    corner, extent = np.array(box[:2]), np.array(box[2:]) - np.array(box[:2])
    places = np.array([[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75], [0.5, 0.5]])
    places = places + rng.uniform(-0.15, 0.15, (5, 2))
    points = corner + places * extent
    return thin_plate_spline(points, points + rng.uniform(-MOVE, MOVE, (5, 2)) * extent)


def thin_plate_spline(output: np.ndarray, source: np.ndarray) -> Warp:
    """The smoothest map that takes each `output` point (K, 2) to its `source` point (K, 2)."""
    count = len(output)
    affine = np.column_stack([np.ones(count), output])
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = _bending(output, output)
    system[:count, count:], system[count:, :count] = affine, affine.T
    weights = np.linalg.solve(system, np.vstack([source, np.zeros((3, 2))]))

    def warp(points: np.ndarray) -> np.ndarray:
        plane = np.column_stack([np.ones(len(points)), points])
        return _bending(points, output) @ weights[:count] + plane @ weights[count:]

    return warp


def _bending(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """r^2 log r^2 between each pair of points, 0 at r = 0."""
    squared = ((first[:, None] - second[None]) ** 2).sum(axis=-1)
    return squared * np.log(np.maximum(squared, 1e-12))


def _about_box(
    matrix: np.ndarray, box: tuple[float, float, float, float], rng: Rng, shift: float
) -> Warp:
    """The linear part of a 2x3 matrix as a warp about the box's middle, and a random shift."""
    corner, end = np.array(box[:2]), np.array(box[2:])
    middle = (corner + end) / 2
    move = rng.uniform(-shift, shift, 2) * (end - corner) if shift else np.zeros(2)
    return lambda points: (points - middle - move) @ matrix[:, :2].T + middle


def _box(label: np.ndarray) -> tuple[float, float, float, float]:
    """Bounding box (left, top, right, bottom) of the pixels of label 1."""
    left, top, width, height = cv2.boundingRect((label == 1).astype(np.uint8))
    return left, top, left + max(width, 2), top + max(height, 2)


def _lookup(size: tuple[int, int], warps: list[Warp]) -> tuple[np.ndarray, np.ndarray]:
    """Position in the still, x and y (H, W) float32, of every pixel of the latest frame."""
    height, width = size
    # Middles of blocks of STEP pixels, one block further than the frame on each side.
    xs, ys = (np.arange(-1, side // STEP + 2) * STEP + (STEP - 1) / 2 for side in (width, height))
    points = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    # Latest warp first: it leads from this frame to the one before, and so on to the still.
    for warp in reversed(warps):
        points = warp(points)
    grid = points.reshape(len(ys), len(xs), 2).astype(np.float32)
    fine = cv2.resize(grid, (len(xs) * STEP, len(ys) * STEP), interpolation=cv2.INTER_LINEAR)
    fine = fine[STEP : STEP + height, STEP : STEP + width]
    return np.ascontiguousarray(fine[..., 0]), np.ascontiguousarray(fine[..., 1])


def _map_mask(mask: np.ndarray, lookup: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    return cv2.remap(
        mask,
        *lookup,
        cv2.INTER_NEAREST,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=IGNORED,
    )
