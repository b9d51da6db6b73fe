"""kill -9 in the midst of a training, then the same settings again: the same bits."""

import dataclasses
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.unit.training.conftest import one_thread  # noqa: F401 (a fixture for all tests here)
from tests.unit.training.test_selection import scores, selecting, without_seconds
from tests.unit.training.tiny import rows, run, same, tiny_config, with_extras
from ttvos.config.run import TrainConfig
from ttvos.core.provenance import REPOSITORY


def killed(config: TrainConfig, out: Path) -> None:
    """Start a training, and kill it after it has first been saved."""
    text = json.dumps(dataclasses.asdict(config))
    command = [sys.executable, "-m", "tests.slow.training.launched", text, str(out)]
    process = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (out / "state.pt").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (out / "checkpoint.safetensors").exists()


@pytest.mark.parametrize("extend", [lambda config: config, with_extras], ids=["paper", "extras"])
def test_killed_process(tiny_davis: Path, tmp_path: Path, extend):
    config, out = extend(tiny_config(tiny_davis, steps=(6,))), tmp_path / "killed"
    expected = run(config, tmp_path / "unbroken")
    killed(config, out)
    assert same(expected, run(config, out))
    assert [int(line["step"]) for line in rows(out)] == list(range(6))


def test_killed_while_selecting(tiny_davis: Path, tmp_path: Path):
    """Right after the first scoring."""
    config, out = selecting(tiny_davis, (8,), checkpoint_every=100), tmp_path / "killed"
    expected = run(config, tmp_path / "unbroken")
    killed(config, out)
    (out / ".selection.leaving.part").mkdir()
    assert same(expected, run(config, out))
    assert without_seconds(scores(out)) == without_seconds(scores(tmp_path / "unbroken"))
    written = {"checkpoint.safetensors", "loss.csv", "selection.csv", "tensorboard", "train.json"}
    assert {path.name for path in out.iterdir()} == written
