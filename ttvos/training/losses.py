"""The three training losses (docs/facts.md, section 4): heatmap, transition map, template head.

B: clips of a batch, T: frames of a clip (frame 0 has the given mask and no loss),
N: maps in any order, H, W: frame size, h, w: a map at 1/8 of it.
Labels are int64: 1 object, 0 everything else, 255 ignored, that is, left out of every sum
and of every count. A term without a single counted pixel is 0, not NaN.

Each term is a sum over a count, and the count follows from the labels alone (`counted_values`).
Where a batch is learnt in parts, each part divides by the counts of the whole batch: then losses
and gradients of the parts add up to those of the whole.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from ttvos.config.experiments import Variant
from ttvos.config.run import TrainConfig
from ttvos.core.video import IGNORED


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
    outputs: Outputs,
    labels: Tensor,
    variant: Variant,
    config: TrainConfig,
    counts: dict[str, Tensor] | None = None,
) -> dict[str, Tensor]:
    """Scalars "heatmap", "transition" and "template" (those in use), and "total", their sum.

    labels (B,T,H,W), frame 0 included. All weights are 1 (docs/facts.md, section 4).
    counts: of the whole batch (`counted_values`), where this is a part of it.
    """
    tracked, counts = labels[:, 1:].flatten(0, 1), counts or {}
    logits = outputs.logits.flatten(0, 1)
    terms = {"heatmap": heatmap_loss(logits, tracked, counts.get("heatmap"))}
    if variant.transition_loss:
        terms["transition"] = transition_loss(
            outputs.transition,
            *transition_targets(outputs.logits, labels, outputs.transition.shape[-2:]),
            config.transition_activation,
            counts.get("transition"),
        )
    if config.template_loss:
        logits = outputs.template_logits.flatten(0, 1)
        terms["template"] = template_loss(logits, tracked, counts.get("template"))
    return {**terms, "total": torch.stack(list(terms.values())).sum()}


def counted_values(labels: Tensor) -> dict[str, Tensor]:
    """How many values each term is a mean over, by the labels (B,T,H,W): int64 scalars.

    The maps of the transition and template terms have 1/8 of the frame's size.
    """
    size = labels.shape[-2] // 8, labels.shape[-1] // 8
    tracked = labels[:, 1:].flatten(0, 1)
    return {
        "heatmap": (tracked != IGNORED).sum(),
        "transition": 2 * transition_counted(labels, size).sum(),  # two channels
        "template": (_nearest(tracked, size) != IGNORED).sum(),
    }


def one_hot(labels: Tensor) -> Tensor:
    """Ground-truth heatmap (...,2,H,W) float32 of labels (...,H,W); 255 counts as background."""
    foreground = (labels == 1).float()
    return torch.stack([1 - foreground, foreground], dim=-3)


def heatmap_loss(logits: Tensor, labels: Tensor, count: Tensor | None = None) -> Tensor:
    """Mean negative log-likelihood of the labels; logits (N,2,H,W), labels (N,H,W).

    count: what to divide the sum by; None means the counted pixels.
    """
    total = functional.cross_entropy(logits, labels, ignore_index=IGNORED, reduction="sum")
    return _divide(total, (labels != IGNORED).sum() if count is None else count)


def template_loss(logits: Tensor, labels: Tensor, count: Tensor | None = None) -> Tensor:
    """Mean binary cross-entropy of the template head; not in the paper (ledger item 4).

    logits (N,1,h,w) before the sigmoid; labels (N,H,W), resized to (h,w) by nearest pixel.
    count: as for `heatmap_loss`.
    """
    small = _nearest(labels, logits.shape[-2:])
    loss = functional.binary_cross_entropy_with_logits(
        logits, (small == 1).float(), reduction="none"
    )
    return _mean_where(loss, small != IGNORED, count)


def transition_targets(
    logits: Tensor, labels: Tensor, size: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Target T - E of every tracked frame, and where it counts.

    T: ground-truth heatmap of frame t. E: estimated heatmap (probabilities) of frame t-1, for
    t = 1 the ground truth of frame 0. Both are resized bilinearly to `size` (h,w). The gradient
    flows through E (docs/facts.md, section 4).
    logits (B,T-1,2,H,W), labels (B,T,H,W).
    Returns target (B,T-1,2,h,w) in [-1,1] and counted (B,T-1,1,h,w) bool: False where a pixel
    with label 255 takes part in T or in the ground truth that stands for E.
    """
    # One channel at 1/8 and its complement are what two channels of full size would become.
    foreground = _resize((labels == 1).float()[:, :, None], size)
    truth = torch.cat([1 - foreground, foreground], dim=2)
    estimates = _resize(logits[:, :-1].softmax(dim=2), size)
    previous = torch.cat([truth[:, :1], estimates], dim=1)
    return truth[:, 1:] - previous, transition_counted(labels, size)


def transition_counted(labels: Tensor, size: tuple[int, int]) -> Tensor:
    """Where the transition term counts: (B,T-1,1,h,w) bool, see `transition_targets`."""
    ignored = _resize((labels == IGNORED).float()[:, :, None], size) > 0
    uncounted = ignored[:, 1:].clone()
    uncounted[:, 0] |= ignored[:, 0]
    return ~uncounted


def transition_loss(
    transition: Tensor,
    target: Tensor,
    counted: Tensor,
    activation: str = "softmax",
    count: Tensor | None = None,
) -> Tensor:
    """Mean squared error of the transition map (B,T-1,2,h,w) against `transition_targets`.

    activation: "softmax" over the two channels as the released code has it, or "none", the
    paper's wording (ledger item 6). count: as for `heatmap_loss`.
    """
    if activation == "softmax":
        transition = transition.softmax(dim=2)
    elif activation != "none":
        raise ValueError(f"transition activation {activation!r}: softmax or none")
    return _mean_where((transition - target) ** 2, counted.expand_as(target), count)


def _mean_where(values: Tensor, counted: Tensor, count: Tensor | None) -> Tensor:
    return _divide((values * counted).sum(), counted.sum() if count is None else count)


def _divide(total: Tensor, count: Tensor) -> Tensor:
    return total / count.clamp(min=1)


def _nearest(labels: Tensor, size: tuple[int, int]) -> Tensor:
    """Labels (N,H,W) at (h,w) by nearest pixel, as float32 (N,1,h,w)."""
    rows, columns = (
        torch.arange(small, device=labels.device) * full // small
        for small, full in zip(size, labels.shape[-2:], strict=True)
    )
    return labels.index_select(1, rows).index_select(2, columns)[:, None].float()


def _resize(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear resizing of (B,T,C,H,W) to (B,T,C,h,w)."""
    resized = functional.interpolate(
        maps.flatten(0, 1), size=size, mode="bilinear", align_corners=False
    )
    return resized.unflatten(0, maps.shape[:2])
