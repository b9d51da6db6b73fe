"""The DAVIS measures once more, slow and word by word, sharing no code with `ttvos`.

From the definitions of Perazzi et al. (CVPR 2016) and of the 2017 challenge's semi-supervised
task. J is the intersection over the union. F is the harmonic mean of contour precision and
recall: the share of one mask's contour pixels that have a contour pixel of the other within
0.008 of the image's diagonal, rounded up to whole pixels. Recall is the share of frames above
0.5, decay the mean of the first of four bins of frames less that of the last. Every object of
the first annotation counts in all frames but the first and the last; void (255) is background.
"""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image

Pixels = set[tuple[int, int]]


def score(results: Path, truth: Path) -> dict[str, dict[str, list[float]]]:
    """{"<sequence>_<id>": {"J": [...], "F": [...]}} of two folders of <sequence>/<frame>.png."""
    values: dict[str, dict[str, list[float]]] = {}
    for sequence in sorted(path for path in truth.iterdir()):
        files = sorted(sequence.iterdir())
        for object_id in range(1, int(_ids(files[0], void=True).max()) + 1):
            series = values[f"{sequence.name}_{object_id}"] = {"J": [], "F": []}
            for file in files[1:-1]:
                true = _ids(file, void=True) == object_id
                predicted = _ids(results / sequence.name / file.name, void=False) == object_id
                series["J"].append(region(predicted, true))
                series["F"].append(contour(predicted, true))
    return values


def region(predicted: np.ndarray, true: np.ndarray) -> float:
    """J of two (H, W) bool masks."""
    ours, theirs = _pixels(predicted), _pixels(true)
    return len(ours & theirs) / len(ours | theirs) if ours | theirs else 1.0


def contour(predicted: np.ndarray, true: np.ndarray) -> float:
    """F of two (H, W) bool masks."""
    height, width = true.shape
    reach = math.ceil(0.008 * math.sqrt(height * height + width * width))
    ours, theirs = _contour(predicted), _contour(true)
    if not ours and not theirs:
        return 1.0
    if not ours or not theirs:
        return 0.0
    precision, recall = _share_near(ours, theirs, reach), _share_near(theirs, ours, reach)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def summary(series: list[float]) -> dict[str, float]:
    """Mean, Recall and Decay of one object's values.

    The bins' ends are frames 1 + k (n - 1) / 4, k = 0 .. 4, rounded half up; both belong to it.
    """
    count = len(series)
    ends = [(4 + k * (count - 1) + 2) // 4 for k in range(5)]
    bins = [series[a - 1 : b] for a, b in pairwise(ends)]
    return {
        "Mean": sum(series) / count,
        "Recall": sum(value > 0.5 for value in series) / count,
        "Decay": sum(bins[0]) / len(bins[0]) - sum(bins[3]) / len(bins[3]),
    }


def _ids(path: Path, void: bool) -> np.ndarray:
    """(H, W) ids of a palette PNG. void: 255 is void, and so background."""
    with Image.open(path) as image:
        ids = np.array(image)
    return np.where(ids == 255, 0, ids) if void else ids


def _pixels(mask: np.ndarray) -> Pixels:
    return set(zip(*(axis.tolist() for axis in np.nonzero(mask)), strict=True))


def _contour(mask: np.ndarray) -> Pixels:
    """Pixels that differ from the one to the right, below, or below to the right."""
    height, width = mask.shape
    found = set()
    inside = _pixels(mask)
    # Whatever differs from a neighbour is in the mask, or next to it.
    near = {(r - i, c - j) for r, c in inside for i in (0, 1) for j in (0, 1)}
    for row, column in near:
        if row < 0 or column < 0:
            continue
        for i, j in ((0, 1), (1, 0), (1, 1)):
            other = (row + i, column + j)
            exists = other[0] < height and other[1] < width
            if exists and ((row, column) in inside) != (other in inside):
                found.add((row, column))
    return found


def _share_near(pixels: Pixels, others: Pixels, reach: int) -> float:
    a, b = (np.array(sorted(these)) for these in (pixels, others))
    squared = ((a[:, None] - b[None]) ** 2).sum(axis=-1).min(axis=1)
    return int((squared <= reach * reach).sum()) / len(a)
