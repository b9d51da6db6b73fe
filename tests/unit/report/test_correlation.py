"""Pearson's r and its interval against known values."""

import numpy as np
import pytest

from tests.unit.report.points import correlated
from ttvos.report.correlation import Correlation, describe_correlation, least_telling, pearson


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


@pytest.mark.parametrize("n", [4, 9, 28])
def test_the_least_telling_r_is_where_the_interval_leaves_0(n):
    least = least_telling(n)
    assert pearson(*correlated(least + 1e-3, n)).low > 0
    assert pearson(*correlated(least - 1e-3, n)).low < 0


def test_correlation_in_words():
    assert "too few" in describe_correlation(Correlation(0.5, 3))
    assert "n = 1" in describe_correlation(Correlation(None, 1))
    text = describe_correlation(Correlation(-0.5, 9, -0.87, 0.24))
    assert text == "Pearson r = -0.50, 95% confidence interval -0.87 to 0.24, n = 9"
