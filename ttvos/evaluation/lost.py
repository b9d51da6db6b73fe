"""When an object was lost, and whether it came back (docs/failures.md): numbers in, numbers out."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

BELOW = 0.2  # of J
FRAMES = 10  # one after another
BACK = 0.5  # J of a frame in which the object is back


@dataclass(frozen=True)
class Run:
    """Frames of a loss, as indices. start: its first frame. low: those below `BELOW`, in runs of
    `FRAMES` or more. back: the first frame that has the object again; None if none does."""

    start: int
    low: tuple[int, ...]
    back: int | None


def find_losses(j: Sequence[float], shown: Sequence[bool]) -> list[Run]:
    """The losses of one object, in the order of time.

    j: of each scored frame, 0 to 1. shown: whether the truth shows the object there; frames
    without it neither count nor end a loss.
    """
    losses: list[Run] = []
    for run in _runs_below(j, shown):
        back = next((t for t in range(run[-1] + 1, len(j)) if shown[t] and j[t] >= BACK), None)
        if losses and losses[-1].back == back:  # the object was not back in between
            run = [*losses.pop().low, *run]
        losses.append(Run(run[0], tuple(run), back))
    return losses


def _runs_below(j: Sequence[float], shown: Sequence[bool]) -> Iterator[list[int]]:
    """Runs of `FRAMES` or more shown frames below `BELOW`."""
    run: list[int] = []
    for t in [*(t for t, is_shown in enumerate(shown) if is_shown), None]:
        if t is not None and j[t] < BELOW:
            run.append(t)
            continue
        if len(run) >= FRAMES:
            yield run
        run = []
