"""Losses against hand-computed cases; ignored pixels; gradients through the recurrence."""

import math

import pytest
import torch

from ttvos.config.experiments import Variant
from ttvos.config.run import TrainConfig
from ttvos.training import losses

FULL = Variant("exp8")
CONFIG = TrainConfig(stages=())


def outputs(clips: int = 2, frames: int = 3, height: int = 32, width: int = 48) -> losses.Outputs:
    """Random outputs that take gradients; `frames` includes frame 0."""
    generator = torch.Generator().manual_seed(3)
    sizes = {
        "logits": (2, height, width),
        "transition": (2, height // 8, width // 8),
        "template_logits": (1, height // 8, width // 8),
    }
    return losses.Outputs(
        **{
            name: torch.randn(clips, frames - 1, *size, generator=generator).requires_grad_()
            for name, size in sizes.items()
        }
    )


def random_labels(clips: int = 2, frames: int = 3, height: int = 32, width: int = 48):
    generator = torch.Generator().manual_seed(4)
    return torch.randint(0, 2, (clips, frames, height, width), generator=generator)


def test_one_hot_takes_ignored_as_background():
    heatmap = losses.one_hot(torch.tensor([[[0, 1, 255]]]))
    assert heatmap.shape == (1, 2, 1, 3)
    assert heatmap[0, :, 0].tolist() == [[1, 0, 1], [0, 1, 0]]


def test_heatmap_loss_by_hand():
    logits = torch.tensor([[[[0.0, 2.0]], [[0.0, -1.0]]]])
    labels = torch.tensor([[[1, 0]]])
    expected = (math.log(2) + math.log(1 + math.exp(-3))) / 2
    assert losses.heatmap_loss(logits, labels).item() == pytest.approx(expected, rel=1e-6)


def test_heatmap_loss_leaves_ignored_pixels_out_of_sum_and_count():
    logits = torch.tensor([[[[0.0, 2.0]], [[0.0, -1.0]]]], requires_grad=True)
    loss = losses.heatmap_loss(logits, torch.tensor([[[255, 0]]]))
    loss.backward()
    assert loss.item() == pytest.approx(math.log(1 + math.exp(-3)), rel=1e-6)
    assert logits.grad[0, :, 0, 0].tolist() == [0, 0]
    assert logits.grad[0, 0, 0, 1] != 0


def test_template_loss_by_hand_takes_the_nearest_pixel():
    labels = torch.zeros(1, 16, 16, dtype=torch.long)
    labels[0, 0, 0] = 1  # the pixel that stands for the first cell
    labels[0, 8, 8] = 255
    logits = torch.tensor([[[[2.0, 0.0], [-1.0, 50.0]]]])
    expected = (math.log(1 + math.exp(-2)) + math.log(2) + math.log(1 + math.exp(-1))) / 3
    assert losses.template_loss(logits, labels).item() == pytest.approx(expected, rel=1e-6)


def test_transition_target_is_truth_minus_estimate_of_the_frame_before():
    labels = torch.zeros(1, 3, 16, 16, dtype=torch.long)
    labels[0, 1, :, :8] = 1
    labels[0, 2, :, 8:] = 1
    logits = torch.zeros(1, 2, 2, 16, 16)
    logits[0, 0, 1] = math.log(3)  # foreground 3/4 everywhere in frame 1
    target, counted = losses.transition_targets(logits, labels, (2, 2))
    assert counted.all()
    # Frame 1: truth minus the truth of frame 0, which is all background.
    torch.testing.assert_close(target[0, 0, 1], torch.tensor([[1.0, 0.0], [1.0, 0.0]]))
    # Frame 2: truth (right half) minus the estimate of frame 1.
    torch.testing.assert_close(target[0, 1, 1], torch.tensor([[-0.75, 0.25], [-0.75, 0.25]]))
    torch.testing.assert_close(target[0, :, 0], -target[0, :, 1])


def test_transition_target_is_resized_bilinearly():
    labels = torch.zeros(1, 2, 8, 8, dtype=torch.long)
    labels[0, 1, :, :4] = 1  # the cell's centre lies between column 3 and 4
    target, _ = losses.transition_targets(torch.zeros(1, 1, 2, 8, 8), labels, (1, 1))
    assert target[0, 0, 1].item() == pytest.approx(0.5)


@pytest.mark.parametrize(("activation", "expected"), [("softmax", 0.25**2), ("none", 0.5**2)])
def test_transition_loss_activation(activation: str, expected: float):
    transition = torch.zeros(1, 1, 2, 2, 2)
    transition[0, 0, 1] = math.log(3) if activation == "softmax" else 0.25
    transition[0, 0, 0] = 0.0 if activation == "softmax" else 0.75
    target = torch.tensor([0.5, 0.5]) if activation == "softmax" else torch.tensor([0.25, 0.75])
    target = target.view(1, 1, 2, 1, 1).expand(1, 1, 2, 2, 2)
    counted = torch.ones(1, 1, 1, 2, 2, dtype=torch.bool)
    loss = losses.transition_loss(transition, target, counted, activation)
    assert loss.item() == pytest.approx(expected)


def test_unknown_transition_activation():
    zeros = torch.zeros(1, 1, 2, 2, 2)
    with pytest.raises(ValueError, match="tanh"):
        losses.transition_loss(zeros, zeros, zeros[:, :, :1] == 0, "tanh")


@pytest.mark.parametrize(
    ("frame", "uncounted"),
    [(0, {0}), (1, {0}), (2, {1})],
    ids=["truth that stands for the estimate", "frame 1", "frame 2"],
)
def test_transition_leaves_cells_with_ignored_pixels_out(frame: int, uncounted: set[int]):
    labels = torch.zeros(1, 3, 16, 16, dtype=torch.long)
    labels[0, frame, 3, 4] = 255  # one of the four pixels around the first cell's centre
    _, counted = losses.transition_targets(torch.zeros(1, 2, 2, 16, 16), labels, (2, 2))
    assert {n for n in range(2) if not counted[0, n, 0, 0, 0]} == uncounted
    assert counted.sum() == counted.numel() - len(uncounted)


def test_gradient_flows_through_the_estimate():
    result = outputs()
    target, counted = losses.transition_targets(result.logits, random_labels(), (4, 6))
    losses.transition_loss(result.transition, target, counted).backward()
    assert result.logits.grad[:, 0].abs().sum() > 0  # frame 1 is the estimate for frame 2
    assert result.logits.grad[:, 1].abs().sum() == 0  # the last frame is nobody's estimate
    assert result.transition.grad.abs().sum() > 0


def test_terms_and_their_sum():
    terms = losses.clip_losses(outputs(), random_labels(), FULL, CONFIG)
    assert list(terms) == ["heatmap", "transition", "template", "total"]
    parts = terms["heatmap"] + terms["transition"] + terms["template"]
    torch.testing.assert_close(terms["total"], parts)
    assert all(term.dim() == 0 and term > 0 for term in terms.values())


def test_terms_can_be_off():
    variant = Variant("exp3", transition_loss=False)
    config = TrainConfig(stages=(), template_loss=False)
    result = losses.Outputs(outputs().logits, None, None)
    terms = losses.clip_losses(result, random_labels(), variant, config)
    assert list(terms) == ["heatmap", "total"]
    assert terms["total"] == terms["heatmap"]


def test_configured_activation_is_used():
    softmax, none = (
        losses.clip_losses(
            outputs(), random_labels(), FULL, TrainConfig(stages=(), transition_activation=name)
        )
        for name in ("softmax", "none")
    )
    assert softmax["heatmap"] == none["heatmap"]
    assert softmax["transition"] != none["transition"]


def test_ignored_pixels_do_not_change_any_term():
    """Whatever the model says where the label is 255 in every frame, no term changes."""
    labels = random_labels()
    labels[:, :, :, 16:32] = 255
    result = outputs()
    terms = losses.clip_losses(result, labels, FULL, CONFIG)
    terms["total"].backward()
    for values, columns in (
        (result.logits, slice(16, 32)),
        (result.transition, slice(2, 4)),
        (result.template_logits, slice(2, 4)),
    ):
        assert values.grad[..., columns].abs().sum() == 0
        assert values.grad.abs().sum() > 0


def test_everything_ignored_is_zero_not_nan():
    labels = torch.full((2, 3, 32, 48), 255)
    result = outputs()
    terms = losses.clip_losses(result, labels, FULL, CONFIG)
    terms["total"].backward()
    assert [term.item() for term in terms.values()] == [0, 0, 0, 0]
    assert result.logits.grad.abs().sum() == 0


def test_two_frames_are_enough():
    terms = losses.clip_losses(outputs(frames=2), random_labels(frames=2), FULL, CONFIG)
    assert terms["total"].isfinite()


def take(result: losses.Outputs, part: slice) -> losses.Outputs:
    return losses.Outputs(
        result.logits[part], result.transition[part], result.template_logits[part]
    )


def test_parts_of_a_batch_add_up_to_the_whole():
    """Each clip has another share of ignored pixels, so means of means would be wrong."""
    labels, result = random_labels(clips=4), outputs(clips=4)
    for clip in range(4):
        labels[clip, :, :, : 11 * clip] = 255
    whole = losses.clip_losses(result, labels, FULL, CONFIG)
    whole["total"].backward()
    expected = [value.grad.clone() for value in vars(result).values()]
    for value in vars(result).values():
        value.grad = None
    counts = losses.counted_values(labels)
    parts = [slice(0, 1), slice(1, 4)]
    terms = [
        losses.clip_losses(take(result, part), labels[part], FULL, CONFIG, counts) for part in parts
    ]
    for name, value in whole.items():
        torch.testing.assert_close(sum(term[name] for term in terms), value)
        alone = [losses.clip_losses(take(result, p), labels[p], FULL, CONFIG) for p in parts]
        assert not torch.isclose(sum(term[name] for term in alone) / 2, value, rtol=1e-4)
    sum(term["total"] for term in terms).backward()
    for value, gradient in zip(vars(result).values(), expected, strict=True):
        torch.testing.assert_close(value.grad, gradient)


def test_counts_follow_from_the_labels():
    """By hand: two tracked frames of 16x16, the left half of the last one ignored."""
    labels = torch.zeros(1, 3, 16, 16, dtype=torch.long)
    labels[0, 2, :, :8] = 255
    counts = {name: value.item() for name, value in losses.counted_values(labels).items()}
    # At 1/8, frame 1 has 4 cells, frame 2 has 2; the transition has two channels of them.
    assert counts == {"heatmap": 256 + 128, "transition": 12, "template": 6}
