"""The gradient of a batch in parts is that of the whole; batch-norm sees the parts."""

from pathlib import Path

import pytest
import torch
from ttvos.training.gradient import gradient, split

from tests.unit.training.tiny import EXP8, batches_of, rows, run, same, tiny_config
from ttvos.config.run import TrainConfig
from ttvos.model.ttvos import TTVOS, build_model
from ttvos.training.parallel import alone

CLIPS = 4


@pytest.fixture
def batch(tiny_davis: Path) -> dict[str, torch.Tensor]:
    """Four clips, each with another share of ignored pixels."""
    stage = tiny_config(tiny_davis).stages[0]
    two, more = batches_of(stage, 2)
    joined = {name: torch.cat([two[name], more[name]]) for name in two}
    for clip in range(CLIPS):
        joined["labels"][clip, 1:, :, : 9 * clip] = 255
    return joined


def learnt(model: TTVOS, batch: dict[str, torch.Tensor], parts: int) -> tuple[dict, torch.Tensor]:
    losses = gradient(model, batch, TrainConfig(stages=(), accumulate=parts), alone())
    grads = [p.grad.flatten() for p in model.parameters() if p.grad is not None]
    return {name: value.item() for name, value in losses.items()}, torch.cat(grads)


@pytest.mark.parametrize("parts", [2, 4])
def test_parts_give_the_gradient_and_the_losses_of_the_whole(batch: dict, parts: int):
    """With batch-norms in eval mode, nothing else depends on the other clips."""
    torch.manual_seed(0)
    model = build_model(EXP8, "hrnet").double().eval()
    batch["frames"] = batch["frames"].double()
    losses, whole = learnt(model, batch, 1)
    split_losses, in_parts = learnt(model, batch, parts)
    assert (in_parts - whole).norm() < 1e-6 * whole.norm()
    assert split_losses == pytest.approx(losses, rel=1e-6)


def test_a_second_batch_does_not_add_to_the_first(batch: dict):
    torch.manual_seed(0)
    model = build_model(EXP8, "hrnet").eval()
    _, first = learnt(model, batch, 2)
    _, second = learnt(model, batch, 2)
    assert torch.equal(first, second)


def test_running_statistics_do_not_depend_on_the_order_of_the_parts(batch: dict):
    """And are the mean of what each part makes of them; the counter goes up by one."""
    states = []
    turned = {name: value.roll(2, dims=0) for name, value in batch.items()}
    for clips, parts in ((batch, 2), (turned, 2), *((part, 1) for part in split(batch, 2))):
        torch.manual_seed(0)
        model = build_model(EXP8, "hrnet")
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


def test_accumulated_training(tiny_davis: Path, tmp_path: Path):
    """It is another training where batch-norms train, and as reproducible as any."""
    whole = run(tiny_config(tiny_davis), tmp_path / "whole")
    parts = run(tiny_config(tiny_davis, accumulate=2), tmp_path / "parts")
    assert not same(whole, parts)
    assert same(parts, run(tiny_config(tiny_davis, accumulate=2), tmp_path / "again"))
    totals = [float(line["total"]) for line in rows(tmp_path / "parts")]
    assert totals == pytest.approx([float(r["total"]) for r in rows(tmp_path / "whole")], rel=0.2)
