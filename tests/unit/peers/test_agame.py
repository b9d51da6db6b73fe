"""A-GAME: the Gaussians, aggregation, and what a step keeps (docs/peers.md, section 4.6)."""

import numpy as np
import pytest
import torch

from tests.conftest import disc_frame
from tests.unit.peers.counting import DISCS, built
from ttvos.peers import agame
from ttvos.peers.agame import Appearance, Gaussians, log_likelihood


def test_log_likelihood_is_that_of_normal_distributions() -> None:
    features = torch.tensor([1.0, -2.0]).view(1, 2, 1, 1)
    means, variances = torch.tensor([0.5, 1.0]), torch.tensor([2.0, 0.25])
    found = log_likelihood(features, Gaussians(means.view(1, 1, 2), variances.view(1, 1, 2)))
    normal = torch.distributions.Normal(means, variances.sqrt())
    # the constant, log(2 pi) / 2 for each channel, is left out
    constant = 0.5 * 2 * np.log(2 * np.pi)
    right = normal.log_prob(features.flatten()).sum() + constant
    assert found.item() == pytest.approx(right.item(), rel=1e-5)


@torch.inference_mode()
def test_gaussians_are_weighted_means_and_the_second_pair_is_of_the_errors() -> None:
    appearance = Appearance()
    # the projection keeps the first 512 channels; only channel 0 says anything
    appearance.project.weight.copy_(torch.eye(512, 2048)[..., None, None])
    appearance.project.bias.zero_()
    s16 = torch.zeros(1, 2048, 1, 6)
    s16[0, 0, 0] = torch.tensor([0.0, 0.0, 9.0, 10.0, 10.0, 10.0])
    masks = torch.zeros(1, 2, 1, 6)
    masks[0, 0, 0, :3] = 1  # background: 0, 0, and 9, which looks like the object
    masks[0, 1, 0, 3:] = 1
    found = appearance.estimate(s16, masks)
    # the second pair: the 9 that the object's Gaussian claims, the 10s the background's may claim
    assert found.means.shape == found.variances.shape == (1, 4, 512)
    assert found.means[0, :, 0].tolist() == pytest.approx([3, 10, 9, 10], abs=2e-3)
    start = np.log1p(np.exp(-2.0))  # softplus of the regulariser's start
    assert found.variances[0, 1, 0].item() == pytest.approx(start, rel=1e-3)
    assert found.variances[0, 0, 0].item() == pytest.approx(18 + start, rel=1e-3)


def test_a_new_frame_counts_a_tenth() -> None:
    old, new = (Gaussians(torch.full((1, 4, 2), v), torch.full((1, 4, 2), v)) for v in (1.0, 2.0))
    assert torch.allclose(agame.blend(old, new).means, torch.tensor(1.1))


def test_background_is_the_smallest_complement() -> None:
    # odds: background 0.2 -> 1/4, objects 4 and 1
    shares = agame.aggregate(torch.tensor([0.8, 0.5]).view(2, 1, 1))
    assert shares.flatten().tolist() == pytest.approx([1 / 21, 16 / 21, 4 / 21])


def test_masks_at_a_sixteenth_are_fractions() -> None:
    soft = torch.zeros(1, 32, 32)
    soft[0, :8, :16] = 1
    classes = agame.as_classes(soft)
    assert classes[0, 1].tolist() == [[0.5, 0], [0, 0]]
    assert torch.equal(classes.sum(dim=1), torch.ones(1, 2, 2))


def test_a_step_changes_the_gaussians_and_keeps_frame_0() -> None:
    tracker, (frame, mask) = built("agame"), disc_frame(0, DISCS)
    first = tracker.init(frame[:30, :45], mask[:30, :45])
    _, state = tracker.step(disc_frame(1, DISCS)[0][:30, :45], first)
    assert state.gaussians.means.shape == (len(state.ids), 4, 512)
    assert not torch.allclose(state.gaussians.means, first.gaussians.means)
    assert state.first is first.first


@torch.inference_mode()
def test_appearance_masks_and_frame_0_all_count() -> None:
    tracker = built("agame")
    heads = tracker.network.heads
    generator = torch.Generator().manual_seed(0)
    frame = tracker.network.backbone(torch.randn(1, 3, 64, 64, generator=generator))
    s16, masks = frame.s16, torch.rand(1, 2, 4, 4, generator=generator)
    gaussians = tracker.network.update(s16, masks)
    shown = heads(frame, gaussians, s16, masks, masks)
    others = [
        heads(frame, Gaussians(gaussians.means * 2, gaussians.variances), s16, masks, masks),
        heads(frame, gaussians, s16 * 2, masks, masks),
        heads(frame, gaussians, s16, 1 - masks, masks),
        heads(frame, gaussians, s16, masks, 1 - masks),
    ]
    assert shown.shape == (1, 2, 64, 64)
    assert all(not torch.equal(shown, other) for other in others)
