"""One clip through the model: a single backbone call, and a differentiable recurrence."""

import dataclasses
from pathlib import Path

import pytest
import torch

from tests.unit.training.tiny import EXP8, batches_of, tiny_config
from ttvos.config.experiments import find_variant, load_variants
from ttvos.config.run import TrainConfig
from ttvos.model.ttvos import build_model
from ttvos.training.unroll import clip_loss, unroll


def test_one_clip_can_be_learnt_by_heart(tiny_davis: Path):
    """Twenty steps on one batch: the loss falls far below where it began."""
    stage = dataclasses.replace(tiny_config(tiny_davis).stages[0], height=64, width=96)
    batch = batches_of(stage, 1)[0]
    torch.manual_seed(0)
    model = build_model(EXP8, "hrnet").train()
    optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
    history = []
    for _ in range(20):
        losses = clip_loss(model, batch, TrainConfig(stages=()))
        history.append(losses["heatmap"].item())
        optimizer.zero_grad()
        losses["total"].backward()
        optimizer.step()
    assert history[-1] < 0.5 * history[0]


def tiny_batch(root: Path) -> dict[str, torch.Tensor]:
    return batches_of(tiny_config(root).stages[0], 1)[0]


def test_backbone_is_called_once_for_all_frames(tiny_davis: Path):
    batch, sizes = tiny_batch(tiny_davis), []
    model = build_model(EXP8, "hrnet").train()
    model.backbone.register_forward_pre_hook(lambda _, inputs: sizes.append(inputs[0].shape))
    result = unroll(model, batch["frames"], batch["labels"][:, 0])
    assert sizes == [(6, 3, 32, 64)]
    assert result.logits.shape == (2, 2, 2, 32, 64)
    assert result.transition.shape == (2, 2, 2, 4, 8)
    assert result.template_logits.shape == (2, 2, 1, 4, 8)


def test_each_clip_is_tracked_by_itself(tiny_davis: Path):
    """In eval mode a clip gives the same alone and in a batch: no frame goes to a neighbour."""
    batch = tiny_batch(tiny_davis)
    model = build_model(EXP8, "hrnet").eval()
    with torch.no_grad():
        both = unroll(model, batch["frames"], batch["labels"][:, 0])
        alone = unroll(model, batch["frames"][1:], batch["labels"][1:, 0])
    torch.testing.assert_close(both.logits[1:], alone.logits, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(both.logits[0], both.logits[1], atol=1e-2)


def test_softmax_heatmap_is_fed_back(tiny_davis: Path, monkeypatch):
    batch, fed = tiny_batch(tiny_davis), []
    model = build_model(EXP8, "hrnet").train()
    advance = model.advance

    def recording(features, state, step, heatmap):
        fed.append((step.logits, heatmap))
        return advance(features, state, step, heatmap)

    monkeypatch.setattr(model, "advance", recording)
    unroll(model, batch["frames"], batch["labels"][:, 0])
    assert len(fed) == 1  # of three frames, only the middle one has a successor
    logits, heatmap = fed[0]
    assert torch.equal(heatmap, logits.softmax(dim=1))


def test_gradient_flows_through_the_recurrence(tiny_davis: Path):
    """The last frame's loss alone reaches the update weight, which acts one frame earlier."""
    batch = tiny_batch(tiny_davis)
    model = build_model(EXP8, "hrnet").train()
    result = unroll(model, batch["frames"], batch["labels"][:, 0])
    result.logits[:, -1].square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in model.adaptive_weight.parameters())


def test_future_frames_change_nothing(tiny_davis: Path):
    batch = tiny_batch(tiny_davis)
    model = build_model(EXP8, "hrnet").eval()
    changed = batch["frames"].clone()
    changed[:, 2] = 0
    with torch.no_grad():
        first = unroll(model, batch["frames"], batch["labels"][:, 0]).logits
        second = unroll(model, changed, batch["labels"][:, 0]).logits
    torch.testing.assert_close(first[:, 0], second[:, 0], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(first[:, 1], second[:, 1], atol=1e-3)


@pytest.mark.parametrize("name", load_variants())
def test_every_experiment_trains(tiny_davis: Path, name: str):
    """One step of each: every learning parameter gets a gradient, every loss is finite."""
    torch.manual_seed(0)
    variant = find_variant(name)
    model = build_model(variant, "hrnet")
    model.freeze()
    losses = clip_loss(model.train(), tiny_batch(tiny_davis), TrainConfig(stages=()))
    assert ("transition" in losses) == variant.transition_loss
    losses["total"].backward()
    silent = [n for n, p in model.named_parameters() if p.requires_grad != (p.grad is not None)]
    assert silent == []


def test_bfloat16_stays_near_float32_and_its_losses_are_float32(tiny_davis: Path):
    """One step from the same weights: losses within 2 %, gradients in nearly one direction."""
    batch = tiny_batch(tiny_davis)
    torch.manual_seed(0)
    model = build_model(EXP8, "hrnet").eval()
    results = {}
    for precision in ("float32", "bfloat16"):
        model.zero_grad()
        losses = clip_loss(model, batch, TrainConfig(stages=(), precision=precision))
        assert {value.dtype for value in losses.values()} == {torch.float32}
        losses["total"].backward()
        assert {p.grad.dtype for p in model.parameters() if p.grad is not None} == {torch.float32}
        gradient = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
        results[precision] = losses["total"].item(), gradient
    (exact, direction), (rough, other) = results["float32"], results["bfloat16"]
    assert rough != exact
    assert rough == pytest.approx(exact, rel=0.02)
    assert torch.nn.functional.cosine_similarity(direction, other, dim=0) > 0.98
