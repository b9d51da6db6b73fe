"""FRTM's training as a whole: Table 5's two arms differ in the loss alone."""

import csv
import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.unit.peers.frtm.tiny_training import first_batch, run, same, tiny_config
from tests.unit.training.conftest import one_thread  # noqa: F401 (a fixture for all tests here)
from ttvos.core.errors import UserError
from ttvos.model import weights as checkpoint
from ttvos.peers.frtm import training
from ttvos.peers.frtm.samples import TargetScores
from ttvos.peers.frtm.tracker import FRTM
from ttvos.peers.frtm.training import initial_learner


def rows(out: Path) -> list[dict[str, str]]:
    with open(out / "loss.csv", newline="") as handle:
        return list(csv.DictReader(handle))


def test_both_arms_start_alike_and_see_the_same_clips(tiny_davis: Path, tmp_path: Path):
    config = tiny_config(tiny_davis, freeze_backbone=False)
    plain = run(config, tmp_path / "plain", transition=False)
    with_loss = run(config, tmp_path / "tm", transition=True)
    assert set(plain) == set(with_loss)  # nothing of the transition loss is kept
    first, second = rows(tmp_path / "plain")[0], rows(tmp_path / "tm")[0]
    assert first["heatmap"] == second["heatmap"]  # BCE of step 0
    assert first["transition"] == ""
    assert float(second["transition"]) > 0
    assert first["total"] == first["heatmap"]
    assert not same(plain, with_loss)


def test_same_seed_same_weights_and_another_seed_others(tiny_davis: Path, tmp_path: Path):
    config = tiny_config(tiny_davis)
    first = run(config, tmp_path / "a")
    torch.rand(5)  # whatever the process did before must not matter
    assert same(first, run(config, tmp_path / "b"))
    assert not same(first, run(config, tmp_path / "c", seed=1))


def test_interrupted_training_gives_the_same_weights(tiny_davis: Path, tmp_path, monkeypatch):
    config = tiny_config(tiny_davis, steps=3)
    expected = run(config, tmp_path / "whole")
    learn, count = training._learn, iter(range(9))

    def stops(*arguments):
        if next(count) == 2:
            raise KeyboardInterrupt
        return learn(*arguments)

    monkeypatch.setattr(training, "_learn", stops)
    with pytest.raises(KeyboardInterrupt):
        run(config, tmp_path / "two")
    assert not (tmp_path / "two/checkpoint.safetensors").exists()
    monkeypatch.setattr(training, "_learn", learn)
    assert same(expected, run(config, tmp_path / "two"))
    assert [row["step"] for row in rows(tmp_path / "two")] == ["0", "1", "2"]
    monkeypatch.setattr(training, "_learn", stops)  # a third call has nothing to learn
    run(config, tmp_path / "two")


def test_what_is_written(tiny_davis: Path, tmp_path: Path):
    run(tiny_config(tiny_davis), tmp_path, profile="mini")
    names = {path.name for path in tmp_path.iterdir() if path.name != tiny_davis.name}
    assert {"checkpoint.safetensors", "train.json", "loss.csv", "tensorboard"} <= names
    assert "state.pt" not in names
    record = json.loads((tmp_path / "train.json").read_text())
    assert (record["tracker"], record["backbone"], record["seed"]) == ("frtm", "resnet18", 0)
    assert record["transition_loss"] is True
    assert record["steps"] == record["stages"][0]["steps"] == 2
    assert record["seconds"] > 0
    assert record["target_fits"] == {"fitted": 4, "from_cache": 0}
    assert record["selection"] == {"by": "last"}
    assert record["provenance"]["data"]["profile"] == "mini"
    assert record["provenance"]["initial"] == {"source": "random", "sha256": None}
    assert record["provenance"]["backbone_learns"] is False
    facts = checkpoint.metadata(tmp_path / "checkpoint.safetensors")
    assert (facts["format"], facts["backbone"]) == ("ttvos-frtm-1", "resnet18")
    assert facts["provenance"]["seed"] == 0


@pytest.mark.parametrize("frozen", [True, False])
def test_what_learns(tiny_davis: Path, tmp_path: Path, frozen: bool):
    config = tiny_config(tiny_davis, steps=3, freeze_backbone=frozen)
    before = initial_learner(config, "resnet18", True, 0)[0].state_dict()
    after = run(config, tmp_path)
    kept = {name for name in after if torch.equal(before[name], after[name])}
    backbone = {name for name in after if name.startswith("backbone.")}
    assert kept == (backbone if frozen else set())
    assert backbone < set(after)


def test_the_tracker_takes_the_checkpoint(tiny_davis: Path, tmp_path: Path):
    trained = run(tiny_config(tiny_davis, freeze_backbone=False), tmp_path)
    tracker = FRTM(weights=tmp_path / "checkpoint.safetensors")
    for part in ("backbone", "refiner"):
        for name, value in getattr(tracker, part).state_dict().items():
            assert torch.equal(value, trained[f"{part}.{name}"])
    mask = np.zeros((64, 96), dtype=np.uint8)
    mask[20:40, 30:60] = 3
    frame = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    prediction, _ = tracker.step(frame, tracker.init(frame, mask))
    assert set(np.unique(prediction.mask)) <= {0, 3}


def test_learning_rate_falls_in_steps(tiny_davis: Path):
    config = tiny_config(tiny_davis, drops=(0.5, 0.9))
    rates = [training.learning_rate(config, config.stages[0], step, 10) for step in range(10)]
    assert rates == pytest.approx([1e-3] * 5 + [1e-4] * 4 + [1e-5])


def test_optimizer_is_adam_with_amsgrad(tiny_davis: Path):
    config = tiny_config(tiny_davis)
    learner, _ = initial_learner(config, "resnet18", True, 0)
    optimizer = training.make_optimizer(config, learner, 1e-3)
    assert isinstance(optimizer, torch.optim.Adam)
    (group,) = optimizer.param_groups
    assert group["amsgrad"]
    assert (group["weight_decay"], group["betas"]) == (1e-5, (0.9, 0.999))
    learning = sum(p.numel() for p in learner.refiner.parameters())
    assert sum(p.numel() for p in group["params"]) == learning + 64 * 2 * 9 + 2


def test_loss_falls_on_one_batch(tiny_davis: Path):
    config = tiny_config(tiny_davis)
    learner, _ = initial_learner(config, "resnet18", True, 0)
    scores, batch = TargetScores(config, learner), first_batch(config)
    optimizer = training.make_optimizer(config, learner.train(), 1e-3)
    totals = []
    for _ in range(9):
        optimizer.zero_grad()
        losses = training.batch_losses(learner, scores, batch, 1.0)
        losses["total"].backward()
        optimizer.step()
        totals.append({name: float(value.detach()) for name, value in losses.items()})
    assert totals[-1]["heatmap"] < 0.4 * totals[0]["heatmap"]
    assert totals[-1]["transition"] < totals[0]["transition"]


def test_trouble_is_one_line(tiny_davis: Path, tmp_path: Path, monkeypatch):
    config, out = tiny_config(tiny_davis), tmp_path / "run"
    with pytest.raises(UserError, match="seed must be 0 or more"):
        run(config, out, seed=-1)
    with pytest.raises(UserError, match="unknown backbone 'resnet50' of FRTM"):
        training.train_frtm(config, "resnet50", True, 0, out)
    stage = dataclasses.replace(config.stages[0], roots=(str(tmp_path / "none"),))
    with pytest.raises(UserError, match="none: no such folder"):
        run(dataclasses.replace(config, stages=(stage,)), out)
    assert not out.exists()

    def broken(*arguments):
        nan = torch.tensor(float("nan"))
        return {"heatmap": nan, "total": nan}

    monkeypatch.setattr(training, "batch_losses", broken)
    with pytest.raises(UserError, match=r"stage only, step 0.*not finite"):
        run(config, out)
