"""Two trainings in one folder: the second says so, and a killed one keeps nobody out."""

import errno
import fcntl
import os
import signal
import subprocess
import sys

import pytest

from tests.unit.training.tiny import tiny_config
from ttvos.config.experiments import Variant
from ttvos.core.errors import UserError
from ttvos.training.loop import train
from ttvos.training.state import NAME, only_training

HOLDER = """
import os, sys, time
from pathlib import Path
from ttvos.training.state import only_training
with only_training(Path(sys.argv[1])):
    if sys.argv[2:] and os.fork() == 0:
        sys.stdout.close()
        time.sleep(60)
    print(os.getpid(), flush=True)
    time.sleep(60)
"""


@pytest.fixture
def hold(tmp_path):
    """Start a process that holds tmp_path / "run"; it is killed at the end."""
    started = []

    def start(*words) -> subprocess.Popen:
        command = [sys.executable, "-c", HOLDER, str(tmp_path / "run"), *words]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        started.append(process)
        assert process.stdout.readline().strip() == str(process.pid)
        return process

    yield start
    for process in started:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def test_the_second_training_is_refused_before_it_changes_anything(hold, tmp_path):
    process = hold()
    before = {path: path.read_bytes() for path in (tmp_path / "run").iterdir()}
    with pytest.raises(UserError, match=rf"run: another training is running .*{process.pid} on"):
        train(tiny_config(tmp_path), Variant("exp8"), "hrnet", 0, tmp_path / "run")
    assert {path: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


def test_a_killed_training_keeps_nobody_out_nor_do_its_workers(hold, tmp_path):
    process = hold("with a child")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert (tmp_path / "run" / NAME).exists()
    with only_training(tmp_path / "run"):
        assert str(os.getpid()) in (tmp_path / "run" / NAME).read_text()
    assert list((tmp_path / "run").iterdir()) == []


def test_a_lock_that_is_just_removed_is_taken_anew(tmp_path, monkeypatch):
    """The other training ends between our opening and our locking of its file."""
    (tmp_path / NAME).write_text("")
    lock, seen = fcntl.lockf, []

    def lock_after_removal(file, flags):
        if not seen:
            (tmp_path / NAME).unlink()
        seen.append(os.fstat(file.fileno()).st_ino)
        lock(file, flags)

    monkeypatch.setattr(fcntl, "lockf", lock_after_removal)
    with only_training(tmp_path):
        assert len(seen) == 2
        assert (tmp_path / NAME).stat().st_ino == seen[1]


def test_a_disk_without_locks_is_told_about(tmp_path, monkeypatch, capsys):
    def refuse(*_):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "lockf", refuse)
    with only_training(tmp_path / "run"):
        pass
    assert "this disk has no locks" in capsys.readouterr().err


def test_a_folder_is_left_only_with_something_in_it(tmp_path):
    with pytest.raises(RuntimeError), only_training(tmp_path / "run"):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with only_training(tmp_path / "run"):
        (tmp_path / "run" / "loss.csv").write_text("")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["loss.csv"]
