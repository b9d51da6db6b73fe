"""Statistics of the adaptive update weight (the paper's Figure 9): pure functions.

The report and `notebooks/adaptive_weight.ipynb` both use these, so they cannot disagree.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np


@dataclass(frozen=True)
class ObjectCurve:
    """One object over one clip.

    ratio: (T,) share of the frame that is foreground, 0 to 1; [0] is the given mask, the
    others are predicted. weight: (T-1,) update weight w_t in 0 to 1 of frames 1 to T-1.
    """

    sequence: str
    object: int
    ratio: np.ndarray
    weight: np.ndarray

    @property
    def name(self) -> str:
        """Sequence and object id, as the evaluation names them."""
        return f"{self.sequence}_{self.object}"


@dataclass(frozen=True)
class Correlation:
    """Pearson's r of n points; low and high bound it with the given confidence, if n allows."""

    r: float | None
    n: int
    low: float | None = None
    high: float | None = None
    confidence: float = 0.95


def curves(sequences: dict[str, Any]) -> list[ObjectCurve]:
    """All objects of a predict.json's "sequences" that have update weights, in file order."""
    found = []
    for name, entry in sequences.items():
        if not entry.get("update_weights"):
            continue
        ratio = np.array(entry["foreground_ratio"], dtype=float)
        weight = np.array(entry["update_weights"], dtype=float)
        for index, number in enumerate(entry["objects"]):
            found.append(ObjectCurve(name, int(number), ratio[:, index], weight[:, index]))
    return found


def first_frame_points(objects: Iterable[ObjectCurve]) -> tuple[np.ndarray, np.ndarray]:
    """Figure 9a: per object, the given mask's foreground ratio and the first update weight."""
    pairs = [(curve.ratio[0], curve.weight[0]) for curve in objects]
    values = np.array(pairs, dtype=float).reshape(-1, 2)
    return values[:, 0], values[:, 1]


def pearson(x: np.ndarray, y: np.ndarray, confidence: float = 0.95) -> Correlation:
    """Pearson's correlation with an interval by Fisher's z transform.

    The interval needs 4 points (its standard error is 1/sqrt(n-3)); with fewer it is left
    out. r is None when there are fewer than 2 points or one side does not vary.
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"pearson needs two equally long vectors, not {x.shape} and {y.shape}")
    n = len(x)
    if n < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return Correlation(None, n, confidence=confidence)
    r = float(np.clip(np.corrcoef(x, y)[0, 1], -1.0, 1.0))
    if n < 4:
        return Correlation(r, n, confidence=confidence)
    if 1.0 - abs(r) < 1e-12:  # a line, but for rounding: z would be infinite
        return Correlation(r, n, r, r, confidence)
    reach = NormalDist().inv_cdf(0.5 + confidence / 2) / np.sqrt(n - 3)
    low, high = np.tanh(np.arctanh(r) - reach), np.tanh(np.arctanh(r) + reach)
    return Correlation(r, n, float(low), float(high), confidence)


def relative_change(ratio: np.ndarray) -> float:
    """Change over the whole clip as a share of the mean: slope of a straight line / mean.

    -1 means that the line falls by one mean ratio from the first frame to the last; 0 for an
    object that is never there.
    """
    ratio = np.asarray(ratio, dtype=float)
    if len(ratio) < 2 or ratio.mean() == 0:
        return 0.0
    time = np.linspace(0.0, 1.0, len(ratio))
    return float(np.polyfit(time, ratio, 1)[0] / ratio.mean())


def pick_changing(
    objects: Iterable[ObjectCurve], followed: Collection[str] | None = None
) -> tuple[ObjectCurve | None, ObjectCurve | None]:
    """Figure 9b, c: the object that shrinks most and the one that grows most, or None.

    followed: names of the objects that the tracker did not lose; a lost object's mask shrinks
    too, but shows nothing about size. None takes all objects.
    """
    known = [curve for curve in objects if followed is None or curve.name in followed]
    changes = [(relative_change(curve.ratio), curve) for curve in known]
    shrinking = min(changes, key=lambda pair: pair[0], default=(0.0, None))
    growing = max(changes, key=lambda pair: pair[0], default=(0.0, None))
    return (
        shrinking[1] if shrinking[0] < 0 else None,
        growing[1] if growing[0] > 0 else None,
    )
