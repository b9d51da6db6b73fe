"""Work spread over processes, such that a worker that fails or dies never hangs the run."""

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

import cv2
from tqdm import tqdm

from ttvos.errors import UserError

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_processes(
    function: Callable[[Item], Result], items: Sequence[Item], workers: int, label: str
) -> list[Result]:
    """Return [function(item) for item in items], computed by `workers` processes.

    One worker means this process. Items, results and function must be picklable; items are
    started in their order, so long ones should come first. An exception in a worker is raised
    here and the items not yet started are dropped; a worker that is killed is a UserError.

    Processes are spawned, not forked: forking a program whose libraries hold threads (torch,
    OpenCV) can deadlock. A script that calls this needs the `if __name__ == "__main__"` guard.
    """
    if workers < 1:
        raise UserError(f"workers must be 1 or more, not {workers}")
    if workers == 1 or len(items) < 2:
        return [function(item) for item in tqdm(items, label, unit="sequence", disable=None)]
    pool = ProcessPoolExecutor(
        min(workers, len(items)), multiprocessing.get_context("spawn"), _single_threaded
    )
    try:
        futures = [pool.submit(function, item) for item in items]
        done = as_completed(futures)
        for future in tqdm(done, label, len(items), unit="sequence", disable=None):
            future.result()
        return [future.result() for future in futures]
    except BrokenProcessPool:
        raise UserError(
            f"{label}: a worker process died (killed, or out of memory?); "
            "run again with fewer workers (1 needs no extra process)"
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _single_threaded() -> None:
    """Keep each worker to one thread: the processes are the parallelism."""
    cv2.setNumThreads(1)
