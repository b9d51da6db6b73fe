"""Loss curves."""

from pathlib import Path

from tests.unit.training.tiny import rows, run_toy
from ttvos.training import curves
from ttvos.training.curves import COLUMNS, Curves, summarise


def test_summary_averages_the_last_steps():
    lines = [f"a,{n},{n},{n},,{n},0.1,2,0.5,0" for n in range(30)] + ["b,0,7,7,,7,0.1,1,0,0"]
    text = "\n".join([",".join(COLUMNS), *lines]) + "\n"
    first, second = summarise(text)
    assert first["steps"] == 30
    assert first["seconds"] == 60
    assert first["waiting_share"] == 0.25
    assert first["losses"] == {"total": 19.5, "heatmap": 19.5, "template": 19.5}
    assert second["losses_over_last_steps"] == 1


def test_summary_knows_the_epoch_that_waited_most():
    lines = [f"a,{n},1,1,,1,0.1,2,{waiting},{n // 2}" for n, waiting in enumerate([0, 0, 1, 0])]
    (stage,) = summarise("\n".join([",".join(COLUMNS), *lines]) + "\n")
    assert stage["epochs"] == 2
    assert stage["waiting_share"] == 0.125
    assert stage["waiting_share_worst_epoch"] == 0.25


def add(written: Curves, step: int, waiting: float, epoch: int) -> None:
    written.add("a", step, {"total": 1.0}, 0.1, seconds=2.0, waiting=waiting, epoch=epoch)


def test_an_epoch_counts_its_steps_before_an_interruption(tmp_path: Path):
    with Curves(tmp_path) as written:
        add(written, 0, 0.0, epoch=0)
        assert written.end_epoch() == "a, epoch 0: 1 steps in 2.0 s, 0.0% of it waiting for clips"
        add(written, 1, 1.0, epoch=1)
        text = written.text()
    with Curves(tmp_path, text) as written:
        add(written, 2, 0.0, epoch=1)
        line = written.end_epoch()
    assert "1: 2 steps in 4.0 s, 25.0% of it waiting for clips; more `train.workers`" in line


def test_every_epoch_is_told_once(davis: Path, tmp_path: Path, interrupt, capsys):
    """Two clips a batch and two in the set: an epoch a step, in each of two stages."""
    interrupt(1, run_toy, davis, tmp_path)
    run_toy(davis, tmp_path)
    told = [line for line in capsys.readouterr().err.splitlines() if " epoch " in line]
    epochs = [line.partition(":")[0] for line in told]
    assert epochs == [f"stage{stage}, epoch {epoch}" for stage in (1, 2) for epoch in (0, 1)]
    assert all("1 steps in" in line for line in told)


def test_without_tensorboard(davis: Path, tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr(curves, "find_spec", lambda name: None)
    run_toy(davis, tmp_path)
    assert "tensorboard" not in capsys.readouterr().err
    assert not (tmp_path / "tensorboard").exists()
    assert len(rows(tmp_path)) == 4
