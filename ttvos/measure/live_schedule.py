"""A camera and a tracker that may be late: which frames it takes, and which mask is on screen when.

Times only, no images: a camera delivers frames at known instants, the tracker takes the newest one
whenever it is free, and each takes it as long as its latency says. docs/live.md has the definition.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from ttvos.core.errors import UserError

ROUNDING = 1e-6  # ms; instants this close are one, so that 3 * (1000 / 3) meets 1000


@dataclass(frozen=True)
class Schedule:
    """What a tracker did with the T frames of a clip.

    taken: numbers of the frames after frame 0 that it took, ascending; all others are skipped.
    done_ms: when the mask of each of them was ready. shown: for each of the T frames, the number of
    the frame whose mask is on screen at the instant at which it arrives; 0 is the given mask.
    """

    taken: tuple[int, ...]
    done_ms: tuple[float, ...]
    shown: tuple[int, ...]

    @property
    def ages(self) -> tuple[int, ...]:
        """How many frames old the mask on screen is when each frame arrives."""
        return tuple(frame - shown for frame, shown in enumerate(self.shown))


def arrival_times(frames: int, rate: float) -> tuple[float, ...]:
    """When each frame of a clip arrives, in ms from frame 0 on; rate: frames a second.

    Raises UserError for a rate that is not above 0, or not finite.
    """
    if not 0 < rate < float("inf"):
        raise UserError(f"rate {rate:g}: a camera delivers more than 0 frames a second, finitely")
    return tuple(frame * 1000 / rate for frame in range(frames))


def schedule(arrivals: Sequence[float], init_ms: float, steps_ms: Sequence[float]) -> Schedule:
    """Play a clip against the clock.

    arrivals: ms at which each frame arrives, ascending. init_ms: latency of frame 0, with which the
    tracker begins when it arrives. steps_ms: latencies of the frames that it takes, in the order in
    which it takes them; at least as many as there are frames after frame 0, all 0 or more.
    The tracker takes the newest frame that has arrived and that it has not taken; where there is
    none it waits for the next. The clip ends when its last frame arrives: nothing begins later.
    """
    taken: list[int] = []
    done: list[float] = []
    free = arrivals[0] + init_ms
    while free <= arrivals[-1] + ROUNDING:
        frame = max(_newest(arrivals, free), taken[-1] + 1 if taken else 1)
        if frame == len(arrivals):
            break
        free = max(free, arrivals[frame]) + steps_ms[len(taken)]
        taken.append(frame)
        done.append(free)
    return Schedule(tuple(taken), tuple(done), _on_screen(arrivals, taken, done))


def _newest(arrivals: Sequence[float], now: float) -> int:
    """The last frame that has arrived by now."""
    return bisect_right(arrivals, now + ROUNDING) - 1


def _on_screen(
    arrivals: Sequence[float], taken: Sequence[int], done: Sequence[float]
) -> tuple[int, ...]:
    """Of which frame the newest mask is that is ready at each arrival."""
    shown, position = [], 0
    for arrival in arrivals:
        while position < len(done) and done[position] <= arrival + ROUNDING:
            position += 1
        shown.append(taken[position - 1] if position else 0)
    return tuple(shown)
