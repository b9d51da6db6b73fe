"""A worker that fails or is killed ends the run with a clear error, and soon."""

import os
import signal
import time

import pytest

from ttvos.errors import UserError
from ttvos.evaluation.parallel import map_processes


def double(item: int) -> int:
    return 2 * item


def process_id(_: int) -> int:
    return os.getpid()


def die(item: int) -> int:
    if item == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
    return item


def fail(item: int) -> int:
    if item == 1:
        raise UserError("item 1 is bad")
    return item


@pytest.mark.parametrize("workers", [1, 2])
def test_keeps_the_order(workers):
    assert map_processes(double, range(7), workers, "double") == [2 * i for i in range(7)]


def test_one_worker_needs_no_process():
    assert set(map_processes(process_id, range(3), 1, "where")) == {os.getpid()}
    assert os.getpid() not in map_processes(process_id, range(3), 2, "where")


@pytest.mark.timeout(60)
def test_a_killed_worker_is_a_clear_error():
    with pytest.raises(UserError, match=r"score: a worker process died .*fewer workers"):
        map_processes(die, range(20), 2, "score")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("workers", [1, 2])
def test_a_failing_worker_s_error_comes_through(workers):
    with pytest.raises(UserError, match="item 1 is bad"):
        map_processes(fail, range(20), workers, "score")


def test_refuses_no_workers():
    with pytest.raises(UserError, match="workers must be 1 or more"):
        map_processes(double, range(2), 0, "double")
