"""One clip through the model: a single backbone call, a differentiable recurrence, and errors put
into the heatmaps fed back: the right share, of both kinds, still probabilities."""

from pathlib import Path

import pytest
import torch

from tests.unit.training.tiny import EXP8, batches_of, tiny_stages
from ttvos.config.experiments import find_variant, load_variants
from ttvos.config.run import TrainConfig
from ttvos.model.ttvos import build_model
from ttvos.training.unroll import clip_loss, corrupt, unroll


def test_one_clip_can_be_learnt_by_heart(davis: Path):
    """Twenty steps on one batch: the loss falls far below where it began."""
    stage = tiny_stages(davis, (1,), height=64, width=96)[0]
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


def test_backbone_is_called_once_for_all_frames(two_clips: dict):
    sizes = []
    model = build_model(EXP8, "hrnet").train()
    model.backbone.register_forward_pre_hook(lambda _, inputs: sizes.append(inputs[0].shape))
    result = unroll(model, two_clips["frames"], two_clips["labels"][:, 0])
    assert sizes == [(6, 3, 32, 64)]
    assert result.logits.shape == (2, 2, 2, 32, 64)
    assert result.transition.shape == (2, 2, 2, 4, 8)
    assert result.template_logits.shape == (2, 2, 1, 4, 8)


def test_each_clip_is_tracked_by_itself(two_clips: dict):
    """In eval mode a clip gives the same alone and in a batch: no frame goes to a neighbour."""
    model = build_model(EXP8, "hrnet").eval()
    with torch.no_grad():
        both = unroll(model, two_clips["frames"], two_clips["labels"][:, 0])
        alone = unroll(model, two_clips["frames"][1:], two_clips["labels"][1:, 0])
    torch.testing.assert_close(both.logits[1:], alone.logits, atol=1e-4, rtol=1e-4)
    assert not torch.allclose(both.logits[0], both.logits[1], atol=1e-2)


def test_softmax_heatmap_is_fed_back(two_clips: dict, monkeypatch):
    fed = []
    model = build_model(EXP8, "hrnet").train()
    advance = model.advance

    def recording(features, state, step, heatmap):
        fed.append((step.logits, heatmap))
        return advance(features, state, step, heatmap)

    monkeypatch.setattr(model, "advance", recording)
    unroll(model, two_clips["frames"], two_clips["labels"][:, 0])
    assert len(fed) == 1  # of three frames, only the middle one has a successor
    logits, heatmap = fed[0]
    assert torch.equal(heatmap, logits.softmax(dim=1))


def test_gradient_flows_through_the_recurrence(two_clips: dict):
    """The last frame's loss alone reaches the update weight, which acts one frame earlier."""
    model = build_model(EXP8, "hrnet").train()
    result = unroll(model, two_clips["frames"], two_clips["labels"][:, 0])
    result.logits[:, -1].square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in model.adaptive_weight.parameters())


def test_future_frames_change_nothing(two_clips: dict):
    model = build_model(EXP8, "hrnet").eval()
    changed = two_clips["frames"].clone()
    changed[:, 2] = 0
    with torch.no_grad():
        first = unroll(model, two_clips["frames"], two_clips["labels"][:, 0]).logits
        second = unroll(model, changed, two_clips["labels"][:, 0]).logits
    torch.testing.assert_close(first[:, 0], second[:, 0], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(first[:, 1], second[:, 1], atol=1e-3)


@pytest.mark.parametrize("name", load_variants())
def test_every_experiment_trains(two_clips: dict, name: str):
    """One step of each: every learning parameter gets a gradient, every loss is finite."""
    torch.manual_seed(0)
    variant = find_variant(name)
    model = build_model(variant, "hrnet")
    model.freeze()
    losses = clip_loss(model.train(), two_clips, TrainConfig(stages=()))
    assert ("transition" in losses) == variant.transition_loss
    losses["total"].backward()
    silent = [n for n, p in model.named_parameters() if p.requires_grad != (p.grad is not None)]
    assert silent == []


def test_bfloat16_stays_near_float32_and_its_losses_are_float32(two_clips: dict):
    """One step from the same weights: losses within 2 %, gradients in nearly one direction."""
    torch.manual_seed(0)
    model = build_model(EXP8, "hrnet").eval()
    results = {}
    for precision in ("float32", "bfloat16"):
        model.zero_grad()
        losses = clip_loss(model, two_clips, TrainConfig(stages=(), precision=precision))
        assert {value.dtype for value in losses.values()} == {torch.float32}
        losses["total"].backward()
        assert {p.grad.dtype for p in model.parameters() if p.grad is not None} == {torch.float32}
        gradient = torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
        results[precision] = losses["total"].item(), gradient
    (exact, direction), (rough, other) = results["float32"], results["bfloat16"]
    assert rough != exact
    assert rough == pytest.approx(exact, rel=0.02)
    assert torch.nn.functional.cosine_similarity(direction, other, dim=0) > 0.98


def heatmaps(clips: int) -> torch.Tensor:
    """One square object a clip, each elsewhere."""
    foreground = torch.zeros(clips, 40, 60)
    for clip in range(clips):
        foreground[clip, 5 + clip % 20 : 20 + clip % 20, 10:30] = 1
    return torch.stack([1 - foreground, foreground], dim=1)


def test_none_is_spoilt_at_share_0():
    torch.manual_seed(0)
    assert torch.equal(corrupt(heatmaps(6), 0.0), heatmaps(6))


def test_the_asked_share_is_erased_or_confused():
    torch.manual_seed(0)
    before = heatmaps(400)
    after = corrupt(before, 0.5)
    assert torch.equal(after.sum(dim=1), torch.ones(400, 40, 60))
    change = (after - before)[:, 1]
    grown, shrunk = (change > 0).flatten(1).any(1), (change < 0).flatten(1).any(1)
    assert not (grown & shrunk).any()
    assert 0.17 < grown.float().mean() < 0.33
    assert 0.17 < shrunk.float().mean() < 0.33  # a rectangle about a pixel of the object hits it
    others = before.roll(1, dims=0)[:, 1]
    assert ((change > 0) <= (others > 0)).all()


def test_a_clip_alone_in_its_part_gets_its_own_object_a_second_time():
    """Half of what is spoilt is confused, whatever the number of clips in a part of the batch."""
    torch.manual_seed(0)
    before = heatmaps(1)
    changes = [(corrupt(before, 1.0) - before)[0, 1] for _ in range(200)]
    grown = [change for change in changes if (change > 0).any()]
    assert 0.35 < len(grown) / len(changes) < 0.65
    assert all((change >= 0).all() for change in grown)  # the object itself stays
    places = {tuple((change > 0).nonzero()[0].tolist()) for change in grown}
    assert len(places) > len(grown) / 2  # elsewhere each time
    size = int(before[0, 1].sum())
    assert all(size / 3 < (change > 0).sum() <= size for change in grown)


def test_parts_of_one_clip_draw_the_same_from_the_same_seed():
    drawn = []
    for _ in range(2):
        torch.manual_seed(3)
        drawn.append(corrupt(heatmaps(1), 1.0))
    assert torch.equal(*drawn)


def test_the_rest_keeps_its_gradient():
    torch.manual_seed(0)
    logits = torch.zeros(8, 2, 40, 60, requires_grad=True)
    corrupt(logits.softmax(dim=1), 1.0)[:, 1].sum().backward()
    assert (logits.grad != 0).any()
    assert (logits.grad == 0).any()


def test_a_heatmap_without_an_object_is_fine():
    empty = torch.stack([torch.ones(2, 40, 60), torch.zeros(2, 40, 60)], dim=1)
    assert torch.equal(corrupt(empty, 1.0), empty)
