"""Statistics of Figure 9 against numpy and known values."""

import numpy as np
import pytest

from ttvos.report.figure_weights import (
    ObjectCurve,
    curves,
    first_frame_points,
    pearson,
    pick_changing,
    relative_change,
)


def curve(name: str, ratio, number: int = 1) -> ObjectCurve:
    ratio = np.array(ratio, dtype=float)
    return ObjectCurve(name, number, ratio, np.full(len(ratio) - 1, 0.5))


def correlated(r: float, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Two vectors of length n whose correlation is exactly r."""
    rng = np.random.default_rng(0)
    basis, _ = np.linalg.qr(np.column_stack([np.ones(n), rng.normal(size=(n, 2))]))
    x, other = basis[:, 1], basis[:, 2]
    return x, r * x + np.sqrt(1 - r * r) * other


def test_interval_is_the_textbook_one():
    # Fisher z of 0.5 is 0.5493; n = 28 gives a standard error of 1/5.
    found = pearson(*correlated(0.5, 28))
    assert found.r == pytest.approx(0.5)
    assert (found.low, found.high) == pytest.approx((0.1560, 0.7357), abs=2e-4)
    wider = pearson(*correlated(0.5, 28), 0.99)
    assert wider.low < found.low < 0.5 < found.high < wider.high


@pytest.mark.parametrize(("n", "has_interval"), [(2, False), (3, False), (4, True)])
def test_too_few_points_have_no_interval(n, has_interval):
    found = pearson(np.arange(n), np.array([0.0, 1.0, 0.5, 0.7])[:n])
    assert found.r is not None
    assert (found.low is not None) == has_interval


def test_perfect_line_and_constant():
    x = np.arange(5.0)
    line = pearson(x, -2 * x)
    assert (line.r, line.low, line.high) == pytest.approx((-1.0, -1.0, -1.0), abs=1e-12)
    assert pearson(x, np.ones(5)).r is None
    assert pearson(x[:1], x[:1]).r is None
    with pytest.raises(ValueError, match="equally long"):
        pearson(x, x[:4])


def test_relative_change_is_slope_over_mean():
    assert relative_change(np.array([1.0, 2.0, 3.0])) == pytest.approx(1.0)
    assert relative_change(np.array([0.3, 0.2, 0.1])) == pytest.approx(-1.0)
    assert relative_change(np.zeros(4)) == 0.0


def test_picks_by_relative_not_absolute_change():
    big = curve("big", [0.50, 0.40])
    small = curve("small", [0.02, 0.01])
    growing = curve("growing", [0.01, 0.02])
    assert pick_changing([big, small, growing]) == (small, growing)


def test_lost_objects_are_not_picked():
    lost, steady = curve("lost", [0.2, 0.0]), curve("steady", [0.2, 0.19])
    assert pick_changing([lost, steady], {"steady_1"}) == (steady, None)
    assert pick_changing([lost, steady], set()) == (None, None)
    assert pick_changing([]) == (None, None)


def test_curves_take_each_object_and_skip_trackers_without_weights():
    sequences = {
        "two": {
            "objects": [1, 3],
            "update_weights": [[0.1, 0.2], [0.3, 0.4]],
            "foreground_ratio": [[0.01, 0.02], [0.03, 0.04], [0.05, 0.06]],
        },
        "none": {"objects": [1], "update_weights": None, "foreground_ratio": [[0.1]]},
    }
    found = curves(sequences)
    assert [item.name for item in found] == ["two_1", "two_3"]
    assert found[1].weight.tolist() == [0.2, 0.4]
    ratio, weight = first_frame_points(found)
    assert (ratio.tolist(), weight.tolist()) == ([0.01, 0.02], [0.1, 0.2])
