"""The optimizers, the learning rate of each step, and the running mean of the weights."""

import dataclasses
import math
from pathlib import Path

import pytest
import torch
from torch import nn
from ttvos.training.optimizer import Average, descend, learning_rate, make_optimizer, make_scaler
from ttvos.training.setup import initial_model

from tests.unit.training.tiny import EXP8, rows, run, tiny_config
from ttvos.config.run import TrainConfig
from ttvos.core.errors import UserError
from ttvos.model.ttvos import build_model

ADAMW = TrainConfig(stages=(), optimizer="adamw", weight_decay=0.1)


def test_adam_of_the_paper_decays_nothing_and_takes_only_what_learns():
    model = build_model(EXP8, "hrnet")
    model.freeze()
    (group,) = make_optimizer(TrainConfig(stages=()), model, 1e-3).param_groups
    assert group["weight_decay"] == 0
    assert sum(p.numel() for p in group["params"]) == 1_110_118  # docs/facts.md, section 3


def test_adamw_decays_weights_but_no_biases_and_no_batch_norms():
    """Without a gradient, decay is all that moves: weights shrink by rate x decay."""
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    before = {name: value.clone() for name, value in model.named_parameters()}
    optimizer = make_optimizer(ADAMW, model, 1.0)
    sum((p * 0).sum() for p in model.parameters()).backward()
    descend(optimizer, 0.5, None)
    after = dict(model.named_parameters())
    torch.testing.assert_close(after["0.weight"], before["0.weight"] * (1 - 0.5 * 0.1))
    for name in ("0.bias", "1.weight", "1.bias"):
        assert torch.equal(after[name], before[name])


def test_large_gradients_are_shortened_to_the_given_norm():
    layer = nn.Linear(2, 1, bias=False)
    for clip, expected in ((None, 50.0), (1.0, 1.0), (80.0, 50.0)):
        optimizer = torch.optim.SGD(layer.parameters(), lr=1.0)
        before = layer.weight.detach().clone()
        layer.zero_grad()
        (layer.weight * torch.tensor([30.0, 40.0])).sum().backward()
        descend(optimizer, 1.0, clip)
        assert (before - layer.weight).norm().item() == pytest.approx(expected, rel=1e-4)


def test_float16_needs_cuda(tiny_davis: Path, tmp_path: Path):
    with pytest.raises(UserError, match="float16 needs CUDA"):
        run(tiny_config(tiny_davis, precision="float16"), tmp_path / "run")
    assert not (tmp_path / "run").exists()
    for precision in ("float32", "bfloat16"):
        config = TrainConfig(stages=(), precision=precision)
        assert make_scaler(config, torch.device("cpu")) is None


def test_scaled_gradient_gives_the_same_step():
    """The scale is a power of two, so not a bit differs; the norm is that of the true gradient."""
    results = []
    for scaler in (None, torch.amp.GradScaler("cpu", init_scale=2.0**10)):
        torch.manual_seed(0)
        layer = nn.Linear(3, 2)
        optimizer = torch.optim.Adam(layer.parameters())
        for values in torch.rand(3, 4, 3):
            layer.zero_grad()
            loss = layer(values).square().sum()
            (scaler.scale(loss) if scaler else loss).backward()
            descend(optimizer, 0.1, 0.5, scaler)
        results.append(layer.weight.detach())
    assert torch.equal(*results)


def test_gradient_beyond_float16_is_no_step_and_lowers_the_scale():
    layer = nn.Linear(3, 2)
    before = layer.weight.detach().clone()
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    optimizer = torch.optim.Adam(layer.parameters())
    for bad in (math.inf, math.nan):
        layer.zero_grad()
        (scaler.scale(layer.weight.sum()) * bad).backward()
        descend(optimizer, 0.1, 1.0, scaler)
    assert torch.equal(layer.weight, before)
    assert scaler.get_scale() == 2.0


def test_rate_warms_up_then_follows_a_cosine_to_its_end(tiny_davis: Path):
    stage = dataclasses.replace(
        tiny_config(tiny_davis).stages[0], learning_rate=1.0, warmup=3, end_rate=0.2
    )
    rates = [learning_rate(stage, step, 14) for step in range(14)]
    assert rates[:4] == [0.25, 0.5, 0.75, 1.0]
    assert rates[8] == pytest.approx(0.6)  # half-way between step 3 and step 13
    assert rates[13] == pytest.approx(0.2)
    assert rates[3:] == sorted(rates[3:], reverse=True)


def test_rate_is_constant_unless_asked_otherwise(tiny_davis: Path):
    stage = tiny_config(tiny_davis).stages[0]
    assert {learning_rate(stage, step, 9) for step in range(9)} == {stage.learning_rate}
    warm = dataclasses.replace(stage, warmup=1)
    assert [learning_rate(warm, step, 3) for step in range(3)] == [0.0005, 0.001, 0.001]


def test_training_uses_the_rate_of_each_step(tiny_davis: Path, tmp_path: Path):
    """In the log and in the optimizer: a third step at a rate of 0 moves no parameter."""

    def trained(steps: int, end_rate: float) -> dict[str, torch.Tensor]:
        config = tiny_config(tiny_davis, steps=(steps,))
        stage = dataclasses.replace(config.stages[0], warmup=1, end_rate=end_rate)
        out = tmp_path / str(steps)
        result = run(dataclasses.replace(config, stages=(stage,)), out)
        used = [float(line["learning_rate"]) for line in rows(out)]
        assert used == [learning_rate(stage, step, steps) for step in range(steps)]
        assert used == [0.0005, 0.001, 0.0][:steps]
        return result

    three, two = trained(3, 0.0), trained(2, 0.001)
    for name, _ in build_model(EXP8, "hrnet").named_parameters():
        assert torch.equal(three[name], two[name])


def test_running_mean_by_hand():
    """Steps of 1 - min(decay, (1 + n) / (10 + n)): 0.9, 9/11, 9/12 for n = 0, 1, 2."""
    values = [1.0, 5.0, -2.0, 7.0]
    mean = Average(0.2, {"w": torch.tensor(values[0]), "count": torch.tensor(3)})
    expected = values[0]
    for n, value in enumerate(values[1:]):
        mean.update({"w": torch.tensor(value), "count": torch.tensor(4 + n)})
        decay = min(0.2, (1 + n) / (10 + n))
        expected = decay * expected + (1 - decay) * value
        assert mean.weights["w"].item() == pytest.approx(expected, rel=1e-6)
    assert mean.weights["count"].item() == 6  # counters are copied


def test_running_mean_does_not_follow_the_weights_it_was_made_from():
    weights = {"w": torch.zeros(2)}
    mean = Average(0.99, weights)
    weights["w"] += 5
    assert mean.weights["w"].tolist() == [0, 0]


def test_restored_running_mean_goes_on_to_the_same_bits():
    generator = torch.Generator().manual_seed(0)
    series = [{"w": torch.randn(7, generator=generator)} for _ in range(6)]
    whole = Average(0.9, series[0])
    for weights in series[1:]:
        whole.update(weights)
    part = Average(0.9, series[0])
    for weights in series[1:3]:
        part.update(weights)
    rest = Average.restored(0.9, part.state())
    for weights in series[3:]:
        rest.update(weights)
    assert torch.equal(rest.weights["w"], whole.weights["w"])
    assert rest.updates == whole.updates == 5


def test_running_mean_is_the_result(tiny_davis: Path, tmp_path: Path):
    """One step: the result lies 9/10 of the way from the initial weights to the learnt ones."""
    first = run(tiny_config(tiny_davis, steps=(1,)), tmp_path / "a")
    mean = run(tiny_config(tiny_davis, steps=(1,), average=0.999), tmp_path / "b")
    initial = initial_model(tiny_config(tiny_davis), EXP8, "hrnet", 0)[0].state_dict()
    moved = [name for name, value in first.items() if not torch.equal(value, initial[name])]
    assert moved
    for name in moved:
        if first[name].is_floating_point():
            expected = initial[name] + 0.9 * (first[name] - initial[name])
            torch.testing.assert_close(mean[name], expected, rtol=1e-5, atol=1e-7)
