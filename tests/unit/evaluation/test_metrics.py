"""J, F and statistics: properties, and values by hand; test_parity.py has others' numbers."""

import numpy as np
import pytest

from ttvos.evaluation.metrics import boundary_f, jaccard, statistics, tolerance


def blobs(seed: int, height: int = 40, width: int = 50, count: int = 3) -> np.ndarray:
    """A random union of ellipses, some of them cut by the border."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    mask = np.zeros((height, width), dtype=bool)
    for _ in range(count):
        row, column = rng.uniform(0, height), rng.uniform(0, width)
        a, b = rng.uniform(2, 12, 2)
        mask |= ((rows - row) / a) ** 2 + ((columns - column) / b) ** 2 <= 1
    return mask


def test_f_counts_the_disk_s_edge_and_no_more():
    """At 400x600 the tolerance is 6 px: boundaries 6 apart match, 7 apart do not."""
    assert tolerance(400, 600) == 6
    truth = np.zeros((400, 600), dtype=bool)
    truth[:, :300] = True
    for shift, expected in [(6, 1.0), (7, 0.0)]:
        prediction = np.zeros_like(truth)
        prediction[:, : 300 + shift] = True
        assert boundary_f(prediction, truth) == expected


@pytest.mark.parametrize(("size", "pixels"), [((480, 854), 8), ((240, 432), 4), ((64, 96), 1)])
def test_tolerance(size, pixels):
    assert tolerance(*size) == pixels


@pytest.mark.parametrize("metric", [jaccard, boundary_f])
@pytest.mark.parametrize("seed", range(3))
def test_properties(metric, seed):
    truth = blobs(seed)
    prediction = np.roll(truth, 2, axis=1) | blobs(seed + 50)
    value = metric(prediction, truth)
    assert 0 < value < 1
    assert metric(truth, truth) == 1
    assert metric(truth, prediction) == pytest.approx(value, abs=1e-15)


@pytest.mark.parametrize("metric", [jaccard, boundary_f])
def test_translation_does_not_matter_away_from_the_border(metric):
    inner = blobs(3, 20, 30), blobs(4, 20, 30)
    values = []
    for row, column in [(5, 5), (60, 90), (30, 7)]:
        masks = []
        for small in inner:
            mask = np.zeros((100, 140), dtype=bool)
            mask[row : row + 20, column : column + 30] = small
            masks.append(mask)
        values.append(metric(*masks))
    assert values[0] == values[1] == values[2]
    assert 0 < values[0] < 1


@pytest.mark.parametrize("metric", [jaccard, boundary_f])
def test_empty_masks(metric):
    empty, some = np.zeros((20, 30), dtype=bool), blobs(1, 20, 30)
    assert metric(empty, empty) == 1
    assert metric(empty, some) == 0
    assert metric(some, empty) == 0


def test_a_mask_without_boundary():
    full, empty = np.ones((20, 30), dtype=bool), np.zeros((20, 30), dtype=bool)
    assert boundary_f(full, full) == 1
    assert boundary_f(full, empty) == 1  # no boundary in either
    assert jaccard(full, empty) == 0


def test_void_pixels_are_not_judged():
    truth, void = np.zeros((60, 80), dtype=bool), np.zeros((60, 80), dtype=bool)
    truth[10:30, 10:40] = True
    void[30:50, 10:40] = True
    prediction = truth | void
    assert jaccard(prediction, truth, void) == boundary_f(prediction, truth, void) == 1
    assert jaccard(prediction, truth) == 0.5
    assert boundary_f(prediction, truth) < 1
    outside = prediction.copy()
    outside[0:5, 60:70] = True
    assert jaccard(outside, truth, void) == pytest.approx(600 / 650)


def test_masks_of_two_sizes_are_a_bug():
    with pytest.raises(ValueError, match="one size"):
        jaccard(np.zeros((4, 4), dtype=bool), np.zeros((4, 5), dtype=bool))


def test_statistics_by_hand():
    values = [1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3]
    # Quarter ends 1, 2.75, 4.5, 6.25, 8 round to 1, 3, 5, 6, 8; both ends belong to a quarter.
    assert statistics(values) == pytest.approx(
        {"Mean": 0.65, "Recall": 5 / 8, "Decay": np.mean([1, 0.9, 0.8]) - np.mean([0.5, 0.4, 0.3])}
    )


def test_statistics_of_few_frames():
    assert statistics([0.25]) == {"Mean": 0.25, "Recall": 0.0, "Decay": 0.0}
    assert statistics([1.0, 0.0]) == {"Mean": 0.5, "Recall": 0.5, "Decay": 1.0}


def test_statistics_of_many_frames():
    """The official toolkit keeps frame numbers in 8 bits, so its quarters wrap; ours do not."""
    values = [1.0] * 300 + [0.0] * 300
    assert statistics(values)["Decay"] == 1.0


@pytest.mark.parametrize("count", range(1, 40))
def test_the_quarters_of_the_decay_are_right_for_every_length(count):
    """They end at frames 1 + k (n - 1) / 4, k = 0 .. 4, rounded half up; both belong to it."""
    values = np.random.default_rng(count).random(count).tolist()
    ends = [(4 + k * (count - 1) + 2) // 4 for k in range(5)]
    first, last = values[: ends[1]], values[ends[3] - 1 :]
    assert statistics(values)["Decay"] == pytest.approx(np.mean(first) - np.mean(last))
