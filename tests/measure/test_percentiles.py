"""Percentiles are given only where the sample carries them."""

import numpy as np
import pytest

from ttvos.measure.percentiles import percentiles


@pytest.mark.parametrize(
    ("count", "known"),
    [(1, {"p50"}), (29, {"p50"}), (30, {"p50", "p90"}), (299, {"p50", "p90"})],
)
def test_what_a_sample_carries(count, known):
    found = percentiles(list(range(count)))
    assert {name for name, value in found.items() if value is not None} == known


def test_values_are_numpy_s():
    values = np.random.default_rng(0).gamma(2, size=300)
    assert list(percentiles(values).values()) == list(np.percentile(values, [50, 90, 99]))


def test_nothing_has_no_percentiles():
    with pytest.raises(ValueError, match="no values"):
        percentiles([])
