"""The three training losses (FACTS section 4): heatmap, transition map, template head.

B: clips of a batch, T: frames of a clip (frame 0 has the given mask and no loss),
N: maps in any order, H, W: frame size, h, w: a map at 1/8 of it.
Labels are int64: 1 object, 0 everything else, 255 ignored, that is, left out of every sum
and of every count. A term without a single counted pixel is 0, not NaN.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ttvos.config import TrainConfig
from ttvos.variants import Variant
from ttvos.video import IGNORED


@dataclass(frozen=True)
class Outputs:
    """What the model says about the tracked frames 1 .. T-1 of a batch of clips.

    logits (B,T-1,2,H,W): heatmap logits (background, foreground).
    transition (B,T-1,2,h,w): raw transition map; None where the variant has none.
    template_logits (B,T-1,1,h,w): the template head before its sigmoid; None likewise.
    """

    logits: Tensor
    transition: Tensor | None
    template_logits: Tensor | None


def clip_losses(
    outputs: Outputs, labels: Tensor, variant: Variant, config: TrainConfig
) -> dict[str, Tensor]:
    """Scalars "heatmap", "transition" and "template" (those in use), and "total", their sum.

    labels (B,T,H,W), frame 0 included. All weights are 1 (FACTS section 4).
    """
    tracked = labels[:, 1:]
    terms = {"heatmap": heatmap_loss(outputs.logits.flatten(0, 1), tracked.flatten(0, 1))}
    if variant.transition_loss:
        target, counted = transition_targets(outputs.logits, labels, outputs.transition.shape[-2:])
        terms["transition"] = transition_loss(
            outputs.transition, target, counted, config.transition_activation
        )
    if config.template_loss:
        terms["template"] = template_loss(
            outputs.template_logits.flatten(0, 1), tracked.flatten(0, 1)
        )
    return {**terms, "total": torch.stack(list(terms.values())).sum()}


def one_hot(labels: Tensor) -> Tensor:
    """Ground-truth heatmap (...,2,H,W) float32 of labels (...,H,W); 255 counts as background."""
    foreground = (labels == 1).float()
    return torch.stack([1 - foreground, foreground], dim=-3)


def heatmap_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean negative log-likelihood of the labels; logits (N,2,H,W), labels (N,H,W)."""
    total = functional.cross_entropy(logits, labels, ignore_index=IGNORED, reduction="sum")
    return total / (labels != IGNORED).sum().clamp(min=1)


def template_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean binary cross-entropy of the template head; not in the paper (ledger item 4).

    logits (N,1,h,w) before the sigmoid; labels (N,H,W), resized to (h,w) by nearest pixel.
    """
    small = functional.interpolate(labels[:, None].float(), size=logits.shape[-2:], mode="nearest")
    loss = functional.binary_cross_entropy_with_logits(
        logits, (small == 1).float(), reduction="none"
    )
    return _mean_where(loss, small != IGNORED)


def transition_targets(
    logits: Tensor, labels: Tensor, size: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Target T - E of every tracked frame, and where it counts.

    T: ground-truth heatmap of frame t. E: estimated heatmap (probabilities) of frame t-1, for
    t = 1 the ground truth of frame 0. Both are resized bilinearly to `size` (h,w). The gradient
    flows through E (FACTS section 4).
    logits (B,T-1,2,H,W), labels (B,T,H,W).
    Returns target (B,T-1,2,h,w) in [-1,1] and counted (B,T-1,1,h,w) bool: False where a pixel
    with label 255 takes part in T or in the ground truth that stands for E.
    """
    truth = _resize(one_hot(labels), size)
    estimates = _resize(logits[:, :-1].softmax(dim=2), size)
    previous = torch.cat([truth[:, :1], estimates], dim=1)
    ignored = _resize((labels == IGNORED).float()[:, :, None], size) > 0
    uncounted = ignored[:, 1:].clone()
    uncounted[:, 0] |= ignored[:, 0]
    return truth[:, 1:] - previous, ~uncounted


def transition_loss(
    transition: Tensor, target: Tensor, counted: Tensor, activation: str = "softmax"
) -> Tensor:
    """Mean squared error of the transition map (B,T-1,2,h,w) against `transition_targets`.

    activation: "softmax" over the two channels as the released code has it, or "none", the
    paper's wording (ledger item 6).
    """
    if activation == "softmax":
        transition = transition.softmax(dim=2)
    elif activation != "none":
        raise ValueError(f"transition activation {activation!r}: softmax or none")
    return _mean_where((transition - target) ** 2, counted.expand_as(target))


def _mean_where(values: Tensor, counted: Tensor) -> Tensor:
    return (values * counted).sum() / counted.sum().clamp(min=1)


def _resize(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear resizing of (B,T,C,H,W) to (B,T,C,h,w)."""
    resized = functional.interpolate(
        maps.flatten(0, 1), size=size, mode="bilinear", align_corners=False
    )
    return resized.unflatten(0, maps.shape[:2])
