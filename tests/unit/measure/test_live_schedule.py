"""The schedule of a live run: cases worked by hand, and what holds for any latencies."""

import numpy as np
import pytest

from ttvos.core.errors import UserError
from ttvos.measure.live_schedule import Schedule, arrival_times, schedule

FRAMES = 30
RATES = (10, 24, 30, 59.94, 120)


def play(rate: float, latency: float, frames: int = FRAMES, init: float | None = None) -> Schedule:
    init = latency if init is None else init
    return schedule(arrival_times(frames, rate), init, [latency] * (frames - 1))


def random_play(seed: int) -> tuple[tuple[float, ...], list[float], Schedule]:
    rng = np.random.default_rng(seed)
    arrivals = arrival_times(FRAMES, float(rng.choice(RATES)))
    steps = rng.gamma(2.0, rng.uniform(1, 80), FRAMES - 1).tolist()
    return arrivals, steps, schedule(arrivals, float(rng.uniform(0, 200)), steps)


@pytest.mark.parametrize("rate", RATES)
def test_without_latency_every_frame_has_its_own_mask(rate):
    played = play(rate, 0)
    assert played.taken == tuple(range(1, FRAMES))
    assert played.shown == tuple(range(FRAMES))
    assert set(played.ages) == {0}


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("share", [0.001, 0.5, 0.999, 1.0])
def test_below_the_interval_every_frame_is_taken_and_each_mask_is_one_frame_late(rate, share):
    played = play(rate, share * 1000 / rate)
    assert played.taken == tuple(range(1, FRAMES))
    assert played.ages == (0, *[1] * (FRAMES - 1))


def test_one_and_a_half_intervals_worked_by_hand():
    # 100 ms between frames. Frame 1 is taken at 150 ms and done at 300; by then 3 is the newest.
    played = schedule((0, 100, 200, 300, 400, 500, 600), 150, [150] * 6)
    assert played.taken == (1, 3, 4, 6)
    assert played.done_ms == (300, 450, 600, 750)
    assert played.shown == (0, 0, 0, 1, 1, 3, 4)
    assert played.ages == (0, 1, 2, 2, 3, 2, 2)


def test_a_tracker_that_is_free_waits_for_the_next_frame():
    played = schedule((0, 100, 200, 300), 10, [20, 150, 20])
    assert played.taken == (1, 2)  # free again at 350, when the clip has ended
    assert played.done_ms == (120, 350)


def test_nothing_begins_after_the_last_frame_has_arrived():
    assert schedule((0, 100, 200), 201, [1, 1]) == Schedule((), (), (0, 0, 0))
    assert schedule((0, 100, 200), 200, [1, 1]).taken == (2,)


def test_a_tracker_slower_than_the_clip_shows_the_given_mask():
    assert play(30, 10, init=1e6) == Schedule((), (), (0,) * FRAMES)


def test_a_mask_is_on_screen_from_the_instant_on_at_which_it_is_ready():
    assert schedule((0, 100, 200), 0, [100, 100]).shown == (0, 0, 1)
    assert schedule((0, 100, 200), 0, [100.1, 100]).shown == (0, 0, 0)


@pytest.mark.parametrize("seed", range(40))
def test_whatever_the_latencies(seed):
    arrivals, steps, played = random_play(seed)
    done = dict(zip(played.taken, played.done_ms, strict=True)) | {0: 0.0}
    assert list(played.taken) == sorted(set(played.taken))
    assert 0 not in played.taken
    assert len(played.shown) == FRAMES
    # Never a mask of the future, nor one that is not ready, nor one older than before.
    assert all(shown <= frame for frame, shown in enumerate(played.shown))
    assert all(done[shown] <= arrivals[frame] for frame, shown in enumerate(played.shown))
    assert list(played.shown) == sorted(played.shown)
    for begun, ready, latency in zip(played.taken, played.done_ms, steps, strict=False):
        assert ready - latency >= arrivals[begun] - 1e-9
    # Of the masks that are ready, the newest.
    for frame, shown in enumerate(played.shown):
        assert not any(n > shown and at < arrivals[frame] - 1e-3 for n, at in done.items())


@pytest.mark.parametrize("seed", range(20))
def test_a_busy_tracker_takes_the_newest_frame(seed):
    arrivals, _, played = random_play(seed)
    for before, begun in zip(played.done_ms, played.taken[1:], strict=False):
        waited = arrivals[begun] >= before
        newest = max(n for n, at in enumerate(arrivals) if at <= before + 1e-6)
        assert begun == newest or (waited and begun == newest + 1)


def test_the_age_of_a_mask_grows_by_one_frame_at_most():
    for seed in range(20):
        ages = random_play(seed)[2].ages
        assert max(np.diff(ages)) <= 1


def test_equal_latencies_give_an_equal_schedule():
    assert random_play(3)[2] == random_play(3)[2]


@pytest.mark.parametrize("rate", [0, -24, float("inf"), float("nan")])
def test_a_rate_that_no_camera_has(rate):
    with pytest.raises(UserError, match="more than 0 frames a second"):
        arrival_times(10, rate)
