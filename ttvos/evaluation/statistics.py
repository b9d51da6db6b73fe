"""Statistics of accuracies: arrays in, numbers out.

Two kinds of noise are kept apart. Trainings with other seeds score the same videos differently;
other videos of the same kind would give other scores. Scores are in points, sequences are the
unit that is drawn (objects and frames of one sequence are no independent evidence).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, stats

LEVEL = 0.05  # of two-sided tests and, as 1 - LEVEL, of intervals
POWER = 0.8
DRAWS = 10_000
QUANTILES = 2000
SEED = 0


@dataclass(frozen=True)
class PairedDifference:
    """A mean difference with its noise from seeds and sequences.

    mean: over all objects and seeds, in points. error: its standard error. freedom: degrees of
    freedom of that error. low, high: 95 % interval. p: two-sided, of a mean of 0.
    """

    mean: float
    error: float
    freedom: float
    low: float
    high: float
    p: float


def prediction_half_width(spread: float, count: int) -> float:
    """Half the width of the 95 % prediction interval of one further run, about the runs' mean.

    spread: sample standard deviation of `count` (2 or more) runs that are normally distributed.
    """
    if count < 2:
        raise ValueError(f"{count} runs have no spread; 2 or more are needed")
    return float(_quantile(count - 1) * spread * np.sqrt(1 + 1 / count))


def prediction_limit(spread: float) -> float:
    """What `prediction_half_width` comes to with ever more runs of that spread."""
    return float(stats.norm.isf(LEVEL / 2) * spread)


def mean_interval(
    scores: ArrayLike, objects: ArrayLike | None = None, seed: int = SEED
) -> tuple[float, float] | None:
    """95 % bootstrap interval of a mean over objects, whole sequences drawn; None for fewer than 2.

    scores: (S,), each sequence's mean over its objects, in points. objects: (S,), their number;
    None: 1 each.
    Percentiles of the draws, moved outward so that few sequences do not give too narrow an
    interval (the expanded percentile interval of Hesterberg, The American Statistician 69, 2015).
    No draw leaves the range of the scores, which for fewer than 6 sequences holds the mean too
    seldom: theirs is Student's interval, within 0 and 100 points.
    """
    values, weights = _with_weights(scores, objects)
    count = len(values)
    if count < 2:
        return None
    if count < fewest_sequences():
        mean = float(_weighted_mean(values, weights))
        half = _quantile(count - 1) * float(np.sqrt(_variance(values, weights)))
        return max(mean - half, 0.0), min(mean + half, 100.0)
    tail = stats.norm.sf(np.sqrt(count / (count - 1)) * _quantile(count - 1))
    found = stats.bootstrap(
        (values, weights),
        _weighted_mean,
        n_resamples=DRAWS,
        paired=True,
        vectorized=True,
        confidence_level=1 - 2 * tail,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return float(found.low), float(found.high)


def paired_difference(
    differences: ArrayLike, objects: ArrayLike | None = None, seed: int = SEED
) -> PairedDifference:
    """Mean of paired differences, its interval by a hierarchical bootstrap, and its p-value.

    differences: (S, K), of S sequences (2 or more, each the mean over its objects) and K seeds.
    objects: (S,), the number of objects; None: 1 each. With K = 1 the noise of seeds is not in it.

    A draw takes sequences, then seeds; a drawn seed counts for all drawn sequences, because a
    training moves all of them together. One fewer than there are is drawn of each, which makes the
    variance of the draws unbiased. So few seeds have no percentiles (3 give 6 different means), so
    the interval is Student's, with the draws' standard error and Satterthwaite's degrees of
    freedom of both levels.
    """
    values = np.asarray(differences, dtype=float)
    rows, weights = _with_weights(values.mean(axis=1), objects)
    sequences, seeds = values.shape
    if sequences < 2:
        raise ValueError("one sequence says nothing of others; 2 or more are needed")
    rng = np.random.default_rng(seed)
    drawn = _drawn(rng, sequences) * weights
    shares = _drawn(rng, seeds)
    means = np.einsum("bs,sk,bk->b", drawn, values, shares)
    means /= drawn.sum(axis=1) * shares.sum(axis=1)
    mean, error = float(_weighted_mean(rows, weights)), float(means.std(ddof=1))
    freedom = _freedom(values, weights)
    half = _quantile(freedom) * error
    p = 2 * stats.t.sf(abs(mean) / error, freedom) if error > 0 else float(mean == 0)
    return PairedDifference(mean, error, freedom, mean - half, mean + half, float(p))


def sign_flip(differences: ArrayLike, objects: ArrayLike | None = None, seed: int = SEED) -> float:
    """Two-sided p of a mean of 0, for differences of sequences that are symmetric about 0.

    differences, objects: as `mean_interval` takes scores. All signs are tried for up to 13
    sequences, else 10,000 drawn ones. n sequences cannot give less than 2 / 2**n.
    """
    values, weights = _with_weights(differences, objects)
    found = stats.permutation_test(
        (values * weights,),
        np.sum,
        permutation_type="samples",
        vectorized=True,
        n_resamples=DRAWS,
        rng=np.random.default_rng(seed),
    )
    return float(found.pvalue)


def holm(p: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given: one false finding in 20 families at most."""
    order = np.argsort(p)
    steps = np.asarray(p, dtype=float)[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted.tolist()


def detectable(error: float, freedom: float, level: float = LEVEL, power: float = POWER) -> float:
    """The smallest true difference that a two-sided t-test at `level` finds with `power`.

    error, freedom: of the difference, as in `PairedDifference`.
    """
    limit = _quantile(freedom, level)
    # By the distribution of the estimated error: SciPy's noncentral t is NaN far out.
    shares = (np.arange(QUANTILES) + 0.5) / QUANTILES
    limits = limit * np.sqrt(stats.chi2.ppf(shares, freedom) / freedom)

    def lacking(shift: float) -> float:
        return float(stats.norm.cdf(shift - limits).mean()) - power

    most = float(limits.max()) + stats.norm.ppf(power)
    return float(error * optimize.brentq(lacking, 0.0, most))


def detectable_by_sequences(spread: float, count: int) -> float:
    """`detectable` for a paired difference over `count` sequences alone (2 or more).

    spread: sample standard deviation of the sequences' differences.
    """
    return detectable(spread / np.sqrt(count), count - 1)


def fewest_sequences(level: float = LEVEL) -> int:
    """How many sequences a sign-flip test needs to reach `level` at all."""
    return int(np.ceil(1 - np.log2(level)))


def _quantile(freedom: float, level: float = LEVEL) -> float:
    return float(stats.t.ppf(1 - level / 2, freedom))


def _weighted_mean(values: NDArray, weights: NDArray, axis: int = -1) -> NDArray:
    return (values * weights).sum(axis=axis) / weights.sum(axis=axis)


def _with_weights(values: ArrayLike, objects: ArrayLike | None) -> tuple[NDArray, NDArray]:
    values = np.asarray(values, dtype=float)
    weights = np.ones(len(values)) if objects is None else np.asarray(objects, dtype=float)
    if values.shape != weights.shape:
        raise ValueError(f"{len(values)} sequences, but numbers of objects of {len(weights)}")
    return values, weights


def _drawn(rng: np.random.Generator, count: int) -> NDArray:
    """How often each of `count` is drawn, (DRAWS, count); a single one is always there."""
    return rng.multinomial(max(count - 1, 1), np.full(count, 1 / count), size=DRAWS)


def _freedom(values: NDArray, weights: NDArray) -> float:
    """Satterthwaite's degrees of freedom of the sum of the two levels' variances."""
    sequences, seeds = values.shape
    rows = values.mean(axis=1)
    levels = [(sequences - 1, _variance(rows, weights))]
    if seeds > 1:
        columns = _weighted_mean(values, weights[:, None], axis=0)
        levels.append((seeds - 1, float(columns.var(ddof=1)) / seeds))
    total = sum(variance for _, variance in levels)
    if total == 0:
        return float(min(freedom for freedom, _ in levels))
    return total**2 / sum(variance**2 / freedom for freedom, variance in levels)


def _variance(values: NDArray, weights: NDArray) -> float:
    """Variance of the weighted mean of values that are drawn with their weights."""
    centred = weights * (values - _weighted_mean(values, weights)) / weights.sum()
    return float((centred**2).sum()) * len(values) / (len(values) - 1)
