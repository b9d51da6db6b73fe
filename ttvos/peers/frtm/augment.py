"""Further samples of a first frame: its target cut out, and pasted elsewhere.

Facts: docs/peers.md, section 3.6.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

ROTATIONS = (5, -5, 10, -10, 20, -20, 30, -30, 45, -45)  # degrees
FLIPS = (True, False, False, False, False)
SCALES = (0.5, 0.7, 1.0, 1.5, 2.0, 2.5)
SKEWS = (0.0, 0.0, 0.1)
MOTIONS = (0, 0, 0, 2)  # pixels
MOTION_ANGLES = (0, 45, 90, 135)  # degrees
BACKGROUND_SCALES = (1.0, 1.0, 1.2)
BACKGROUND_BLURS = (0, 0, 1, 2, 5)  # standard deviation, pixels
MIN_SIDE = 10  # pixels of the pasted target's longer side
FEATHER = 1  # pixels, of the cut-out's edge and of the hole's margin
INPAINT_RADIUS = 3
TRIES = 20


class Shuffled:
    """Values in random order, each once before any comes again."""

    def __init__(self, values: tuple, rng: np.random.Generator) -> None:
        self.values, self.rng = values, rng
        self.left: list[Any] = []

    def draw(self) -> Any:
        """The next value."""
        if not self.left:
            self.left = [self.values[i] for i in self.rng.permutation(len(self.values))]
        return self.left.pop()


@dataclass(frozen=True)
class Placement:
    """Where and how the target is pasted. centre: (row, column). motion: (pixels, degrees)."""

    centre: tuple[float, float]
    rotation: float
    flip: bool
    scale: float
    skew: float
    motion: tuple[int, int]
    background_scale: float
    background_blur: int


class Placements:
    """Draws placements over a frame of (H, W); the parameters are drawn without replacement."""

    def __init__(self, size: tuple[int, int], count: int, rng: np.random.Generator) -> None:
        self.rng = rng
        self.rows = max(1, round(np.sqrt(count * size[0] / size[1])))
        self.columns = -(-count // self.rows)
        self.cell = (size[0] / self.rows, size[1] / self.columns)
        cells = tuple((r, c) for r in range(self.rows) for c in range(self.columns))
        lists = (cells, ROTATIONS, FLIPS, SCALES, SKEWS, MOTIONS, MOTION_ANGLES)
        self.lists = [Shuffled(v, rng) for v in (*lists, BACKGROUND_SCALES, BACKGROUND_BLURS)]

    def draw(self) -> Placement:
        """The next placement, centred anywhere in the next cell of the grid."""
        cell, rotation, flip, scale, skew, motion, angle, wider, blur = (
            x.draw() for x in self.lists
        )
        jitter = self.rng.random(2)
        row, column = ((cell[i] + jitter[i]) * self.cell[i] for i in (0, 1))
        centre = (float(row), float(column))
        return Placement(centre, rotation, flip, scale, skew, (motion, angle), wider, blur)


def augment(
    frame: np.ndarray, mask: np.ndarray, count: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """The first frame and count - 1 others made of it.

    frame (H, W, 3) uint8 RGB, mask (H, W) bool of one object, not empty. Returns frames
    (count, H, W, 3) uint8 and masks (count, H, W) bool; [0] is the original. Every mask has at
    least one pixel. The same arguments give the same samples.
    """
    rng = np.random.default_rng(seed)
    frames, masks = [frame], [mask.astype(bool)]
    if count > 1:
        cut_out = CutOut(frame, masks[0])
        placements = Placements(mask.shape, count - 1, rng)
        for _ in range(count - 1):
            image, pasted = _visible(cut_out, placements)
            frames.append(image)
            masks.append(pasted)
    return np.stack(frames), np.stack(masks)


def _visible(cut_out: "CutOut", placements: Placements) -> tuple[np.ndarray, np.ndarray]:
    """A sample that shows the target; the original, should none do so."""
    for _ in range(TRIES):
        image, mask = cut_out.paste(placements.draw())
        if mask.any():
            return image, mask
    return cut_out.frame, cut_out.mask


class CutOut:
    """A frame taken apart: its target with soft edges, and the background without it."""

    def __init__(self, frame: np.ndarray, mask: np.ndarray) -> None:
        """frame (H, W, 3) uint8, mask (H, W) bool, not empty."""
        self.frame, self.mask = np.ascontiguousarray(frame), mask
        binary = mask.astype(np.uint8)
        kernel = np.ones((2 * FEATHER + 1, 2 * FEATHER + 1), np.uint8)
        eroded = cv2.erode(binary, kernel)
        # a target that erosion would leave nothing of keeps its own edge
        solid = (eroded if eroded.any() else binary).astype(np.float32)
        self.alpha = cv2.GaussianBlur(solid, (0, 0), FEATHER)
        hole = cv2.dilate(binary, kernel)
        self.background = cv2.inpaint(self.frame, hole, INPAINT_RADIUS, cv2.INPAINT_TELEA)
        rows, columns = np.nonzero(mask)
        self.centre = ((rows.min() + rows.max()) / 2, (columns.min() + columns.max()) / 2)
        self.sides = (np.ptp(rows) + 1, np.ptp(columns) + 1)

    def paste(self, placement: Placement) -> tuple[np.ndarray, np.ndarray]:
        """The target on the background as placed: frame (H, W, 3) uint8 and mask (H, W) bool."""
        transform = self._transform(placement)
        target = _warp(self.frame, transform, cv2.INTER_CUBIC).astype(np.float32)
        alpha = _warp(self.alpha, transform, cv2.INTER_CUBIC)
        mask = _warp(self.mask.astype(np.uint8), transform, cv2.INTER_NEAREST) > 0
        if placement.motion[0]:
            kernel = motion_kernel(*placement.motion)
            target, alpha = (cv2.filter2D(x, -1, kernel) for x in (target, alpha))
        alpha = alpha.clip(0, 1)[..., None]
        image = alpha * target + (1 - alpha) * self._background(placement)
        return np.rint(image.clip(0, 255)).astype(np.uint8), mask

    def _transform(self, placement: Placement) -> np.ndarray:
        """2x3, from the frame's (x, y) to the new one's."""
        scale = fitting_scale(placement.scale, self.sides, self.mask.shape)
        angle = np.deg2rad(placement.rotation)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        skew = np.array([[1, placement.skew], [0, 1]])
        flip = np.diag([-1.0 if placement.flip else 1.0, 1.0])
        linear = scale * turn @ skew @ flip
        source, goal = np.array(self.centre[::-1]), np.array(placement.centre[::-1])
        return np.column_stack([linear, goal - linear @ source])

    def _background(self, placement: Placement) -> np.ndarray:
        background = self.background
        if placement.background_scale != 1:
            height, width = self.mask.shape
            middle = ((width - 1) / 2, (height - 1) / 2)
            wider = cv2.getRotationMatrix2D(middle, 0, placement.background_scale)
            background = _warp(background, wider, cv2.INTER_CUBIC, cv2.BORDER_REPLICATE)
        if placement.background_blur:
            background = cv2.GaussianBlur(background, (0, 0), placement.background_blur)
        return background


def fitting_scale(scale: float, sides: tuple[int, int], size: tuple[int, int]) -> float:
    """The scale, limited so that a target of `sides` fits the frame and is at least 10 px long."""
    largest = min(size[0] / sides[0], size[1] / sides[1])
    smallest = min(MIN_SIDE / max(sides), largest)
    return float(np.clip(scale, smallest, largest))


def motion_kernel(pixels: int, degrees: int) -> np.ndarray:
    """A line of that length through the middle of a (2 * pixels + 1) square, of sum 1, float32."""
    side = 2 * pixels + 1
    kernel = np.zeros((side, side), np.float32)
    angle = np.deg2rad(degrees)
    reach = np.array([np.cos(angle), -np.sin(angle)]) * pixels / 2
    ends = [tuple(int(v) for v in np.rint(pixels + sign * reach)) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0)
    return kernel / kernel.sum()


def _warp(
    image: np.ndarray, transform: np.ndarray, interpolation: int, border: int = cv2.BORDER_CONSTANT
) -> np.ndarray:
    size = image.shape[1], image.shape[0]
    return cv2.warpAffine(image, transform, size, flags=interpolation, borderMode=border)
