"""A training's folder: one training at a time; settings and data make it stale, code does not."""

import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.training.tiny import run_toy
from ttvos.core.errors import UserError
from ttvos.core.provenance import file_hash, settings_hash
from ttvos.training.folder import (
    LOCK,
    changed_code_notice,
    deciding_hash,
    finished_notice,
    is_finished,
    only_training,
)

HOLDER = """
import os, sys, time
from pathlib import Path
from ttvos.training.folder import only_training
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
        run_toy(tmp_path, tmp_path / "run")
    assert {path: path.read_bytes() for path in (tmp_path / "run").iterdir()} == before


def test_a_killed_training_keeps_nobody_out_nor_do_its_workers(hold, tmp_path):
    process = hold("with a child")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert (tmp_path / "run" / LOCK).exists()
    with only_training(tmp_path / "run"):
        assert str(os.getpid()) in (tmp_path / "run" / LOCK).read_text()
    assert list((tmp_path / "run").iterdir()) == []


def test_a_lock_that_is_just_removed_is_taken_anew(tmp_path, monkeypatch):
    """The other training ends between our opening and our locking of its file."""
    (tmp_path / LOCK).write_text("")
    lock, seen = fcntl.lockf, []

    def lock_after_removal(file, flags):
        if not seen:
            (tmp_path / LOCK).unlink()
        seen.append(os.fstat(file.fileno()).st_ino)
        lock(file, flags)

    monkeypatch.setattr(fcntl, "lockf", lock_after_removal)
    with only_training(tmp_path):
        assert len(seen) == 2
        assert (tmp_path / LOCK).stat().st_ino == seen[1]


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


SETTINGS = {"seed": 0, "stages": ({"steps": 2},), "data": {"clips": "abc"}, "code": "first"}


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    folder = tmp_path / "train/exp8-hrnet-s0"
    folder.mkdir(parents=True)
    (folder / "checkpoint.safetensors").write_bytes(b"weights")
    record = {
        "variant": "exp8",
        "backbone": "hrnet",
        "seed": 0,
        "steps": 2,
        "seconds": 1.0,
        "settings": SETTINGS,
        "hash": settings_hash(SETTINGS),  # as earlier code wrote it, with the code in it
        "checkpoint_sha256": file_hash(folder / "checkpoint.safetensors"),
    }
    (folder / "train.json").write_text(json.dumps(record))
    return folder


def test_code_alone_decides_nothing(trained: Path):
    assert is_finished(trained, SETTINGS)
    assert is_finished(trained, {**SETTINGS, "code": "second"})
    assert deciding_hash(SETTINGS) == deciding_hash({**SETTINGS, "code": "second"})


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"stages": ({"steps": 3},)}, {"data": {"clips": "abd"}}, {"new": None}]
)
def test_settings_and_data_decide(trained: Path, change: dict):
    assert not is_finished(trained, {**SETTINGS, **change})


def test_an_exchanged_or_lost_result_is_not_finished(trained: Path):
    path = trained / "checkpoint.safetensors"
    path.write_bytes(b"others")
    assert not is_finished(trained, SETTINGS)
    path.unlink()
    assert not is_finished(trained, SETTINGS)


def test_a_record_without_settings_is_not_finished(trained: Path):
    (trained / "train.json").write_text("{}")
    assert not is_finished(trained, SETTINGS)


def test_other_code_is_told_of(trained: Path):
    assert "other code" not in finished_notice(trained, SETTINGS)
    assert "(first, now second)" in finished_notice(trained, {**SETTINGS, "code": "second"})
    records = [trained / "train.json", trained.parent / "not-yet/train.json"]
    assert changed_code_notice(records, "first") is None
    told = changed_code_notice(records, "second")
    assert "exp8-hrnet-s0" in told
    assert "not-yet" not in told
    assert "\n" not in told
    assert changed_code_notice(records[1:], "second") is None
