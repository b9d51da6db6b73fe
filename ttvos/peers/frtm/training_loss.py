"""The losses of FRTM's training: BCE, and in Table 5's rows the transition loss.

B: clips of a batch, T: frames of a clip (frame 0 is the target model's and has no loss),
H, W: frame size, h, w: the segmentation network's last map, 1/4 of it.
Labels are int64: 1 object, 0 everything else, 255 left out of every sum and count.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from ttvos.losses import transition_loss, transition_targets
from ttvos.peers.common import make_seeded
from ttvos.video import IGNORED

MAP_CHANNELS = 64  # of the segmentation network's last RRB2 output
SEED = 1  # of the transition convolution, apart from the network's, so that both arms' are equal


def make_transition(seed: int) -> nn.Conv2d:
    """The convolution that exists in training only: 64 -> 2 (background, foreground), 3x3.

    Its weights are drawn apart, so that a network with it starts as one without (docs/peers.md,
    section 3.9).
    """
    make = lambda: nn.Conv2d(MAP_CHANNELS, 2, 3, padding=1)  # noqa: E731
    return make_seeded(make, seed * 1000 + SEED)


def frtm_losses(
    logits: Tensor,
    labels: Tensor,
    transition: Tensor | None = None,
    weight: float = 1.0,
) -> dict[str, Tensor]:
    """Scalars "heatmap" (BCE), "transition" where there is a map, and "total", their sum.

    logits (B,T-1,H,W): before the sigmoid, of frames 1 .. T-1. labels (B,T,H,W), frame 0
    included. transition (B,T-1,2,h,w): the map without activation.
    The map's target is T - E: the true heatmap of frame t minus the estimated one of frame t-1
    (the truth for t = 1), whose gradient is cut (docs/peers.md, section 3.9). weight: of that loss.
    """
    terms = {"heatmap": _segmentation_loss(logits, labels[:, 1:])}
    if transition is not None:
        # As two channels before a softmax, (0, z) is what z is before a sigmoid.
        both = torch.stack([torch.zeros_like(logits), logits], dim=2).detach()
        target, counted = transition_targets(both, labels, transition.shape[-2:])
        terms["transition"] = weight * transition_loss(transition, target, counted, "none")
    return {**terms, "total": torch.stack(list(terms.values())).sum()}


def _segmentation_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """BCE on the sigmoid of (B,T-1,H,W), mean over the counted pixels.

    Facts: docs/peers.md, section 3.8.
    """
    counted = labels != IGNORED
    losses = functional.binary_cross_entropy_with_logits(
        logits, (labels == 1).float(), reduction="none"
    )
    return (losses * counted).sum() / counted.sum().clamp(min=1)
