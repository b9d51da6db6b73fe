"""OSVOS: counts (docs/peers.md, section 4.9), the side outputs, and the fine-tuning on frame 0."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode

from tests.conftest import disc_frame
from ttvos.core.errors import UserError
from ttvos.peers import online, osvos, vgg
from ttvos.peers.record import load_records

DISCS = [(18, 20, 4, 12), (20, 34, 0, 5)]


def small(t: int) -> tuple[np.ndarray, np.ndarray]:
    frame, mask = disc_frame(t, DISCS)
    return frame[:32, :48].copy(), mask[:32, :48].copy()


def test_parameters_and_macs_are_those_of_the_facts() -> None:
    expected = load_records()["osvos"].expected
    network = osvos.OSVOSNetwork().eval().to("meta")
    parameters = sum(p.numel() for p in network.parameters())
    assert parameters / 1e6 == pytest.approx(expected.parameters_m, rel=0.01)
    image = torch.empty(1, 3, 480, 854, device="meta")
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network.trunk(image)
        trunk = counter.get_total_flops() / 2e9
        network(image)
    assert trunk == pytest.approx(125.7, rel=0.01)
    whole = counter.get_total_flops() / 2e9 - trunk
    assert whole == pytest.approx(expected.frame_gmac, rel=0.01)


def test_the_published_updates_are_five_passes_and_their_gradients_each() -> None:
    cost = osvos.OSVOS().online_cost(480, 854)
    forward = 130.83e9
    # all gradients cost twice the pass, but no gradient of the image and of the fixed kernels
    assert 5 * 2.9 * forward < cost["macs_per_update"] < 5 * 3 * forward
    assert cost["macs"] == 2000 * cost["macs_per_update"]


@pytest.mark.parametrize("factor", [2, 4])
def test_enlarging_is_bilinear(factor: int) -> None:
    x = torch.rand(1, 3, 5, 7, generator=torch.Generator().manual_seed(0))
    size = (5 * factor, 7 * factor)
    found = vgg.Enlarge(3, factor, counted=True)(x, size)
    wanted = F.interpolate(x, size, mode="bilinear", align_corners=False)
    inside = (..., slice(factor, -factor), slice(factor, -factor))
    assert torch.allclose(found[inside], wanted[inside], atol=1e-6)


def test_images_are_bgr_less_the_mean() -> None:
    frame = np.zeros((2, 2, 3), np.uint8)
    frame[..., 0] = 200
    image = vgg.to_vgg_image(frame)
    assert image[0, :, 0, 0].tolist() == pytest.approx([-104.00699, -116.66877, 200 - 122.67892])


def test_without_updates_every_object_has_its_pass_and_nothing_is_kept() -> None:
    tracker = osvos.OSVOS()
    frame, mask = small(0)
    state = tracker.init(frame, mask)
    assert state.weights == ({}, {})
    passes = []
    tracker.network.register_forward_hook(lambda *_: passes.append(1))
    prediction, after = tracker.step(frame, state)
    assert len(passes) == 2
    assert after is state
    assert prediction.mask.dtype == np.uint8
    assert prediction.foreground.shape == (2, 32, 48)
    with pytest.raises(UserError, match="clip of size"):
        tracker.step(frame[:16], state)


def test_fine_tuning_learns_each_object_and_leaves_the_network_alone() -> None:
    # ten times the published rate: the loss sums over pixels, of which there are few here
    tracker = osvos.OSVOS(updates=2, learning_rate=1e-7)
    frame, mask = small(0)
    before = {name: p.clone() for name, p in tracker.network.named_parameters()}
    state = tracker.init(frame, mask)
    image = vgg.to_vgg_image(frame)
    for number, weights in enumerate(state.weights, start=1):
        target = torch.from_numpy((mask == number).astype(np.float32))[None, None]
        untuned = online.balanced_loss(tracker.network(image), target)
        tuned = online.balanced_loss(functional_call(tracker.network, weights, image), target)
        assert tuned < 0.95 * untuned
        assert not any(weight.requires_grad for weight in weights.values())
    assert all(torch.equal(before[name], p) for name, p in tracker.network.named_parameters())
    first, second = tracker.step(small(1)[0], state)[0].foreground
    assert not np.allclose(first, second, atol=1e-3)


def test_fine_tuning_is_repeatable() -> None:
    frame, mask = small(0)
    tracker = osvos.OSVOS(updates=1)
    one, two = (tracker.init(frame, (mask == 1).astype(np.uint8)) for _ in range(2))
    assert all(torch.equal(w, two.weights[0][name]) for name, w in one.weights[0].items())
    assert not any(name.endswith("kernel") for name in one.weights[0])


def test_learning_rates() -> None:
    weights = {name: torch.zeros(1) for name in ("a.weight", "a.bias", "fuse.weight", "fuse.bias")}
    groups = osvos.parameter_groups(weights, 1.0)
    assert [g["lr"] for g in groups] == [1.0, 2.0, 0.01, 0.02]
    assert [g["weight_decay"] for g in groups] == [2e-4, 0.0, 2e-4, 0.0]


def test_bad_options_and_weights_are_errors() -> None:
    with pytest.raises(UserError, match="cost only"):
        osvos.OSVOS(weights="osvos.pth")
    with pytest.raises(UserError, match="updates"):
        osvos.OSVOS(updates=-1)
    with pytest.raises(UserError, match="learning_rate"):
        osvos.OSVOS(learning_rate=0)
