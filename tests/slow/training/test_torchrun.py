"""Two processes that torchrun starts train as one does, go on together and end together."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.unit.training.conftest import one_thread  # noqa: F401 (a fixture for all tests here)
from tests.unit.training.tiny import (
    EXP8,
    Weights,
    board_points,
    damage,
    record,
    rows,
    run,
    same,
    started,
    tiny_config,
)
from ttvos.config.run import TrainConfig
from ttvos.core.provenance import REPOSITORY
from ttvos.model.ttvos import TTVOS
from ttvos.training.parallel import LOST
from ttvos.training.ttvos import TTVOSTask

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def start(*command: str) -> subprocess.Popen:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*TORCHRUN, *command], cwd=REPOSITORY, stderr=subprocess.PIPE, text=True, env=environment
    )


def start_tiny(config: TrainConfig, out: Path, how: str = "") -> subprocess.Popen:
    text = json.dumps(dataclasses.asdict(config))
    return start("-m", "tests.slow.training.launched", text, str(out), how)


def our_lines(process: subprocess.Popen, code: int) -> list[str]:
    """Wait for the end; our lines among torchrun's own."""
    text = process.communicate(timeout=200)[1]
    assert process.returncode == code, text
    return [line for line in text.splitlines() if line.startswith("ttvos:")]


def finish(config: TrainConfig, out: Path, how: str = "") -> Weights:
    our_lines(start_tiny(config, out, how), 0)
    return load_file(out / "checkpoint.safetensors")


def assert_near(first: Weights, second: Weights, share: float) -> None:
    """Weights differ by no more than a small share of what the training changed."""
    initial = started(TTVOSTask(TrainConfig(stages=()), EXP8, "hrnet")).state_dict()
    names = [name for name in first if initial[name].is_floating_point()]
    changed = sum((first[name] - initial[name]).square().sum() for name in names).sqrt()
    differ = sum((first[name] - second[name]).square().sum() for name in names).sqrt()
    assert changed > 0
    assert differ < share * changed


def totals(out: Path) -> list[float]:
    return [float(line["total"]) for line in rows(out)]


def test_two_processes_give_the_losses_and_the_weights_of_one(
    tiny_davis: Path, tmp_path: Path, monkeypatch
):
    """All batch-norms in eval mode: nothing but rounding is left to differ."""
    config = tiny_config(tiny_davis, steps=(3, 2), average=0.9, clip_norm=1.0)
    two = finish(config, tmp_path / "two", "frozen")
    monkeypatch.setattr(
        TTVOS, "train", lambda model, mode=True: torch.nn.Module.train(model, False)
    )
    one = run(config, tmp_path / "one")
    assert totals(tmp_path / "two") == pytest.approx(totals(tmp_path / "one"), rel=1e-4)
    assert_near(two, one, 0.01)
    assert record(tmp_path / "two")["provenance"]["processes"] == 2


def test_a_part_is_a_part_in_whichever_process(tiny_davis: Path, tmp_path: Path):
    """Two processes are one that takes two parts, batch-norms and random errors included;
    also where the two compute activations again (`checkpointing`)."""
    out, alone = tmp_path / "two", tmp_path / "one"
    whole = tiny_config(tiny_davis, steps=(3,))
    whole = dataclasses.replace(whole, stages=(dataclasses.replace(whole.stages[0], spoilt=0.5),))
    parts = dataclasses.replace(whole, accumulate=2)
    two = finish(dataclasses.replace(whole, checkpointing=True), out)
    assert_near(two, run(parts, alone), 0.01)
    assert totals(out) == pytest.approx(totals(alone), rel=1e-4)
    assert same(two, run(parts, out))  # returns at once: trained already with these settings
    assert [step for step, _ in board_points(out)] == [0, 1, 2]


def test_a_killed_process_ends_all_and_they_go_on_to_the_same_bits(
    tiny_davis: Path, tmp_path: Path
):
    config = tiny_config(tiny_davis, steps=(4,))
    expected = finish(config, tmp_path / "unbroken")
    out = tmp_path / "killed"
    lines = our_lines(start_tiny(config, out, "killed"), 1)
    assert lines in ([], [f"ttvos: {LOST}"])  # none where torchrun is quicker to end the rest
    assert [line["step"] for line in rows(out)] == ["0", "1"]
    assert same(expected, finish(config, out))
    assert [line["step"] for line in rows(out)] == ["0", "1", "2", "3"]
    assert [step for step, _ in board_points(out)] == [0, 1, 2, 3]


def test_processes_end_with_torchrun(tiny_davis: Path, tmp_path: Path):
    """Else they would train on beside those that are started next."""
    config = tiny_config(tiny_davis, steps=(60,))
    process = start_tiny(config, tmp_path, "slow")
    while not (tmp_path / "state.pt").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    # What it started still holds standard error: this waits until both have ended.
    (line,) = our_lines(process, -signal.SIGKILL)
    assert line == "ttvos: torchrun has ended, and with it this training"
    assert len(rows(tmp_path)) < 60


def test_a_bug_in_one_process_ends_all(tiny_davis: Path, tmp_path: Path):
    process = start_tiny(tiny_config(tiny_davis, steps=(60,)), tmp_path, "error")
    text = process.communicate(timeout=200)[1]
    assert process.returncode == 1
    assert text.count("ZeroDivisionError: a bug") == 1
    assert LOST not in text


def test_a_damaged_image_ends_all_in_one_line(tiny_davis: Path, tmp_path: Path):
    """By the command line, found by a reader. Each batch has a clip of `one` and one of `two`."""
    damage(tiny_davis, "two")
    profile = tmp_path / "profile.json"
    train = dataclasses.asdict(tiny_config(tiny_davis, workers=1))
    rest = {"title": "", "caution": "", "rows": [], "datasets": {}, "results": "none"}
    profile.write_text(json.dumps({"profile": "tiny", **rest, "train": train}))
    options = ["--config", str(profile), "--backbone", "hrnet", "--out", str(tmp_path / "out")]
    (line,) = our_lines(start("-m", "ttvos", "train", *options), 1)
    assert "JPEGImages/480p/two/" in line
    assert "damaged" in line


def test_what_all_would_say_is_said_once(tiny_davis: Path, tmp_path: Path):
    (line,) = our_lines(start_tiny(tiny_config(tiny_davis, accumulate=2), tmp_path), 1)
    assert "a batch of 2 cannot be split evenly into 2 parts (accumulate) in each of 2" in line
