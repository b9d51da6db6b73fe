"""OSVOS: the side outputs, and the fine-tuning on frame 0 (docs/peers.md, section 4.9)."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch.func import functional_call

from tests.conftest import disc_frame
from tests.unit.peers.counting import built, calls_of
from ttvos.peers import online, osvos, vgg

DISCS = [(18, 20, 4, 12), (20, 34, 0, 5)]


def small(t: int) -> tuple[np.ndarray, np.ndarray]:
    frame, mask = disc_frame(t, DISCS)
    return frame[:32, :48].copy(), mask[:32, :48].copy()


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


def test_learning_rates() -> None:
    weights = {name: torch.zeros(1) for name in ("a.weight", "a.bias", "fuse.weight", "fuse.bias")}
    groups = osvos.parameter_groups(weights, 1.0)
    assert [g["lr"] for g in groups] == [1.0, 2.0, 0.01, 0.02]
    assert [g["weight_decay"] for g in groups] == [2e-4, 0.0, 2e-4, 0.0]


def test_without_updates_every_object_has_its_pass_and_nothing_is_kept() -> None:
    tracker, (frame, mask) = built("osvos"), small(0)
    state = tracker.init(frame, mask)
    assert state.weights == ({}, {})
    with calls_of(tracker.network) as passes:
        _, after = tracker.step(frame, state)
    assert len(passes) == 2
    assert after is state


def test_fine_tuning_learns_each_object_and_leaves_the_network_alone(monkeypatch) -> None:
    tracker, (frame, mask) = built("osvos"), small(0)
    monkeypatch.setattr(tracker, "updates", 2)
    # ten times the published rate: the loss sums over pixels, of which there are few here
    monkeypatch.setattr(tracker, "learning_rate", 1e-7)
    before = {name: p.clone() for name, p in tracker.network.named_parameters()}
    state, again = tracker.init(frame, mask), tracker.init(frame, (mask == 1).astype(np.uint8))
    image = vgg.to_vgg_image(frame)
    for number, weights in enumerate(state.weights, start=1):
        target = torch.from_numpy((mask == number).astype(np.float32))[None, None]
        untuned = online.balanced_loss(tracker.network(image), target)
        tuned = online.balanced_loss(functional_call(tracker.network, weights, image), target)
        assert tuned < 0.95 * untuned
        assert not any(weight.requires_grad for weight in weights.values())
        assert not any(name.endswith("kernel") for name in weights)
    assert all(torch.equal(w, again.weights[0][name]) for name, w in state.weights[0].items())
    assert all(torch.equal(before[name], p) for name, p in tracker.network.named_parameters())
    first, second = tracker.step(small(1)[0], state)[0].foreground
    assert not np.allclose(first, second, atol=1e-3)
