"""TTVOS's training: what learns, what decides its result, its optimizers and learning rates."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.unit.training.tiny import (
    EXP8,
    Toy,
    make_task,
    record,
    rows,
    run,
    run_task,
    run_toy,
    started,
    tiny_config,
    tiny_stages,
)
from ttvos.config.experiments import find_variant
from ttvos.config.run import TrainConfig
from ttvos.core.errors import UserError
from ttvos.core.provenance import file_hash
from ttvos.model import weights as checkpoint
from ttvos.model.ttvos import build_model
from ttvos.training import task
from ttvos.training.folder import deciding_hash
from ttvos.training.step import descend, make_scaler
from ttvos.training.ttvos import TTVOSTask

ADAMW = TrainConfig(stages=(), optimizer="adamw", weight_decay=0.1)


def test_frozen_parts_stay_and_every_other_changes(davis: Path, tmp_path: Path):
    config = tiny_config(davis, steps=(2,))
    model = started(TTVOSTask(config, EXP8, "hrnet"))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    learning = {name for name, value in model.named_parameters() if value.requires_grad}
    learning |= {
        f"backbone.net.stage4.{name}" for name, _ in model.backbone.net.stage4.named_buffers()
    }
    after = run(config, tmp_path)
    changed = {name for name in after if not torch.equal(before[name], after[name])}
    assert changed == learning
    assert 0 < len(learning) < len(after)


def test_whole_backbone_learns_where_configured(davis: Path, tmp_path: Path):
    config = tiny_config(davis, steps=(2,), freeze={"hrnet": False})
    before = started(TTVOSTask(config, EXP8, "hrnet")).state_dict()
    after = run(config, tmp_path)
    assert [name for name in after if torch.equal(before[name], after[name])] == []


def test_settings_follow_all_that_decides_the_weights(tiny_davis: Path, monkeypatch):
    config = tiny_config(tiny_davis)

    def settings(config: TrainConfig = config, variant=EXP8, seed: int = 0) -> dict:
        return TTVOSTask(config, variant, "hrnet", seed).settings("cpu")

    known = settings()
    assert settings(dataclasses.replace(config, workers=3, checkpoint_every=9)) == known
    assert settings(dataclasses.replace(config, accumulate=2)) != known  # batch-norm sees it
    assert settings(dataclasses.replace(config, freeze={"resnet18": False})) == known
    assert settings(dataclasses.replace(config, freeze={"hrnet": False})) != known
    assert settings(dataclasses.replace(config, initial={"hrnet": "imagenet"})) != known
    assert settings(dataclasses.replace(config, transition_activation="none")) != known
    assert settings(variant=find_variant("exp4")) != known
    assert settings(seed=1) != known
    image = next(tiny_davis.rglob("*.jpg"))
    image.write_bytes(image.read_bytes() + b"0")
    assert settings() != known
    known = settings()
    monkeypatch.setattr(task, "code_hash", lambda *parts: "another")
    assert settings() != known
    assert deciding_hash(settings()) == deciding_hash(known), (
        "code is recorded, and decides nothing"
    )


def test_initial_backbone_file(davis: Path, tmp_path: Path):
    file = tmp_path / "backbone.safetensors"
    torch.manual_seed(9)
    source = build_model(EXP8, "hrnet")
    checkpoint.save_backbone(source, file, {}, half=False)
    config = tiny_config(davis, steps=(1,), initial={"hrnet": str(file)})
    after = run(config, tmp_path / "run")
    frozen = "backbone.net.conv1.weight"
    assert torch.equal(after[frozen], source.state_dict()[frozen])
    assert record(tmp_path / "run")["provenance"]["initial"] == {
        "source": str(file),
        "sha256": file_hash(file),
    }


def test_imagenet_weights_without_a_network(davis: Path, tmp_path: Path, monkeypatch):
    import timm

    def offline(*names, pretrained=False, **options):
        if pretrained:
            raise OSError("no network")
        return create(*names, **options)

    create = timm.create_model
    monkeypatch.setattr(timm, "create_model", offline)
    with pytest.raises(UserError, match="ImageNet weights"):
        run(tiny_config(davis, initial={"hrnet": "imagenet"}), tmp_path / "run")


def test_stages_of_the_same_name(davis: Path, tmp_path: Path):
    config = tiny_config(davis)
    with pytest.raises(UserError, match="same name: stage1, stage1"):
        run(dataclasses.replace(config, stages=config.stages[:1] * 2), tmp_path / "run")


def test_batch_that_cannot_be_split_evenly(davis: Path):
    message = "stage1: a batch of 2 cannot be split evenly into 3 parts"
    with pytest.raises(UserError, match=message):
        tiny_config(davis, accumulate=3)
    with pytest.raises(UserError, match="accumulate must be 1 or more, not 0"):
        tiny_config(davis, accumulate=0)
    with pytest.raises(UserError, match="in each of 2 processes"):
        tiny_config(davis, accumulate=2).check_parts(2)
    tiny_config(davis, accumulate=2).check_parts(1)


def test_adam_of_the_paper_decays_nothing_and_takes_only_what_learns():
    model = build_model(EXP8, "hrnet")
    model.freeze()
    task = TTVOSTask(TrainConfig(stages=()), EXP8, "hrnet")
    (group,) = task.optimizer(model, 1e-3).param_groups
    assert group["weight_decay"] == 0
    assert sum(p.numel() for p in group["params"]) == 1_110_118  # docs/facts.md, section 3


def test_adamw_decays_weights_but_no_biases_and_no_batch_norms():
    """Without a gradient, decay is all that moves: weights shrink by rate x decay."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    before = {name: value.clone() for name, value in model.named_parameters()}
    optimizer = TTVOSTask(ADAMW, EXP8, "hrnet").optimizer(model, 1.0)
    sum((p * 0).sum() for p in model.parameters()).backward()
    descend(optimizer, 0.5, None)
    after = dict(model.named_parameters())
    torch.testing.assert_close(after["0.weight"], before["0.weight"] * (1 - 0.5 * 0.1))
    for name in ("0.bias", "1.weight", "1.bias"):
        assert torch.equal(after[name], before[name])


def test_the_templates_embeddings_learn_at_their_share_of_the_rate():
    """Adam's first step moves every weight with a gradient by the learning rate."""
    config = TrainConfig(stages=(), memory_rate=0.25)
    model = build_model(EXP8, "hrnet")
    before = {name: value.clone() for name, value in model.named_parameters()}
    optimizer = TTVOSTask(config, EXP8, "hrnet").optimizer(model, 1.0)
    sum(p.sum() for p in model.parameters()).backward()
    descend(optimizer, 0.5, None)
    for name, after in model.named_parameters():
        moved = before[name] - after
        rate = 0.125 if name.startswith("memory.") else 0.5
        torch.testing.assert_close(moved, torch.full_like(moved, rate), rtol=1e-4, atol=1e-4)


def test_float16_needs_cuda(davis: Path, tmp_path: Path):
    with pytest.raises(UserError, match="float16 needs CUDA"):
        run(tiny_config(davis, precision="float16"), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    for precision in ("float32", "bfloat16"):
        assert make_scaler(precision, torch.device("cpu")) is None


def rates(steps: int, **changes: Any) -> list[float]:
    """Of every step of a stage of that length."""
    stage = tiny_stages(Path("x"), (steps,), **changes)[0]
    task = TTVOSTask(TrainConfig(stages=(stage,)), EXP8, "hrnet")
    return [task.learning_rate(stage, step, steps) for step in range(steps)]


def test_rate_warms_up_then_follows_a_cosine_to_its_end():
    found = rates(14, learning_rate=1.0, warmup=3, end_rate=0.2)
    assert found[:4] == [0.25, 0.5, 0.75, 1.0]
    assert found[8] == pytest.approx(0.6)  # half-way between step 3 and step 13
    assert found[13] == pytest.approx(0.2)
    assert found[3:] == sorted(found[3:], reverse=True)


def test_rate_is_constant_unless_asked_otherwise():
    assert set(rates(9)) == {1e-3}
    assert rates(3, warmup=1) == [0.0005, 0.001, 0.001]


def test_training_uses_the_rate_of_each_step(davis: Path, tmp_path: Path):
    """In the log and in the optimizer: a third step at a rate of 0 moves no parameter."""

    def trained(steps: int, end_rate: float) -> dict[str, torch.Tensor]:
        stages = tiny_stages(davis, (steps,), warmup=1, end_rate=end_rate)
        out = tmp_path / str(steps)
        result = run_task(Toy(TrainConfig(stages), EXP8, "hrnet", 0), out)
        used = [float(line["learning_rate"]) for line in rows(out)]
        assert used == [0.0005, 0.001, 0.0][:steps]
        return result

    three, two = trained(3, 0.0), trained(2, 0.001)
    for name in ("backbone.0.weight", "backbone.1.weight", "head.bias"):
        assert torch.equal(three[name], two[name])


def test_running_mean_is_the_result(davis: Path, tmp_path: Path):
    """One step: the result lies 9/10 of the way from the initial weights to the learnt ones."""
    first = run_toy(davis, tmp_path / "a", (1,))
    mean = run_toy(davis, tmp_path / "b", (1,), average=0.999)
    initial = started(make_task("toy", davis)).state_dict()
    moved = [name for name, value in first.items() if not torch.equal(value, initial[name])]
    assert moved
    for name in moved:
        if first[name].is_floating_point():
            expected = initial[name] + 0.9 * (first[name] - initial[name])
            torch.testing.assert_close(mean[name], expected, rtol=1e-5, atol=1e-7)
