"""Interrupted trainings go on to the same bits, or start anew and say so."""

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

from tests.unit.training.tiny import EXP8, Interrupted, board_steps, rows, run, same, tiny_config
from ttvos.config.run import TrainConfig
from ttvos.core.errors import UserError
from ttvos.core.provenance import REPOSITORY
from ttvos.model import weights as checkpoint
from ttvos.model.ttvos import build_model
from ttvos.training import gradient, setup
from ttvos.training import loop as training
from ttvos.training.unroll import clip_loss


def interrupt(stop_at, step: int, config: TrainConfig, out: Path, **options) -> None:
    stop_at(step)
    with pytest.raises(Interrupted):
        run(config, out, **options)
    stop_at(None)


@pytest.mark.parametrize("step", [1, 2, 3], ids=["within", "between stages", "second stage"])
def test_interrupted_run_goes_on_to_the_same_bits(
    tiny_davis: Path, tmp_path: Path, stop_at, capsys, step: int
):
    config = tiny_config(tiny_davis)
    expected = run(config, tmp_path / "unbroken")
    interrupt(stop_at, step, config, tmp_path / "broken")
    assert same(expected, run(config, tmp_path / "broken"))
    assert "going on from" in capsys.readouterr().err
    assert not (tmp_path / "broken" / "state.pt").exists()
    for column in ("stage", "step", "total", "learning_rate"):
        unbroken, broken = rows(tmp_path / "unbroken"), rows(tmp_path / "broken")
        assert [line[column] for line in unbroken] == [line[column] for line in broken]


def test_steps_after_the_last_save_are_done_again_and_recorded_once(
    tiny_davis: Path, tmp_path: Path, stop_at
):
    config = tiny_config(tiny_davis, steps=(5,), checkpoint_every=2)
    expected = run(config, tmp_path / "unbroken")
    out = tmp_path / "broken"
    interrupt(stop_at, 3, config, out)
    assert [line["step"] for line in rows(out)] == ["0", "1", "2"]
    assert same(expected, run(config, out))
    assert [line["step"] for line in rows(out)] == ["0", "1", "2", "3", "4"]
    assert board_steps(out) == [0, 1, 2, 3, 4]


def test_resuming_does_not_need_the_loss_file(tiny_davis: Path, tmp_path: Path, stop_at):
    """Snakemake deletes a failed job's outputs, but not state.pt."""
    config = tiny_config(tiny_davis)
    interrupt(stop_at, 2, config, tmp_path)
    (tmp_path / "loss.csv").unlink()
    run(config, tmp_path)
    assert len(rows(tmp_path)) == 4


SCRIPT = """
import sys, torch
from pathlib import Path
from ttvos.config.run import TrainConfig
from ttvos.config.experiments import find_variant
from ttvos.config.settings import build
from ttvos.training.loop import train
import json
torch.set_num_threads(1)
config = build(TrainConfig, json.loads(sys.argv[1]), "test")
train(config, find_variant("exp8"), "hrnet", 0, Path(sys.argv[2]))
"""


def everything(config: TrainConfig) -> TrainConfig:
    """What the paper's training has not, all at once."""
    stages = (dataclasses.replace(config.stages[0], warmup=2, end_rate=1e-5), *config.stages[1:])
    extras = {"optimizer": "adamw", "weight_decay": 0.1, "clip_norm": 1.0}
    return dataclasses.replace(config, stages=stages, average=0.9, precision="bfloat16", **extras)


@pytest.mark.parametrize("extend", [lambda config: config, everything], ids=["paper", "extras"])
def test_killed_process(tiny_davis: Path, tmp_path: Path, extend):
    """kill -9 in the middle of a long first stage, then the same settings again."""
    config = extend(tiny_config(tiny_davis, steps=(6,)))
    expected = run(config, tmp_path / "unbroken")
    out = tmp_path / "killed"
    text = json.dumps(dataclasses.asdict(config))
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, text, str(out)], cwd=REPOSITORY, stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 120
    while not (out / "state.pt").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert not (out / "checkpoint.safetensors").exists()
    assert same(expected, run(config, out))
    assert [int(line["step"]) for line in rows(out)] == list(range(6))


def test_finished_training_returns_at_once(tiny_davis: Path, tmp_path: Path, stop_at, capsys):
    config = tiny_config(tiny_davis)
    run(config, tmp_path)
    before = os.stat(tmp_path / "checkpoint.safetensors").st_mtime_ns
    stop_at(0)
    run(config, tmp_path)
    run(dataclasses.replace(config, checkpoint_every=7, workers=1), tmp_path)
    assert os.stat(tmp_path / "checkpoint.safetensors").st_mtime_ns == before
    assert "already trained" in capsys.readouterr().err


def test_lost_or_exchanged_checkpoint_is_trained_again(tiny_davis: Path, tmp_path: Path):
    config = tiny_config(tiny_davis, steps=(1,))
    expected = run(config, tmp_path)
    path = tmp_path / "checkpoint.safetensors"
    path.unlink()
    assert same(expected, run(config, tmp_path))
    checkpoint.save(build_model(EXP8, "hrnet"), path, {})
    assert same(expected, run(config, tmp_path))


def test_other_settings_start_anew(tiny_davis: Path, tmp_path: Path, stop_at, capsys):
    interrupt(stop_at, 2, tiny_config(tiny_davis), tmp_path)
    changed = tiny_config(tiny_davis, template_loss=False)
    result = run(changed, tmp_path)
    assert "starting anew" in capsys.readouterr().err
    assert len(list(tmp_path.glob("state-*.pt"))) == 1
    assert same(result, run(changed, tmp_path.parent / "fresh"))
    assert [line["template"] for line in rows(tmp_path)] == [""] * 4
    assert board_steps(tmp_path) == [0, 1, 2, 3]


@pytest.mark.parametrize("damage", [b"", b"PK", b"no state"])
def test_damaged_state_is_a_clear_message(tiny_davis: Path, tmp_path: Path, damage: bytes):
    (tmp_path / "state.pt").write_bytes(damage)
    with pytest.raises(UserError, match=r"state\.pt: damaged.*delete it"):
        run(tiny_config(tiny_davis), tmp_path)


def test_truncated_and_foreign_states(tiny_davis: Path, tmp_path: Path, stop_at):
    interrupt(stop_at, 2, tiny_config(tiny_davis), tmp_path)
    path = tmp_path / "state.pt"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="damaged"):
        run(tiny_config(tiny_davis), tmp_path)
    torch.save({"model": {}}, path)
    with pytest.raises(UserError, match="damaged"):
        run(tiny_config(tiny_davis), tmp_path)


def test_random_numbers_go_on_where_they_were(
    tiny_davis: Path, tmp_path: Path, stop_at, monkeypatch
):
    """A loss that draws random numbers, as dropout would: resuming continues the same series."""

    def noisy(*arguments):
        losses = clip_loss(*arguments)
        return {**losses, "total": losses["total"] * torch.rand(())}

    monkeypatch.setattr(gradient, "clip_loss", noisy)
    config = tiny_config(tiny_davis, steps=(3,))
    expected = run(config, tmp_path / "unbroken")
    interrupt(stop_at, 2, config, tmp_path / "broken")
    assert same(expected, run(config, tmp_path / "broken"))


def test_scale_of_the_gradient_goes_on(tiny_davis: Path, tmp_path: Path, stop_at, monkeypatch):
    """Through an interruption and from stage to stage; it doubles after every two steps."""
    scalers = []

    def make_scaler(*_):
        scalers.append(torch.amp.GradScaler("cpu", init_scale=4.0, growth_interval=2))
        return scalers[-1]

    expected = run(tiny_config(tiny_davis, steps=(3, 2)), tmp_path / "unscaled")
    monkeypatch.setattr(training, "make_scaler", make_scaler)
    interrupt(stop_at, 3, tiny_config(tiny_davis, steps=(3, 2)), tmp_path / "scaled")
    result = run(tiny_config(tiny_davis, steps=(3, 2)), tmp_path / "scaled")
    assert [scaler.get_scale() for scaler in scalers] == [8.0, 16.0]
    assert same(expected, result)  # powers of two change no bit


def test_state_of_older_code_is_kept_aside(tiny_davis: Path, tmp_path: Path, stop_at, capsys):
    interrupt(stop_at, 2, tiny_config(tiny_davis), tmp_path)
    path = tmp_path / "state.pt"
    old = torch.load(path, weights_only=True)
    old.pop("skipped")
    torch.save({**old, "format": "ttvos-training-1", "settings": "older"}, path)
    run(tiny_config(tiny_davis), tmp_path)
    assert "kept as state-older.pt; starting anew" in capsys.readouterr().err
    assert (tmp_path / "state-older.pt").exists()


def test_changed_code_goes_on_and_is_told_of(
    tiny_davis: Path, tmp_path: Path, stop_at, capsys, monkeypatch
):
    """It took days: whoever changed the code knows whether it matters."""
    config = tiny_config(tiny_davis)
    expected = run(config, tmp_path / "unbroken")
    monkeypatch.setattr(setup, "code_hash", lambda *_: "first")
    interrupt(stop_at, 2, config, tmp_path / "broken")
    monkeypatch.setattr(setup, "code_hash", lambda *_: "second")
    assert same(expected, run(config, tmp_path / "broken"))
    said = capsys.readouterr().err
    assert "other code began it (first, now second): going on" in said
    record = json.loads((tmp_path / "broken/train.json").read_text())
    assert record["codes"] == ["first", "second"]
    assert record["settings"]["code"] == "second"
    monkeypatch.setattr(setup, "code_hash", lambda *_: "third")
    stop_at(0)
    run(config, tmp_path / "broken")
    assert "but by other code (second, now third): kept" in capsys.readouterr().err
