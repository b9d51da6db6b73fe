"""Geometry of training clips: where in an image a pixel of a frame is looked up.

A warp is a function from pixel positions (N, 2) of its output to positions of its input,
columns x and y. Warps compose as functions, so every frame is looked up in its source itself,
once, and nothing blurs.
"""

from collections.abc import Callable

import cv2
import numpy as np

from ttvos.core.video import IGNORED

Rng = np.random.Generator
Warp = Callable[[np.ndarray], np.ndarray]
Box = tuple[float, float, float, float]  # left, top, right, bottom
MOVE = 0.1  # a control point moves by up to this share of the object's box
STEP = 8  # a warp is evaluated every so many pixels and interpolated between


def unchanged(points: np.ndarray) -> np.ndarray:
    """The warp that leaves everything where it is."""
    return points


def chain(warps: list[Warp]) -> Warp:
    """One warp of several: the last leads from its output to the one before, and so on."""

    def whole(points: np.ndarray) -> np.ndarray:
        for warp in reversed(warps):
            points = warp(points)
        return points

    return whole


def affine(matrix: np.ndarray) -> Warp:
    """A 2x3 matrix from output to input pixels as a warp."""
    return lambda points: points @ matrix[:, :2].T + matrix[:, 2]


def flip(width: int) -> Warp:
    """Left and right exchanged in a frame of that many columns."""
    return affine(np.array([[-1.0, 0.0, width - 1], [0.0, 1.0, 0.0]]))


def random_affine(
    rng: Rng,
    size: tuple[int, int],
    rotation: float,
    scale: tuple[float, float],
    shift: float = 0.0,
) -> np.ndarray:
    """A 2x3 matrix from output to input pixels: rotation, shear, zoom about the centre, shift."""
    angle, shear = np.deg2rad(rng.uniform(-rotation, rotation, 2))
    zoom = rng.uniform(*scale)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    inverse = np.linalg.inv(zoom * turn @ np.array([[1, np.tan(shear)], [0, 1]]))
    centre = (np.array([size[1], size[0]]) - 1) / 2
    moved = centre + (rng.uniform(-shift, shift, 2) * 2 * centre if shift else 0)
    return np.column_stack([inverse, centre - inverse @ moved])


def random_spline(rng: Rng, box: Box) -> Warp:
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
    plane = np.column_stack([np.ones(count), output])
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = _bending(output, output)
    system[:count, count:], system[count:, :count] = plane, plane.T
    weights = np.linalg.solve(system, np.vstack([source, np.zeros((3, 2))]))

    def warp(points: np.ndarray) -> np.ndarray:
        plane = np.column_stack([np.ones(len(points)), points])
        return _bending(points, output) @ weights[:count] + plane @ weights[count:]

    return warp


def _bending(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """r^2 log r^2 between each pair of points, 0 at r = 0."""
    squared = ((first[:, None] - second[None]) ** 2).sum(axis=-1)
    return squared * np.log(np.maximum(squared, 1e-12))


def random_move(
    rng: Rng, box: Box, rotation: float, scale: tuple[float, float], shift: float
) -> Warp:
    """Rotation, shear and zoom about the box's middle, and a shift by a share of the box."""
    linear = random_affine(rng, (1, 1), rotation, scale)[:, :2]
    corner, end = np.array(box[:2]), np.array(box[2:])
    middle = (corner + end) / 2
    move = rng.uniform(-shift, shift, 2) * (end - corner) if shift else np.zeros(2)
    return affine(np.column_stack([linear, middle - linear @ (middle + move)]))


def coarse_lookup(warp: Warp, size: tuple[int, int]) -> np.ndarray:
    """Where a warp leads to from a coarse grid over a frame of `size` (H, W).

    (h, w, 2) float32, x and y in pixels, with h = H // STEP + 3 and w = W // STEP + 3: from the
    middles of blocks of STEP pixels, one block further than the frame on each side. Bilinear
    interpolation between them is exact for affine maps; splines lose their finest bends.
    """
    ys, xs = (np.arange(-1, side // STEP + 2) * STEP + (STEP - 1) / 2 for side in size)
    points = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    return warp(points).reshape(len(ys), len(xs), 2).astype(np.float32)


def map_mask(mask: np.ndarray, warp: Warp) -> np.ndarray:
    """Labels (H, W) uint8 as a warp shows them, nearest neighbour.

    Beyond the border they are 255, ignored: what was there is unknown, and a mirrored piece of
    the object is neither it nor background.
    """
    coarse = coarse_lookup(warp, mask.shape)
    height, width = mask.shape
    fine = cv2.resize(coarse, None, fx=STEP, fy=STEP, interpolation=cv2.INTER_LINEAR)
    fine = fine[STEP : STEP + height, STEP : STEP + width]
    x, y = np.ascontiguousarray(fine[..., 0]), np.ascontiguousarray(fine[..., 1])
    border = {"borderMode": cv2.BORDER_CONSTANT, "borderValue": IGNORED}
    return cv2.remap(mask, x, y, cv2.INTER_NEAREST, **border)


def is_kept(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether enough of the object, label 1, is left: a quarter of its pixels."""
    return np.count_nonzero(after == 1) * 4 >= np.count_nonzero(before == 1)


def still_warps(
    mask: np.ndarray,
    frames: int,
    rng: Rng,
    kind: str = "tps",
    rotation: float = 15.0,
    scale: tuple[float, float] = (0.75, 1.25),
    shift: float = 0.0,
) -> list[Warp]:
    """A clip from one still image: the warp of every frame to the still; [0] is `unchanged`.

    Each further frame warps the one before (docs/facts.md, section 4). mask (H, W) uint8, 1 on the
    object. kind "tps": a thin-plate spline with 5 control points inside the object's box, each
    moved by up to 10 % of it (the released code). "affine": rotation, shear (degrees) and scale
    between two frames within the given bounds (the paper's wording), and a shift by up to that
    share of the object's box. A warp that would drive the object out of sight is left out.
    """
    whole, label = [unchanged], mask
    for _ in range(1, frames):
        box = _box(label)
        if kind == "tps":
            drawn = random_spline(rng, box)
        else:
            drawn = random_move(rng, box, rotation, scale, shift)
        warp = chain([whole[-1], drawn])
        warped = map_mask(mask, warp)
        if is_kept(mask, warped):
            whole.append(warp)
            label = warped
        else:
            whole.append(whole[-1])
    return whole


def _box(label: np.ndarray) -> Box:
    """Bounding box of the pixels of label 1."""
    left, top, width, height = cv2.boundingRect((label == 1).astype(np.uint8))
    return left, top, left + max(width, 2), top + max(height, 2)
