"""Pearson's correlation with its interval, in numbers and in words."""

from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Correlation:
    """Pearson's r of n points; low and high bound it with the given confidence, if n allows."""

    r: float | None
    n: int
    low: float | None = None
    high: float | None = None
    confidence: float = 0.95


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
    found = stats.pearsonr(x, y)
    r = float(found.statistic)
    if n < 4:
        return Correlation(r, n, confidence=confidence)
    low, high = found.confidence_interval(confidence)
    return Correlation(r, n, float(low), float(high), confidence)


def least_telling(n: int, confidence: float = 0.95) -> float:
    """The smallest size of r whose interval of n points, 4 or more, leaves 0 out; 0 to 1."""
    return float(np.tanh(stats.norm.ppf((1 + confidence) / 2) / np.sqrt(n - 3)))


def describe_correlation(correlation: Correlation) -> str:
    """The correlation in words, with its interval or why there is none."""
    if correlation.r is None:
        return f"no correlation: n = {correlation.n}, or no variation"
    text = f"Pearson r = {correlation.r:.2f}"
    if correlation.low is None:
        return f"{text}, n = {correlation.n}: too few for a confidence interval"
    return (
        f"{text}, {correlation.confidence:.0%} confidence interval "
        f"{correlation.low:.2f} to {correlation.high:.2f}, n = {correlation.n}"
    )
