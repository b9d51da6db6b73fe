"""Files beside the computing: frames decoded ahead of a tracker, masks written behind it."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from ttvos.core.video import read_frame, write_mask

WAITING = 8  # masks that may wait to be written; then the tracker waits


@contextmanager
def read_ahead(paths: tuple[Path, ...]) -> Iterator[Iterator[np.ndarray]]:
    """The frames in order, the next one decoded while the caller works on this one."""
    with ThreadPoolExecutor(max_workers=1) as reader:
        yield _frames(paths, reader)


def _frames(paths: tuple[Path, ...], reader: ThreadPoolExecutor) -> Iterator[np.ndarray]:
    upcoming = reader.submit(read_frame, paths[0])
    for path in paths[1:]:
        frame = upcoming.result()
        upcoming = reader.submit(read_frame, path)
        yield frame
    yield upcoming.result()


@contextmanager
def write_behind() -> Iterator[Callable[[Path, np.ndarray], None]]:
    """A function like `ttvos.core.video.write_mask` that returns at once.

    What goes wrong in writing is raised by a later call, or at the end; then all is written.
    """
    waiting: deque[Future] = deque()

    def write(path: Path, mask: np.ndarray) -> None:
        waiting.append(writer.submit(write_mask, path, mask))
        while len(waiting) > WAITING or (waiting and waiting[0].done()):
            waiting.popleft().result()

    with ThreadPoolExecutor(max_workers=1) as writer:
        yield write
        while waiting:
            waiting.popleft().result()
