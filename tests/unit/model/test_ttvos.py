"""The recurrence: what the state holds, how the template moves, and what frame sizes do."""

from dataclasses import replace

import pytest
import torch

from ttvos.config.experiments import BACKBONES, Variant, find_variant, load_variants
from ttvos.model.blocks import coordinates, to_eighth
from ttvos.model.ttvos import build_model


@pytest.fixture
def clip() -> tuple[torch.Tensor, torch.Tensor]:
    """Five normalised frames (5, 3, 48, 64) and a first heatmap (1, 2, 48, 64)."""
    generator = torch.Generator().manual_seed(3)
    mask = torch.zeros(1, 1, 48, 64)
    mask[:, :, 10:30, 20:50] = 1
    return torch.randn(5, 3, 48, 64, generator=generator), torch.cat([1 - mask, mask], dim=1)


def run(model, clip, frames: int = 5):
    """States and steps of a clip, without gradients."""
    images, heatmap = clip
    states, steps = [], []
    with torch.no_grad():
        features = model.features(images)
        states.append(model.start(features.select(slice(0, 1)), heatmap))
        for t in range(1, frames):
            now = features.select(slice(t, t + 1))
            steps.append(model.step(now, states[-1]))
            states.append(
                model.advance(now, states[-1], steps[-1], steps[-1].logits.softmax(dim=1))
            )
    return states, steps


def fresh(variant: Variant, backbone: str = "hrnet"):
    torch.manual_seed(0)
    return build_model(variant, backbone).eval()


@pytest.mark.parametrize("name", sorted(load_variants()))
def test_shapes_of_every_variant(name, clip):
    variant = find_variant(name)
    states, steps = run(fresh(variant), clip)
    step, state = steps[-1], states[-1]
    assert step.logits.shape == (1, 2, 48, 64)
    assert step.attention.shape == (1, 18, 6, 8)
    assert step.template_logit.shape == (1, 1, 6, 8)
    assert (step.transition is not None) == variant.transition_loss
    assert (state.template is not None) == variant.long_term
    assert state.clue.shape == (1, 6 if variant.attention_clue == "full" else 2, 6, 8)
    weighs = variant.long_term and variant.adaptive_weight and variant.update_template
    assert (step.update_weight is not None) == weighs


@pytest.mark.parametrize("backbone", BACKBONES)
def test_features_have_the_documented_shapes(backbone):
    model = fresh(find_variant("exp8"), backbone)
    with torch.no_grad():
        features = model.features(torch.zeros(1, 3, 48, 80))  # neither is a multiple of 32
    c4, c8, c16 = model.backbone.channels
    assert features.f4.shape == (1, c4, 12, 20)
    assert features.f8.shape == (1, c8, 6, 10)
    assert features.f16.shape == (1, c16, 3, 5)


def test_state_does_not_grow_with_the_clip(clip):
    states, _ = run(fresh(find_variant("exp8")), clip)
    sizes = {sum(x.numel() for x in (s.template, s.clue, s.previous_f16)) for s in states}
    assert len(sizes) == 1


def test_clue_holds_the_last_three_heatmaps_newest_first(clip):
    states, steps = run(fresh(find_variant("exp8")), clip)
    pooled = [to_eighth(clip[1])] + [to_eighth(s.logits.softmax(dim=1)) for s in steps]
    assert torch.equal(states[0].clue[:, :2], pooled[0])
    assert not states[0].clue[:, 2:].any()
    assert torch.allclose(states[4].clue, torch.cat([pooled[4], pooled[3], pooled[2]], dim=1))


def test_template_rows_stay_distributions(clip):
    states, _ = run(fresh(find_variant("exp8")), clip)
    for state in states:
        assert torch.allclose(state.template.sum(dim=-1), torch.ones(1, 32), atol=1e-5)


def test_template_moves_by_the_adaptive_weight(clip):
    model = fresh(find_variant("exp8"))
    states, steps = run(model, clip)
    with torch.no_grad():
        features = model.features(clip[0]).select(slice(1, 2))
        new = model._embed(features, steps[0].logits.softmax(dim=1), states[1].clue)
    w = steps[0].update_weight.item()
    expected = states[0].template / (1 + w) + new * w / (1 + w)
    assert torch.allclose(states[1].template, expected, atol=1e-6)
    assert not torch.allclose(states[1].template, states[0].template, atol=1e-6)


def test_template_without_update_stays(clip):
    states, _ = run(fresh(find_variant("exp5")), clip)
    assert torch.equal(states[-1].template, states[0].template)


def test_fixed_decay_is_the_running_mean_of_all_frames(clip):
    model = fresh(find_variant("exp6"))
    states, steps = run(model, clip)
    with torch.no_grad():
        features = model.features(clip[0])
        each = [states[0].template] + [
            model._embed(features.select(slice(t, t + 1)), s.logits.softmax(dim=1), states[t].clue)
            for t, s in enumerate(steps, start=1)
        ]
    assert torch.allclose(states[-1].template, torch.stack(each).mean(dim=0), atol=1e-6)


def test_without_short_term_the_previous_frames_feature_is_not_seen(clip):
    for name, sees in (("exp2", False), ("exp3", True)):
        model = fresh(find_variant(name))
        with torch.no_grad():
            features = model.features(clip[0])
            state = model.start(features.select(slice(0, 1)), clip[1])
            other = replace(state, previous_f16=state.previous_f16 + 1)
            now = features.select(slice(1, 2))
            same = torch.equal(model.step(now, state).logits, model.step(now, other).logits)
        assert same != sees


def test_reextraction_shows_the_mask_to_the_backbone(clip):
    model = fresh(find_variant("exp7"))
    with torch.no_grad():
        features = model.features(clip[0][:1])
        with_object = model.start(features, clip[1]).template
        without = model.start(features, clip[1].flip(1)).template
    assert not torch.allclose(with_object, without, atol=1e-7)


def test_coordinates():
    grid = coordinates(3, 5, like=torch.zeros(1))
    assert grid.shape == (1, 3, 3, 5)
    assert grid[0, 0, :, 0].tolist() == [-1, 0, 1]
    assert grid[0, 1, 0].tolist() == [-1, -0.5, 0, 0.5, 1]
    assert grid[0, 2, 0, 0].item() == pytest.approx(2**0.5)
    assert grid[0, 2, 1, 2].item() == 0
