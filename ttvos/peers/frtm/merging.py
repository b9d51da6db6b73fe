"""Several objects' probabilities made into one labelling (docs/peers.md, section 3.7)."""

import torch
from torch import Tensor

LIMIT = 1e-7


def merge(foreground: Tensor) -> tuple[Tensor, Tensor]:
    """Objects' own probabilities (O, H, W) -> labels (H, W) int64 and stored maps (O, H, W).

    Labels: 0 = background, o + 1 = object o. Background's probability is that of the object that
    leaves least to it; all are clamped to [1e-7, 1 - 1e-7]. Their shares are the softmax of the
    odds themselves (not of the logits). A stored map is an object's share where it won, else 0.
    """
    background = (1 - foreground).min(dim=0, keepdim=True).values
    clamped = torch.cat([background, foreground]).clamp(LIMIT, 1 - LIMIT)
    shares = (clamped / (1 - clamped)).softmax(dim=0)
    labels = shares.argmax(dim=0)
    objects = torch.arange(1, len(shares), device=labels.device).view(-1, 1, 1)
    return labels, shares[1:] * (labels == objects)
