"""The model as it learns: what is frozen is fused, what learns is shared, gradients stay.

Activation checkpointing: the same gradients to the last bit, and nothing counted twice.
"""

from pathlib import Path

import pytest
import torch
from torch import nn

from tests.unit.training.tiny import EXP8, same, tiny_config
from ttvos.config.experiments import BACKBONES, find_variant, load_variants
from ttvos.config.run import TrainConfig
from ttvos.engine.learning import RecomputedBlock, learner
from ttvos.model.ttvos import TTVOS, build_model
from ttvos.training.step import gradient
from ttvos.training.ttvos import TTVOSTask

CONFIG = TrainConfig(())
TASK = TTVOSTask(CONFIG, EXP8, "hrnet")


def frozen_model(backbone: str, variant: str = "exp8") -> TTVOS:
    """Weights and statistics at random, so that no batch-norm is the identity."""
    torch.manual_seed(0)
    model = build_model(find_variant(variant), backbone)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.1)
    model.freeze()
    return model.to(memory_format=torch.channels_last)


def gradients(model: TTVOS) -> torch.Tensor:
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


@pytest.mark.parametrize("backbone", BACKBONES)
def test_gradients_are_those_of_the_model(two_clips: dict, backbone: str):
    """To rounding, with batch-norms in eval mode; and nothing of the model is changed."""
    model = frozen_model(backbone).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    expected = gradient(TASK, model, two_clips)["total"].item()
    direct = gradients(model)
    assert gradient(TASK, learner(model, CONFIG), two_clips)["total"].item() == pytest.approx(
        expected, rel=1e-5
    )
    assert (gradients(model) - direct).norm() < 1e-3 * direct.norm()
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize("backbone", BACKBONES)
def test_no_frozen_batch_norm_is_left(backbone: str):
    model = frozen_model(backbone)
    view = learner(model, CONFIG)
    trained = set(model.backbone.trained_block().modules())
    left = {m for m in view.backbone.modules() if isinstance(m, nn.BatchNorm2d)}
    assert left
    assert left <= trained
    learns = [p for p in model.parameters() if p.requires_grad]
    assert {id(p) for p in view.parameters() if p.requires_grad} == {id(p) for p in learns}


def test_training_one_trains_the_other(two_clips: dict):
    model = frozen_model("hrnet").train()
    view = learner(model, CONFIG)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    gradient(TASK, view, two_clips)
    optimizer.step()
    changed = {n for n, value in model.state_dict().items() if not torch.equal(before[n], value)}
    assert any("stage4" in name and "running_mean" in name for name in changed)
    assert not any(name.startswith("backbone") and "stage4" not in name for name in changed)
    second = gradient(TASK, view, two_clips)["total"].item()
    assert second == pytest.approx(gradient(TASK, model, two_clips)["total"].item(), rel=1e-4)


def test_bfloat16_stays_near_float32(two_clips: dict):
    """With the frozen part wholly in bfloat16: gradients in nearly one direction."""
    torch.manual_seed(0)
    model = build_model(EXP8, "hrnet").eval()
    model.freeze()
    gradient(TASK, model, two_clips)
    exact = gradients(model)
    config = TrainConfig((), precision="bfloat16")
    gradient(TTVOSTask(config, EXP8, "hrnet"), learner(model, config), two_clips)
    assert torch.nn.functional.cosine_similarity(exact, gradients(model), dim=0) > 0.98


def test_gradients_go_through_a_frozen_layer_that_is_run_again(two_clips: dict):
    """Experiment 7 on a ResNet: the mask's entry learns through layer2, which stays frozen."""
    model = frozen_model("resnet18", "exp7").train()
    gradient(TASK, learner(model, CONFIG), two_clips)
    assert all(p.grad.abs().sum() > 0 for p in model.mask_entry.parameters())


def test_a_model_that_learns_as_a_whole_keeps_its_backbone():
    model = build_model(EXP8, "hrnet")
    assert learner(model, CONFIG).backbone is model.backbone


Learnt = dict[str, torch.Tensor]


def built(variant: str, backbone: str, frozen: bool) -> TTVOS:
    torch.manual_seed(0)
    model = build_model(find_variant(variant), backbone)
    if frozen:
        model.freeze()
    return model.to(memory_format=torch.channels_last).train()


def learnt(model: TTVOS, batch: Learnt, config: TrainConfig, spoilt: float = 0.0) -> Learnt:
    """Losses, gradients, and the model's state after one step's forward and backward."""
    task = TTVOSTask(config, model.variant, model.backbone_name)
    losses = gradient(task, task.prepare(model), batch, spoilt)
    grads = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    return {**losses, **grads, **{f"state {name}": v for name, v in model.state_dict().items()}}


def both_ways(batch: Learnt, model: tuple, spoilt: float = 0.0, **changes) -> list[Learnt]:
    return [
        learnt(built(*model), batch, TrainConfig((), checkpointing=each, **changes), spoilt)
        for each in (False, True)
    ]


@pytest.mark.parametrize("variant", load_variants())
def test_same_gradients_and_statistics_in_every_experiment(two_clips: Learnt, variant: str):
    kept, again = both_ways(two_clips, (variant, "hrnet", True))
    assert any(name.startswith("state") and "running" in name for name in kept)
    assert same(kept, again)


@pytest.mark.parametrize(
    ("variant", "backbone"), [*(("exp8", backbone) for backbone in BACKBONES), ("exp7", "resnet18")]
)
def test_same_gradients_with_every_backbone_that_learns(
    two_clips: Learnt, variant: str, backbone: str
):
    assert same(*both_ways(two_clips, (variant, backbone, False)))


@pytest.mark.parametrize(
    "changes",
    [{"precision": "bfloat16"}, {"accumulate": 2}, {"spoilt": 1.0}],
    ids=["autocast", "parts", "random errors"],
)
def test_same_gradients_with_what_else_there_is(two_clips: Learnt, changes: dict):
    assert same(*both_ways(two_clips, ("exp8", "hrnet", True), **changes))


def kept_bytes(two_clips: Learnt, checkpointing: bool) -> int:
    """What autograd saves of one step, as far as it is not computed again."""
    config, sizes = TrainConfig((), checkpointing=checkpointing), []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        sizes.append(tensor.nbytes)
        return tensor

    model = learner(built("exp8", "hrnet", False), config)
    assert checkpointing == any(isinstance(m, RecomputedBlock) for m in model.modules())
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        gradient(TTVOSTask(config, EXP8, "hrnet"), model, two_clips)
    return sum(sizes)


def test_less_is_kept_for_the_gradient(two_clips: Learnt):
    assert kept_bytes(two_clips, True) < 0.5 * kept_bytes(two_clips, False)


def test_a_training_may_go_on_with_it(davis: Path):
    """It is no other training."""
    with_it, without = (
        TTVOSTask(tiny_config(davis, checkpointing=each), EXP8, "hrnet") for each in (True, False)
    )
    assert with_it.settings("cpu") == without.settings("cpu")
