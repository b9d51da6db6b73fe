"""Labels and pixel weights of a mask, for the target model (docs/peers.md, section 3.3)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from ttvos.peers.frtm.settings import Settings


def scaled(masks: Tensor, scale: float) -> Tensor:
    """masks (K, 1, H, W) in [0, 1] at a share of their size, each pixel a mean; 1: as they are."""
    if scale == 1:
        return masks
    size = [max(1, round(side * scale)) for side in masks.shape[-2:]]
    return F.interpolate(masks, size, mode="area")


def pixel_weights(labels: Tensor, settings: Settings) -> Tensor:
    """labels (K, 1, H, W) in [0, 1] -> weights of errors (not squared), the same shape.

    The target's pixels (above 0.5) together weigh at least `target_share`, the others the rest
    (the public code's "hinge"). A target under `min_pixels` is taken for one of area 0.1, and so
    changes nothing unless `target_share` is greater.
    """
    target = (labels > 0.5).to(labels.dtype)
    pixels = target.sum(dim=(1, 2, 3), keepdim=True)
    area = pixels / labels[0].numel()
    area = torch.where(pixels < settings.min_pixels, torch.full_like(area, 0.1), area)
    share = area.clamp(min=settings.target_share)
    # a frame that is all target has no other pixel, whose weight would be 0 / 0
    other = (1 - share) / (1 - area).clamp(min=torch.finfo(area.dtype).eps)
    return torch.where(target > 0, share / area, other).sqrt()
