"""One step: the gradient in parts is the whole's; clipping, scale and running mean by hand."""

import copy
import math
from pathlib import Path

import pytest
import torch
from torch import nn

from tests.unit.training.tiny import EXP8, batches_of, tiny_stages
from ttvos.config.run import TrainConfig
from ttvos.model.ttvos import TTVOS
from ttvos.training.step import Average, descend, gradient, split
from ttvos.training.ttvos import TTVOSTask

CLIPS = 4


@pytest.fixture
def batch(davis: Path) -> dict[str, torch.Tensor]:
    """Four clips, each with another share of ignored pixels."""
    stage = tiny_stages(davis, (2,))[0]
    two, more = batches_of(stage, 2)
    joined = {name: torch.cat([two[name], more[name]]) for name in two}
    for clip in range(CLIPS):
        joined["labels"][clip, 1:, :, : 9 * clip] = 255
    return joined


def learnt(model: TTVOS, batch: dict[str, torch.Tensor], parts: int) -> tuple[dict, torch.Tensor]:
    task = TTVOSTask(TrainConfig(stages=(), accumulate=parts), EXP8, "hrnet")
    losses = gradient(task, model, batch)
    grads = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
    return {name: value.item() for name, value in losses.items()}, torch.cat(grads)


@pytest.mark.parametrize("parts", [2, 4])
def test_parts_give_the_gradient_and_the_losses_of_the_whole(hrnet, batch: dict, parts: int):
    """With batch-norms in eval mode, nothing else depends on the other clips."""
    model = copy.deepcopy(hrnet).double()
    batch["frames"] = batch["frames"].double()
    losses, whole = learnt(model, batch, 1)
    split_losses, in_parts = learnt(model, batch, parts)
    assert (in_parts - whole).norm() < 1e-6 * whole.norm()
    assert split_losses == pytest.approx(losses, rel=1e-6)


def test_a_second_batch_does_not_add_to_the_first(hrnet, batch: dict):
    _, first = learnt(hrnet, batch, 2)
    _, second = learnt(hrnet, batch, 2)
    assert torch.equal(first, second)


def test_running_statistics_do_not_depend_on_the_order_of_the_parts(hrnet, batch: dict):
    """And are the mean of what each part makes of them; the counter goes up by one."""
    states = []
    turned = {name: value.roll(2, dims=0) for name, value in batch.items()}
    for clips, parts in ((batch, 2), (turned, 2), *((part, 1) for part in split(batch, 2))):
        model = copy.deepcopy(hrnet)
        model.freeze()
        learnt(model.train(), clips, parts)
        states.append(model.state_dict())
    both, other_order, first, second = states
    changed = [name for name in both if not torch.equal(first[name], second[name])]
    assert changed
    assert all(".stage4." in name and "running_" in name for name in changed)
    for name, value in both.items():
        torch.testing.assert_close(value, other_order[name])
        if name in changed:
            torch.testing.assert_close(value, (first[name] + second[name]) / 2)
        else:
            assert torch.equal(value, first[name])


def test_large_gradients_are_shortened_to_the_given_norm():
    layer = nn.Linear(2, 1, bias=False)
    for clip, expected in ((None, 50.0), (1.0, 1.0), (80.0, 50.0)):
        optimizer = torch.optim.SGD(layer.parameters(), lr=1.0)
        before = layer.weight.detach().clone()
        layer.zero_grad()
        (layer.weight * torch.tensor([30.0, 40.0])).sum().backward()
        descend(optimizer, 1.0, clip)
        assert (before - layer.weight).norm().item() == pytest.approx(expected, rel=1e-4)


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
    rest = Average(0.9, series[0], part.state())
    for weights in series[3:]:
        rest.update(weights)
    assert torch.equal(rest.weights["w"], whole.weights["w"])
    assert rest.updates == whole.updates == 5
