"""Statistics against closed forms, exhaustive counts, and simulations with a known truth."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from ttvos.evaluation import statistics
from ttvos.evaluation.statistics import (
    detectable,
    detectable_by_sequences,
    fewest_sequences,
    holm,
    mean_interval,
    paired_difference,
    prediction_half_width,
    prediction_limit,
    sign_flip,
)


def test_the_prediction_interval_of_one_further_run():
    # t(0.975, 2) = 4.302653, t(0.975, 9) = 2.262157
    assert prediction_half_width(1.0, 3) == pytest.approx(4.302653 * (4 / 3) ** 0.5, rel=1e-6)
    assert prediction_half_width(2.0, 10) == pytest.approx(2 * 2.262157 * 1.1**0.5, rel=1e-6)
    assert prediction_limit(1.0) == pytest.approx(1.959964, rel=1e-6)
    assert prediction_half_width(1.0, 100_000) == pytest.approx(prediction_limit(1.0), rel=1e-4)
    with pytest.raises(ValueError, match="2 or more"):
        prediction_half_width(1.0, 1)


def test_19_of_20_further_runs_lie_in_it():
    rng = np.random.default_rng(0)
    runs = rng.normal(size=(20_000, 4))
    seen, further = runs[:, :3], runs[:, 3]
    half = np.array([prediction_half_width(s, 3) for s in seen.std(axis=1, ddof=1)])
    share = float((abs(further - seen.mean(axis=1)) <= half).mean())
    assert share == pytest.approx(0.95, abs=0.006)


def test_an_interval_holds_its_mean_and_stays_within_the_scores():
    scores = [99.0, 97.5, 98.2, 20.0, 96.4, 99.5, 95.0, 88.0]
    low, high = mean_interval(scores)
    assert min(scores) < low < np.mean(scores) < high < max(scores)
    assert mean_interval(scores) == (low, high)  # seeded
    assert mean_interval([50.0]) is None
    assert mean_interval([50.0, 50.0]) == (50.0, 50.0)


@pytest.mark.parametrize("sequences", [2, 4, 6, 8])
def test_an_interval_of_few_sequences_covers_the_truth(sequences):
    """The plain percentile interval covers 50 % with 2 sequences, 88 % with 6."""
    rng = np.random.default_rng(1)
    found = [mean_interval(rng.normal(50, 5, sequences)) for _ in range(200)]
    assert np.mean([low <= 50 <= high for low, high in found]) >= 0.92


def test_an_interval_of_few_sequences_stays_within_the_points():
    low, high = mean_interval([95.0, 99.0])
    assert 0 <= low < 95
    assert high == 100
    assert mean_interval([2.0, 1.0, 3.0])[0] == 0


def test_whole_sequences_are_drawn():
    """10 objects of one sequence count tenfold, but are no 10 pieces of evidence."""
    low, high = mean_interval([80.0] + [60.0] * 6, [10, 1, 1, 1, 1, 1, 1])
    as_objects = mean_interval([80.0] * 10 + [60.0] * 6)
    assert high - low > as_objects[1] - as_objects[0]
    with pytest.raises(ValueError, match="objects"):
        mean_interval([80.0, 60.0], [1])


def test_a_difference_without_noise_of_seeds_is_the_paired_t_test():
    rng = np.random.default_rng(2)
    differences = rng.normal(2, 3, 12)
    found = paired_difference(differences[:, None])
    reference = stats.ttest_1samp(differences, 0)
    assert found.mean == pytest.approx(differences.mean())
    assert found.error == pytest.approx(stats.sem(differences), rel=0.03)
    assert found.freedom == pytest.approx(11)
    assert found.p == pytest.approx(reference.pvalue, rel=0.1)
    interval = reference.confidence_interval()
    assert (found.low, found.high) == pytest.approx(tuple(interval), abs=0.1)


def test_a_difference_without_noise_of_sequences_is_a_t_test_over_the_seeds():
    by_seed = np.array([1.0, 2.5, 1.8])
    found = paired_difference(np.tile(by_seed, (20, 1)))
    assert found.error == pytest.approx(stats.sem(by_seed), rel=0.03)
    assert found.freedom == pytest.approx(2)
    assert found.p == pytest.approx(stats.ttest_1samp(by_seed, 0).pvalue, rel=0.1)


def test_objects_weigh_the_mean_of_a_difference():
    found = paired_difference([[1.0, 1.0], [4.0, 4.0]], [3, 1])
    assert found.mean == pytest.approx((3 * 1 + 4) / 4)


def test_differences_that_are_all_alike():
    same, none = paired_difference(np.full((6, 3), 2.0)), paired_difference(np.zeros((6, 3)))
    assert (same.low, same.high) == pytest.approx((2.0, 2.0))
    assert same.p < 1e-9
    assert none.p == 1
    with pytest.raises(ValueError, match="one sequence"):
        paired_difference([[1.0, 2.0, 3.0]])


@pytest.mark.parametrize(
    "noise",
    [(1, 0, 0), (0, 1, 0), (1, 1.6, 0), (1, 1, 1)],
    ids=["seeds", "sequences", "both", "all"],
)
def test_without_an_effect_the_interval_leaves_0_in_5_percent(noise, monkeypatch):
    monkeypatch.setattr(statistics, "DRAWS", 1000)
    seeds, sequences, rest = noise
    rng, left, trials = np.random.default_rng(3), 0, 150
    for _ in range(trials):
        values = seeds * rng.normal(size=(1, 3)) + sequences * rng.normal(size=(8, 1))
        found = paired_difference(values + rest * rng.normal(size=(8, 3)))
        left += not found.low <= 0 <= found.high
    assert left / trials <= 0.05 + 2 * (0.05 * 0.95 / trials) ** 0.5


def test_sign_flip_counts_all_signs():
    values = np.array([3.0, 1.0, 2.0, -0.5, 4.0])
    sums = np.array([np.dot(signs, values) for signs in product((-1, 1), repeat=5)])
    exact = float((abs(sums) >= abs(values.sum()) - 1e-12).mean())
    assert sign_flip(values) == pytest.approx(exact)
    assert sign_flip(np.ones(5)) == pytest.approx(2 / 2**5)
    assert sign_flip(np.array([1.0, 1.0]), [5, 1]) == pytest.approx(0.5)


def test_sign_flip_of_many_sequences_is_drawn_and_seeded():
    rng = np.random.default_rng(4)
    values = rng.normal(0.5, 1, 30)
    assert sign_flip(values) == sign_flip(values)
    assert sign_flip(values) == pytest.approx(stats.ttest_1samp(values, 0).pvalue, abs=0.02)
    assert sign_flip(np.full(30, 2.0)) == pytest.approx(2 / 10_001, rel=1e-3)


def test_how_many_sequences_a_sign_flip_needs():
    assert fewest_sequences() == 6
    assert sign_flip(np.ones(6)) <= 0.05 < sign_flip(np.ones(5))


def test_holm():
    # worked by hand: 4 · 0.01, 3 · 0.02, 2 · 0.03, 0.04, each at least the one before
    assert holm([0.02, 0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.06, 0.04, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_the_detectable_difference_is_found_with_80_percent():
    rng = np.random.default_rng(5)
    least = detectable_by_sequences(3.0, 8)
    found = stats.ttest_1samp(rng.normal(least, 3.0, (4000, 8)), 0, axis=1).pvalue <= 0.05
    assert found.mean() == pytest.approx(0.8, abs=0.02)
    assert least == pytest.approx(3.0 * 1.1557, rel=0.01)  # G*Power: d = 1.156 for n = 8
    assert detectable(1.0, 7, level=0.05 / 8) > detectable(1.0, 7)
    assert detectable(0.0, 7) == 0
