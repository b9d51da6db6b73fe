"""The model as it learns: what is frozen is fused, what learns is shared, gradients stay."""

from pathlib import Path

import pytest
import torch
from torch import nn
from ttvos.training.frozen import learner
from ttvos.training.gradient import gradient

from tests.unit.training.tiny import EXP8, batches_of, tiny_config
from ttvos.config.experiments import BACKBONES, find_variant
from ttvos.config.run import TrainConfig
from ttvos.model.ttvos import TTVOS, build_model

CONFIG = TrainConfig(())


@pytest.fixture
def batch(tiny_davis: Path) -> dict[str, torch.Tensor]:
    return batches_of(tiny_config(tiny_davis).stages[0], 1)[0]


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
def test_gradients_are_those_of_the_model(batch: dict, backbone: str):
    """To rounding, with batch-norms in eval mode; and nothing of the model is changed."""
    model = frozen_model(backbone).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    expected = gradient(model, batch, CONFIG)["total"].item()
    direct = gradients(model)
    assert gradient(learner(model, CONFIG), batch, CONFIG)["total"].item() == pytest.approx(
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


def test_training_one_trains_the_other(batch: dict):
    model = frozen_model("hrnet").train()
    view = learner(model, CONFIG)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    gradient(view, batch, CONFIG)
    optimizer.step()
    changed = {n for n, value in model.state_dict().items() if not torch.equal(before[n], value)}
    assert any("stage4" in name and "running_mean" in name for name in changed)
    assert not any(name.startswith("backbone") and "stage4" not in name for name in changed)
    second = gradient(view, batch, CONFIG)["total"].item()
    assert second == pytest.approx(gradient(model, batch, CONFIG)["total"].item(), rel=1e-4)


def test_bfloat16_stays_near_float32(batch: dict):
    """With the frozen part wholly in bfloat16: gradients in nearly one direction."""
    torch.manual_seed(0)
    model = build_model(EXP8, "hrnet").eval()
    model.freeze()
    gradient(model, batch, CONFIG)
    exact = gradients(model)
    config = TrainConfig((), precision="bfloat16")
    gradient(learner(model, config), batch, config)
    assert torch.nn.functional.cosine_similarity(exact, gradients(model), dim=0) > 0.98


def test_gradients_go_through_a_frozen_layer_that_is_run_again(batch: dict):
    """Experiment 7 on a ResNet: the mask's entry learns through layer2, which stays frozen."""
    model = frozen_model("resnet18", "exp7").train()
    gradient(learner(model, CONFIG), batch, CONFIG)
    assert all(p.grad.abs().sum() > 0 for p in model.mask_entry.parameters())


def test_a_model_that_learns_as_a_whole_keeps_its_backbone():
    model = build_model(EXP8, "hrnet")
    assert learner(model, CONFIG).backbone is model.backbone
