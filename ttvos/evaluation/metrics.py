"""J, F and their statistics (docs/facts.md, section 5): arrays in, numbers out.

J is the region similarity (intersection over union), F the boundary similarity (F-measure of
boundary pixels matched within a tolerance); both run from 0 to 1, higher is better.

`jaccard` and `boundary_f` say what is meant, on whole frames. What the evaluator runs is
`ttvos.evaluation.crops.score_frame`, which gives the same numbers to the bit and far faster.
"""

import math
from collections.abc import Callable

import numpy as np

TOLERANCE = 0.008  # of the image diagonal


def jaccard(prediction: np.ndarray, truth: np.ndarray, void: np.ndarray | None = None) -> float:
    """J of two (H, W) bool masks; 1 when both are empty.

    void: (H, W) bool, pixels that count for neither mask; None if there are none.
    """
    prediction, truth = _judged(prediction, truth, void)
    union = np.count_nonzero(prediction | truth)
    return float(np.count_nonzero(prediction & truth) / union) if union else 1.0


def boundary_f(prediction: np.ndarray, truth: np.ndarray, void: np.ndarray | None = None) -> float:
    """F of two (H, W) bool masks: harmonic mean of boundary precision and recall.

    A boundary pixel is matched when the other mask has a boundary pixel within the tolerance.
    1 when neither mask has a boundary, 0 when only one has. void: as in `jaccard`; void pixels
    are background in both masks.
    """
    prediction, truth = _judged(prediction, truth, void)
    radius = tolerance(*truth.shape)
    predicted, true = boundary(prediction), boundary(truth)
    return f_measure(
        np.count_nonzero(predicted),
        np.count_nonzero(true),
        np.count_nonzero(predicted & _near(true, radius)),
        np.count_nonzero(true & _near(predicted, radius)),
    )


def f_measure(predicted: int, true: int, predicted_matched: int, true_matched: int) -> float:
    """F from the numbers of boundary pixels of either mask, and of those that are matched."""
    if not predicted or not true:
        return 1.0 if predicted == true else 0.0
    precision, recall = predicted_matched / predicted, true_matched / true
    if precision + recall == 0:
        return 0.0
    return float(2 * precision * recall / (precision + recall))


def tolerance(height: int, width: int) -> int:
    """How far apart matched boundary pixels may be, in pixels: 8 at 480x854."""
    return math.ceil(TOLERANCE * math.hypot(height, width))


def boundary(mask: np.ndarray) -> np.ndarray:
    """Boundary pixels of an (H, W) bool mask, as (H, W) bool.

    A pixel is on the boundary when it differs from its right, its lower or its lower-right
    neighbour. In the last row and column only the neighbours that exist are compared.
    """
    edges = np.zeros(mask.shape, dtype=bool)
    edges[:, :-1] |= mask[:, :-1] ^ mask[:, 1:]
    edges[:-1] |= mask[:-1] ^ mask[1:]
    edges[:-1, :-1] |= mask[:-1, :-1] ^ mask[1:, 1:]
    return edges


def statistics(values: list[float]) -> dict[str, float]:
    """Mean, Recall and Decay of one object's values, one a frame in the order of time.

    Recall: fraction of frames above 0.5. Decay: mean of the first quarter minus mean of the last.
    Quarters are inclusive at both ends (neighbours share a frame); their ends are the 5 points
    that divide frame numbers 1..n into 4 equal parts, rounded half up. At least one value.
    """
    array = np.asarray(values, dtype=np.float64)
    ends = np.floor(np.linspace(1, len(array), 5) + 0.5 + 1e-10).astype(int) - 1
    first, last = array[ends[0] : ends[1] + 1], array[ends[3] : ends[4] + 1]
    return {
        "Mean": float(array.mean()),
        "Recall": float((array > 0.5).mean()),
        "Decay": float(first.mean() - last.mean()),
    }


# Metrics beside J and F: functions like `jaccard`, by the name of their columns in the scores.
FURTHER: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray | None], float]] = {}


def _judged(
    prediction: np.ndarray, truth: np.ndarray, void: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    if prediction.shape != truth.shape or prediction.ndim != 2:
        raise ValueError(f"masks are (H, W) of one size, not {prediction.shape}, {truth.shape}")
    prediction, truth = prediction.astype(bool, copy=False), truth.astype(bool, copy=False)
    if void is None:
        return prediction, truth
    return prediction & ~void, truth & ~void


def _near(edges: np.ndarray, radius: int) -> np.ndarray:
    """Pixels within `radius` of a set pixel: the union of all shifts within a disk, (H, W) bool."""
    height, width = edges.shape
    padded = np.pad(edges, radius)
    near = np.zeros_like(edges)
    for row in range(-radius, radius + 1):
        for column in range(-radius, radius + 1):
            if row * row + column * column <= radius * radius:
                top, left = radius + row, radius + column
                near |= padded[top : top + height, left : left + width]
    return near
