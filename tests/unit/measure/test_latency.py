"""A percentile is told where the sample carries it, and nowhere else."""

import numpy as np
import pytest

from ttvos.measure.latency import carried, percentiles, samples

RNG = np.random.default_rng(3)


@pytest.mark.parametrize(
    ("count", "told"),
    [(1, 1), (29, 1), (30, 2), (299, 2), (300, 3), (1000, 3)],
)
def test_p90_takes_30_latencies_and_p99_takes_300(count, told):
    values = RNG.uniform(1, 100, count)
    found = percentiles(values)
    expected = np.percentile(values, [50, 90, 99])
    assert list(found) == ["p50_ms", "p90_ms", "p99_ms"]
    for index, value in enumerate(found.values()):
        assert value == (pytest.approx(expected[index]) if index < told else None)
    assert all(type(value) in (float, type(None)) for value in found.values())


@pytest.mark.parametrize(("count", "told"), [(5, 1), (30, 2), (300, 3)])
@pytest.mark.parametrize("clips", [1, 5])
def test_a_kept_file_is_held_to_its_own_latencies(count, told, clips):
    kept = {"p50_ms": 1.0, "p90_ms": 2.0, "p99_ms": 3.0}
    repeats = [[1.0] * (count // clips)] * clips
    for streaming in (kept | {"repeats": repeats}, kept | {"timed_frames": count}):
        assert samples(streaming) == count
        assert list(carried(streaming).values()) == [1.0, 2.0, 3.0][:told] + [None] * (3 - told)


def test_a_file_that_does_not_say_how_many_has_no_percentiles():
    kept = {"p50_ms": 1.0, "p90_ms": 2.0, "p99_ms": 3.0}
    assert samples(kept) is None
    assert set(carried(kept).values()) == {None}
