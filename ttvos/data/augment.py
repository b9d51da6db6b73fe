"""What one training clip is varied by: colour, one affine map and a flip (FACTS section 4).

Everything is the same for all frames of a clip. Frames are (T, H, W, 3) uint8 RGB, labels
(T, H, W) uint8 in {0, 1, 255}; every function returns new arrays.
"""

import cv2
import numpy as np

from ttvos.video import IGNORED

Rng = np.random.Generator
GRAYSCALE = 0.1  # probability
JITTER = 0.25  # brightness, contrast and saturation change by up to this share
HUE = 0.1  # of a full turn
LUMA = np.array([0.299, 0.587, 0.114])


def augment(
    frames: np.ndarray,
    labels: np.ndarray,
    rng: Rng,
    rotation: float,
    scale: tuple[float, float],
    shift: float = 0.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Vary a clip: grayscale, colour jitter, one affine map, horizontal flip.

    rotation: largest rotation and shear in degrees; scale: smallest and largest zoom;
    shift: largest move, as a share of the frame's sides. The map is drawn up to five times until
    the object is still in frame 0; else the clip stays unmapped.
    """
    frames = jitter_colours(frames, rng)
    for _ in range(5):
        matrix = random_affine(rng, frames.shape[1:3], rotation, scale, shift)
        first = map_labels(labels[:1], matrix)
        if _is_kept(labels[0], first[0]):
            labels = np.concatenate([first, map_labels(labels[1:], matrix)])
            frames = map_frames(frames, matrix)
            break
    if rng.random() < 0.5:
        frames, labels = frames[:, :, ::-1], labels[:, :, ::-1]
    return np.ascontiguousarray(frames), np.ascontiguousarray(labels)


def _is_kept(before: np.ndarray, after: np.ndarray) -> bool:
    """Whether enough of the object is left: a quarter of its pixels."""
    return np.count_nonzero(after == 1) * 4 >= np.count_nonzero(before == 1)


def jitter_colours(frames: np.ndarray, rng: Rng) -> np.ndarray:
    """Grayscale (p = 0.1); brightness, contrast, saturation and hue jitter."""
    time, height, width = frames.shape[:3]
    tall = frames.reshape(time * height, width, 3)
    is_gray = rng.random() < GRAYSCALE
    brightness, contrast, saturation = rng.uniform(1 - JITTER, 1 + JITTER, 3)
    turn = rng.uniform(-HUE, HUE)
    if not is_gray:
        tall = _turn_hue(tall, turn)
    # Brightness, contrast (towards the mean grey) and saturation (towards the pixel's grey)
    # are linear in the colour: one matrix with an offset.
    mean = float(cv2.mean(tall)[:3] @ LUMA)
    mix = 0.0 if is_gray else saturation
    colour = brightness * contrast * (mix * np.eye(3) + (1 - mix) * np.tile(LUMA, (3, 1)))
    offset = np.full((3, 1), brightness * (1 - contrast) * mean)
    return cv2.transform(tall, np.hstack([colour, offset])).reshape(frames.shape)


def _turn_hue(image: np.ndarray, turn: float) -> np.ndarray:
    """Turn the hue by `turn` of a circle."""
    hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
    # OpenCV's 8-bit hue counts 180 steps to a circle.
    hue = ((np.arange(256) + round(180 * turn)) % 180).astype(np.uint8)
    same = np.arange(256, dtype=np.uint8)
    table = np.stack([hue, same, same], axis=-1)[None]
    return cv2.cvtColor(cv2.LUT(hsv, table), cv2.COLOR_HSV2RGB)


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


def map_frames(frames: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Look every frame up at matrix x pixel. Beyond the border the picture is reflected:
    a black frame round it would be a hint that no real video gives."""
    size = frames.shape[2], frames.shape[1]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.stack(
        [
            cv2.warpAffine(frame, matrix, size, flags=flags, borderMode=cv2.BORDER_REFLECT_101)
            for frame in frames
        ]
    )


def map_labels(labels: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The same for labels, nearest neighbour. Beyond the border they are 255, ignored: what
    was there is unknown, and a mirrored piece of the object is neither it nor background."""
    if not len(labels):
        return labels
    size = labels.shape[2], labels.shape[1]
    flags = cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP
    return np.stack(
        [
            cv2.warpAffine(
                label,
                matrix,
                size,
                flags=flags,
                borderMode=cv2.BORDER_CONSTANT,
                borderValue=IGNORED,
            )
            for label in labels
        ]
    )
