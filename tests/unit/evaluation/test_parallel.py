"""A worker that fails or is killed ends the run with a clear error, and soon."""

import multiprocessing
import os
import signal
import time

import pytest

from ttvos.core.errors import UserError
from ttvos.core.parallel import map_processes


def double(item: int) -> int:
    return 2 * item


def process_id(_: int) -> int:
    return os.getpid()


def die_as_worker(item: int) -> int:
    """Kill a worker process at once; keep the process that started it busy until then."""
    if multiprocessing.parent_process() is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.5)
    return item


def fail(item: int) -> int:
    if item == 1:
        raise UserError("item 1 is bad")
    return item


def fail_here(item: int) -> int:
    """Fail in the process that started the workers, which go on for a moment."""
    if multiprocessing.parent_process() is None:
        raise UserError("bad in the first process")
    time.sleep(0.05)
    return item


@pytest.mark.parametrize("workers", [1, 2])
def test_keeps_the_order(workers):
    assert map_processes(double, range(7), workers, "double") == [2 * i for i in range(7)]


def test_one_worker_needs_no_process():
    assert set(map_processes(process_id, range(3), 1, "where")) == {os.getpid()}
    assert set(map_processes(process_id, range(1), 2, "where")) == {os.getpid()}


def test_two_workers_are_this_process_and_another():
    found = set(map_processes(process_id, range(6), 2, "where"))
    assert len(found) == 2
    assert os.getpid() in found


@pytest.mark.timeout(60)
def test_a_killed_worker_is_a_clear_error():
    with pytest.raises(UserError, match=r"score: a worker process died .*fewer workers"):
        map_processes(die_as_worker, range(60), 2, "score")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_failing_worker_s_error_comes_through(workers):
    with pytest.raises(UserError, match="item 1 is bad"):
        map_processes(fail, range(20), workers, "score")


@pytest.mark.timeout(60)
def test_its_own_error_ends_the_others():
    with pytest.raises(UserError, match="bad in the first process"):
        map_processes(fail_here, range(20), 2, "score")
    assert multiprocessing.active_children() == []


def test_refuses_no_workers():
    with pytest.raises(UserError, match="workers must be 1 or more"):
        map_processes(double, range(2), 0, "double")
