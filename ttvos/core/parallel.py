"""Work spread over processes, such that a worker that fails or dies never hangs the run."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from tqdm import tqdm

from ttvos.core.errors import UserError

Item = TypeVar("Item")
Result = TypeVar("Result")
AHEAD = 2  # items that each other process is given: the one it works on, and the next


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
