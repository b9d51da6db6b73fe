"""Activation checkpointing: the same gradients to the last bit, and nothing counted twice."""

from pathlib import Path

import pytest
import torch
from ttvos.training.frozen import learner
from ttvos.training.gradient import gradient
from ttvos.training.recompute import RecomputedBlock

from tests.unit.training.tiny import Interrupted, batches_of, run, same, tiny_config
from ttvos.config.experiments import find_variant, load_variants
from ttvos.config.run import TrainConfig
from ttvos.model.ttvos import TTVOS, build_model

Learnt = dict[str, torch.Tensor]


def built(variant: str, backbone: str, frozen: bool) -> TTVOS:
    torch.manual_seed(0)
    model = build_model(find_variant(variant), backbone)
    if frozen:
        model.freeze()
    return model.to(memory_format=torch.channels_last).train()


def learnt(model: TTVOS, batch: Learnt, config: TrainConfig, spoilt: float = 0.0) -> Learnt:
    """Losses, gradients, and the model's state after one step's forward and backward."""
    losses = gradient(learner(model, config), batch, config, spoilt=spoilt)
    grads = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    return {**losses, **grads, **{f"state {name}": v for name, v in model.state_dict().items()}}


def both_ways(batch: Learnt, model: tuple, spoilt: float = 0.0, **changes) -> list[Learnt]:
    return [
        learnt(built(*model), batch, TrainConfig((), checkpointing=each, **changes), spoilt)
        for each in (False, True)
    ]


@pytest.fixture
def batch(tiny_davis: Path) -> Learnt:
    return batches_of(tiny_config(tiny_davis).stages[0], 1)[0]


@pytest.mark.parametrize("frozen", [True, False], ids=["frozen", "whole"])
@pytest.mark.parametrize("variant", load_variants())
def test_same_gradients_and_statistics_in_every_experiment(batch: Learnt, variant: str, frozen):
    kept, again = both_ways(batch, (variant, "hrnet", frozen))
    assert any(name.startswith("state") and "running" in name for name in kept)
    assert same(kept, again)


@pytest.mark.parametrize("backbone", ["resnet18", "resnet50", "mobilenetv3"])
@pytest.mark.parametrize("variant", ["exp8", "exp7"])
def test_same_gradients_with_every_backbone(batch: Learnt, variant: str, backbone: str):
    assert same(*both_ways(batch, (variant, backbone, False)))


@pytest.mark.parametrize(
    "changes",
    [{"precision": "bfloat16"}, {"accumulate": 2}, {"spoilt": 1.0}],
    ids=["autocast", "parts", "random errors"],
)
def test_same_gradients_with_what_else_there_is(batch: Learnt, changes: dict):
    assert same(*both_ways(batch, ("exp8", "hrnet", True), **changes))


def test_statistics_of_a_training_batch_norm_move_once(batch: Learnt):
    """The counters say how often: once for each batch."""
    _, again = both_ways(batch, ("exp8", "hrnet", True))
    counters = [v.item() for name, v in again.items() if "stage4" in name and "tracked" in name]
    assert set(counters) == {1}


def kept_bytes(batch: Learnt, checkpointing: bool) -> int:
    """What autograd saves of one step, as far as it is not computed again."""
    config, sizes = TrainConfig((), checkpointing=checkpointing), []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        sizes.append(tensor.nbytes)
        return tensor

    model = learner(built("exp8", "hrnet", False), config)
    assert checkpointing == any(isinstance(m, RecomputedBlock) for m in model.modules())
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        gradient(model, batch, config)
    return sum(sizes)


def test_less_is_kept_for_the_gradient(batch: Learnt):
    assert kept_bytes(batch, True) < 0.5 * kept_bytes(batch, False)


def test_a_training_may_go_on_with_it(tiny_davis: Path, tmp_path: Path, stop_at):
    """It is no other training: an interrupted one goes on, and to the same bits."""
    expected = run(tiny_config(tiny_davis), tmp_path / "without")
    stop_at(2)
    with pytest.raises(Interrupted):
        run(tiny_config(tiny_davis), tmp_path / "with")
    stop_at(None)
    assert same(expected, run(tiny_config(tiny_davis, checkpointing=True), tmp_path / "with"))
