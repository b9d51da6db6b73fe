"""A scene of the built-in clips: a background, a moving camera, and things from back to front.

Time runs from 0 to 1 over the clip. Positions are pixels of the frame, sizes pixels, angles
radians. A `Track` is a cubic Bezier curve through time, so every motion is smooth.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ttvos.data.builtin.shape import REACH, Shape


@dataclass(frozen=True)
class Track:
    """x, y, size and angle over time: a Bezier curve with 4 control points, array (4, 4).

    The size is interpolated in its logarithm, so that growth looks even.
    """

    points: np.ndarray

    def at(self, time: float) -> tuple[float, float, float, float]:
        """Return x, y, size and angle at `time` (0..1)."""
        rest = 1 - time
        weights = np.array([rest**3, 3 * rest**2 * time, 3 * rest * time**2, time**3])
        points = self.points.copy()
        points[:, 2] = np.log(points[:, 2])
        x, y, size, angle = weights @ points
        return float(x), float(y), float(np.exp(size)), float(angle)


@dataclass(frozen=True)
class Thing:
    """Something in front of the background.

    label: its id in the masks; 0 for what is no object (occluder, look-alike).
    fixed: stands in the world, so the camera's motion moves it.
    """

    shape: Shape
    texture: np.ndarray
    track: Track
    label: int = 0
    fixed: bool = False


@dataclass(frozen=True)
class Scene:
    """Everything that determines a clip's frames and masks; things from back to front."""

    height: int
    width: int
    background: np.ndarray
    camera: Track
    things: tuple[Thing, ...]
    light: float = 0.0

    def labels(self, time: float) -> np.ndarray:
        """Ids (H, W) uint8 of the objects visible at `time`; 0 elsewhere."""
        return self.render(time, paint=False)[1]

    def render(self, time: float, paint: bool = True) -> tuple[np.ndarray, np.ndarray]:
        """Return the frame (H, W, 3) float32 in 0..255 and its ids (H, W) uint8.

        Without `paint` only the ids are made, which is faster.
        """
        labels = np.zeros((self.height, self.width), np.uint8)
        frame = self._background(time) if paint else np.zeros((1, 1, 3), np.float32)
        for thing in self.things:
            self._paste(thing, time, frame, labels, paint)
        if paint:
            frame *= 1 + self.light * np.sin(2 * np.pi * time)
        return frame, labels

    def _camera(self, time: float) -> np.ndarray:
        """2x3 matrix from frame pixels to background pixels."""
        x, y, size, angle = self.camera.at(time)
        cos, sin = size * np.cos(angle), size * np.sin(angle)
        turn = np.array([[cos, -sin], [sin, cos]])
        centre = np.array([self.width / 2, self.height / 2])
        return np.column_stack([turn, np.array([x, y]) - turn @ centre])

    def _background(self, time: float) -> np.ndarray:
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        size = (self.width, self.height)
        view = cv2.warpAffine(
            self.background, self._camera(time), size, flags=flags, borderMode=cv2.BORDER_REFLECT
        )
        return view.astype(np.float32)

    def _pose(self, thing: Thing, time: float) -> tuple[float, float, float, float]:
        """The thing's pose in the frame; fixed things are seen through the moving camera."""
        x, y, size, angle = thing.track.at(time)
        if not thing.fixed:
            return x, y, size, angle
        first, now = self._camera(0.0), self._camera(time)
        world = first[:, :2] @ np.array([x, y]) + first[:, 2]
        x, y = np.linalg.solve(now[:, :2], world - now[:, 2])
        zoom = self.camera.at(0.0)[2] / self.camera.at(time)[2]
        turn = self.camera.at(0.0)[3] - self.camera.at(time)[3]
        return float(x), float(y), size * zoom, angle + turn

    def _paste(
        self, thing: Thing, time: float, frame: np.ndarray, labels: np.ndarray, paint: bool
    ) -> None:
        """Put a thing over frame and labels, in place; what it hides is no longer labelled."""
        x, y, size, angle = self._pose(thing, time)
        reach = REACH * size
        left, right = np.clip([int(x - reach), int(x + reach) + 2], 0, self.width)
        top, bottom = np.clip([int(y - reach), int(y + reach) + 2], 0, self.height)
        if left >= right or top >= bottom:
            return
        box = (slice(top, bottom), slice(left, right))
        columns, rows = np.meshgrid(
            np.arange(left, right, dtype=np.float32), np.arange(top, bottom, dtype=np.float32)
        )
        cos, sin = np.float32(np.cos(angle) / size), np.float32(np.sin(angle) / size)
        u = cos * (columns - x) + sin * (rows - y)
        v = cos * (rows - y) - sin * (columns - x)
        u, v = thing.shape.warp(u, v, time)
        depth = thing.shape.inside(u, v, time) * size
        alpha = np.clip(depth + 0.5, 0, 1).astype(np.float32)
        labels[box][alpha >= 0.5] = thing.label
        if paint:
            colour = _look_up(thing.texture, u, v, size)
            # The rim is darker than the middle, as on a round body.
            colour *= (0.72 + 0.28 * np.clip(depth / (0.3 * size), 0, 1))[..., None]
            frame[box] += alpha[..., None] * (colour - frame[box])


def _look_up(texture: np.ndarray, u: np.ndarray, v: np.ndarray, size: float) -> np.ndarray:
    """Texture colours, float32 (h, w, 3), at material coordinates in -REACH..REACH."""
    side = texture.shape[0]
    scale = side / (2 * REACH + 0.6)
    shrink = scale / size
    if shrink > 1.2:
        # Fewer pixels than texels: smooth first, or fine patterns would flicker.
        texture = cv2.GaussianBlur(texture, (0, 0), 0.4 * shrink)
    return cv2.remap(
        texture,
        (u * scale + side / 2).astype(np.float32),
        (v * scale + side / 2).astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    ).astype(np.float32)


def paint_background(
    scene_size: tuple[int, int], texture: np.ndarray, clutter: list[Thing]
) -> np.ndarray:
    """A background image, (h, w, 3) uint8: the texture with motionless things painted on it."""
    height, width = scene_size
    still = Track(np.tile([width / 2, height / 2, 1.0, 0.0], (4, 1)))
    image, _ = Scene(height, width, texture, still, tuple(clutter)).render(0.0)
    return np.clip(image, 0, 255).astype(np.uint8)
