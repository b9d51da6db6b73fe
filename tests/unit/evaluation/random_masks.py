"""Seeded masks with everything that an evaluator can trip over."""

import numpy as np


def random_clip(seed: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Result and true masks of a clip, (T, H, W) uint8 ids each, and the number of objects.

    Objects move, overlap, are cut by the border, vanish and come back, or are missing from the
    start; frames are empty in one mask or both; results lack ids. Some seeds are speckled.
    """
    rng = np.random.default_rng(seed)
    height, width = [(60, 80), (41, 123), (150, 270), (9, 7), (300, 130)][seed % 5]
    frames, objects = 9, int(rng.integers(1, 7))
    truth = np.zeros((frames, height, width), dtype=np.uint8)
    result = np.zeros_like(truth)
    for object_id in range(1, objects + 1):
        place, speed = rng.uniform(0, 1, 2) * (height, width), rng.uniform(-0.1, 0.1, 2)
        radii = rng.uniform(0.02, 0.35, 2) * (height, width)
        for t in range(frames):
            inside = ellipse((height, width), place + t * speed * (height, width), radii)
            moved = ellipse((height, width), place + rng.normal(0, 3, 2), radii * 1.1)
            if rng.random() < 0.8:
                truth[t][inside] = object_id
            if rng.random() < 0.8:
                result[t][moved if rng.random() < 0.7 else inside] = object_id
    truth[0][rng.integers(height), rng.integers(width)] = objects  # what sets their number
    if seed % 3 == 0:
        speckle = rng.random(truth.shape) < 0.02
        truth[speckle] = rng.integers(0, objects + 1, np.count_nonzero(speckle))
    if seed % 4 == 0:
        result[result == int(rng.integers(1, objects + 1))] = 0  # an id that is never predicted
    truth[rng.integers(1, frames)] = 0
    result[rng.integers(1, frames)] = 0
    result[-2] = truth[-2]
    return result, truth, objects


def ellipse(shape: tuple[int, int], centre: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """A filled ellipse, (H, W) bool; of radius below 1 a thin one, or nothing."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return ((rows - centre[0]) / radii[0]) ** 2 + ((columns - centre[1]) / radii[1]) ** 2 <= 1
