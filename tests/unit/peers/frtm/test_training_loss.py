"""The two losses of FRTM's training, against their definitions."""

import pytest
import torch
from torch.nn import functional

from ttvos.peers.frtm.learner import counted_values, frtm_losses, make_transition

B, T, H, W = 2, 3, 16, 24
SIZE = H // 4, W // 4


def drawn(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits of frames 1 .. T-1, labels of all frames (no void), and a transition map."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(B, T - 1, H, W, generator=generator)
    labels = torch.randint(0, 2, (B, T, H, W), generator=generator)
    return logits, labels, torch.randn(B, T - 1, 2, *SIZE, generator=generator)


def test_segmentation_loss_is_bce_of_the_sigmoid():
    logits, labels, _ = drawn()
    expected = functional.binary_cross_entropy(logits.sigmoid(), labels[:, 1:].float())
    losses = frtm_losses(logits, labels)
    assert list(losses) == ["heatmap", "total"]
    torch.testing.assert_close(losses["heatmap"], expected)
    assert losses["total"] == losses["heatmap"]


def test_void_pixels_are_left_out():
    logits, labels, _ = drawn()
    labels[:, :, :, :12] = 255
    expected = frtm_losses(logits[..., 12:], labels[..., 12:])["heatmap"]
    torch.testing.assert_close(frtm_losses(logits, labels)["heatmap"], expected)
    labels[:] = 255
    assert frtm_losses(logits, labels)["total"] == 0


def test_transition_target_is_truth_minus_the_estimate_before():
    logits, labels, transition = drawn()

    def small(maps: torch.Tensor) -> torch.Tensor:
        return functional.interpolate(maps[:, None].float(), SIZE, mode="bilinear")[:, 0]

    before = [small(labels[:, 0]), small(logits[:, 0].sigmoid())]
    foreground = [small(labels[:, t]) - before[t - 1] for t in (1, 2)]
    target = torch.stack([torch.stack([-one, one], dim=1) for one in foreground], dim=1)
    expected = functional.mse_loss(transition, target)
    losses = frtm_losses(logits, labels, transition)
    torch.testing.assert_close(losses["transition"], expected)
    torch.testing.assert_close(losses["total"], losses["heatmap"] + expected)


def test_weight_counts_for_the_transition_alone():
    one, half = (frtm_losses(*drawn(), weight) for weight in (1.0, 0.5))
    torch.testing.assert_close(half["transition"], 0.5 * one["transition"])
    assert half["heatmap"] == one["heatmap"]


def test_no_gradient_through_the_estimate():
    logits, labels, transition = drawn()
    logits.requires_grad_()
    with_loss = torch.autograd.grad(frtm_losses(logits, labels, transition)["total"], logits)[0]
    without = torch.autograd.grad(frtm_losses(logits, labels)["total"], logits)[0]
    assert torch.equal(with_loss, without)


def test_layer_of_the_transition_map():
    torch.manual_seed(3)
    before = torch.random.get_rng_state()
    first, again, other = make_transition(0), make_transition(0), make_transition(1)
    assert torch.equal(before, torch.random.get_rng_state())
    assert torch.equal(first.weight, again.weight)
    assert not torch.equal(first.weight, other.weight)
    assert first(torch.zeros(1, 64, 5, 7)).shape == (1, 2, 5, 7)
    assert sum(p.numel() for p in first.parameters()) == pytest.approx(64 * 2 * 9 + 2)


def test_parts_of_a_batch_add_up_to_the_whole():
    """Each clip has another share of ignored pixels, so means of means would be wrong."""
    logits, labels, transition = drawn()
    labels[1, 1:, :, :12] = 255
    whole, counts = frtm_losses(logits, labels, transition), counted_values(labels)
    parts = [
        frtm_losses(logits[i : i + 1], labels[i : i + 1], transition[i : i + 1], counts=counts)
        for i in range(B)
    ]
    for name, value in whole.items():
        torch.testing.assert_close(sum(part[name] for part in parts), value)
