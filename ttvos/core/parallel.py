"""Work done side by side: over processes, or files beside the computing.

A worker that fails or dies never hangs the run.
"""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import numpy as np
from tqdm import tqdm

from ttvos.core.errors import UserError
from ttvos.core.video import read_frame, write_mask

Item = TypeVar("Item")
Result = TypeVar("Result")
AHEAD = 2  # items that each other process is given: the one it works on, and the next
WAITING = 8  # masks that may wait to be written; then the tracker waits


def map_processes(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    workers: int,
    label: str,
    unit: str = "item",
) -> list[Result]:
    """Return [function(item) for item in items], computed by `workers` processes.

    This process is one of them, and works while the others start. Items, results and function
    must be picklable; items are started in their order. An exception is raised here and the items
    not yet started are dropped; a worker that is killed is a UserError. label, unit: of the
    progress bar.

    Processes are spawned, not forked: forking a program whose libraries hold threads (torch,
    OpenCV) can deadlock. A script that calls this needs the `if __name__ == "__main__"` guard.
    """
    if workers < 1:
        raise UserError(f"workers must be 1 or more, not {workers}")
    others = min(workers, len(items)) - 1
    if others < 1:
        return [function(item) for item in tqdm(items, label, unit=unit, disable=None)]
    pool = ProcessPoolExecutor(others, multiprocessing.get_context("spawn"))
    try:
        with tqdm(total=len(items), desc=label, unit=unit, disable=None) as bar:
            return _share(pool, others, function, items, bar)
    except BrokenProcessPool:
        raise UserError(
            f"{label}: a worker process died (killed, or out of memory?); "
            "run again with fewer workers (1 needs no extra process)"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _share(
    pool: ProcessPoolExecutor,
    others: int,
    function: Callable[[Item], Result],
    items: Sequence[Item],
    bar: tqdm,
) -> list[Result]:
    """Keep the pool's `others` processes supplied, and work on the next item in between."""
    results: dict[int, Result] = {}
    running: dict[Future[Result], int] = {}
    waiting = deque(range(len(items)))
    while waiting or running:
        while waiting and len(running) < AHEAD * others:
            index = waiting.popleft()
            running[pool.submit(function, items[index])] = index
        if waiting:
            index = waiting.popleft()
            results[index] = function(items[index])
        else:
            wait(running, return_when=FIRST_COMPLETED)
        for future in [future for future in running if future.done()]:
            results[running.pop(future)] = future.result()
        bar.update(len(results) - bar.n)
    return [results[index] for index in range(len(items))]


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
