"""A-GAME: counts (docs/peers.md, section 4.6), the Gaussians, aggregation, and a small clip."""

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tests.conftest import disc_frame
from ttvos.core.errors import UserError
from ttvos.peers import agame
from ttvos.peers.agame import AGAMENetwork, Appearance, Gaussians, log_likelihood
from ttvos.peers.record import load_records

DISCS = [(18, 20, 4, 12), (44, 70, -4, 10)]


@pytest.fixture(scope="module")
def tracker() -> agame.AGAME:
    return agame.AGAME()


def gmac(counter: FlopCounterMode) -> float:
    return counter.get_total_flops() / 2e9


def millions(module: torch.nn.Module) -> float:
    return sum(p.numel() for p in module.parameters()) / 1e6


@torch.inference_mode()
def test_parameters_and_macs_are_those_of_the_facts() -> None:
    expected = load_records()["agame"].expected
    with torch.device("meta"):
        network = AGAMENetwork().eval()
        image = agame.pad(torch.empty(1, 3, 480, 854))
        masks = agame.as_classes(torch.empty(1, 480, 854))
    assert image.shape[-2:] == (480, 864)
    assert millions(network) == pytest.approx(expected.parameters_m, rel=0.01)
    assert millions(network.backbone) == pytest.approx(44.5, rel=0.01)
    assert millions(network.heads.dynamics) == pytest.approx(16.3, rel=0.01)
    with FlopCounterMode(display=False) as backbone:
        features = network.backbone(image)
    with FlopCounterMode(display=False) as update:
        gaussians = network.update(features.s16, masks)
    with FlopCounterMode(display=False) as heads:
        network.heads(features, gaussians, features.s16, masks, masks)
    found = {"backbone": gmac(backbone), "heads": gmac(heads), "update": gmac(update)}
    assert found == pytest.approx(expected.parts, rel=0.01)
    assert sum(found.values()) == pytest.approx(expected.frame_gmac, rel=0.01)


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


def test_padding_reflects() -> None:
    row = torch.arange(14.0).view(1, 1, 1, 14).expand(1, 1, 16, 14)
    assert agame.pad(row)[0, 0, 0].tolist() == [1, *range(14), 12]


def test_two_objects_through_a_clip(tracker: agame.AGAME) -> None:
    frames = [disc_frame(t, DISCS)[0][:60, :90] for t in range(3)]
    mask = disc_frame(0, DISCS)[1][:60, :90].copy()
    mask[mask == 2] = 7
    state = tracker.init(frames[0], mask)
    first = state
    for frame in frames[1:]:
        prediction, state = tracker.step(frame, state)
        assert prediction.mask.shape == (60, 90)
        assert set(np.unique(prediction.mask)) <= {0, 1, 7}
        assert prediction.foreground.shape == (2, 60, 90)
        assert np.isfinite(prediction.foreground).all()
    assert state.gaussians.means.shape == (2, 4, 512)
    assert not torch.allclose(state.gaussians.means, first.gaussians.means)
    assert state.first is first.first
    with pytest.raises(UserError, match="clip of size"):
        tracker.step(frames[0][:-2], state)


@torch.inference_mode()
def test_appearance_masks_and_frame_0_all_count(tracker: agame.AGAME) -> None:
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


def test_weights_cannot_be_loaded() -> None:
    with pytest.raises(UserError, match="cost only"):
        agame.AGAME(weights="agame.pth")
