"""Labels as the target model's optimiser needs them, in two forms, and their pixel weights.

Written from docs/peers.md, section 3.3.

A pixel's error is weight * (enlarged score - label). With U the bilinear enlargement of scores
and W the pixel weights, the optimiser asks two things: half the gradient of the sum of squared
errors, U'W²(U scores - labels), and the product U'W²U scores.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from ttvos.peers.frtm.settings import Form, Settings
from ttvos.tracking.geometry import resize


class FullLabels(NamedTuple):
    """As published: every product enlarges the scores to the labels' resolution and back.

    labels, squared_weights: (K, 1, H, W).
    """

    labels: Tensor
    squared_weights: Tensor

    def product(self, scores: Tensor) -> Tensor:
        """U'W²U scores, (K, 1, h, w) -> the same shape."""
        enlarged = resize(scores, self.labels.shape[-2:])
        return enlarge_transposed(self.squared_weights * enlarged, scores.shape[-2:])

    def gradient(self, scores: Tensor) -> Tensor:
        """U'W²(U scores - labels), (K, 1, h, w) -> the same shape."""
        errors = resize(scores, self.labels.shape[-2:]) - self.labels
        return enlarge_transposed(self.squared_weights * errors, scores.shape[-2:])


class CondensedLabels(NamedTuple):
    """U'W² labels (K, 1, h, w) and U'W²U (K, 9, h, w), worked out once for all products.

    The same as `FullLabels` up to rounding, and exact: bilinear enlargement couples a score
    with its 3x3 neighbours only, so that U'W²U is nine coefficients a score.
    """

    right: Tensor
    coefficients: Tensor

    def product(self, scores: Tensor) -> Tensor:
        """See `FullLabels.product`."""
        neighbours = F.unfold(scores, 3, padding=1).view_as(self.coefficients)
        return (neighbours * self.coefficients).sum(dim=1, keepdim=True)

    def gradient(self, scores: Tensor) -> Tensor:
        """See `FullLabels.gradient`."""
        return self.product(scores) - self.right


Labels = FullLabels | CondensedLabels


def make_labels(
    labels: Tensor, pixel_weights: Tensor | None, score_size: tuple[int, int], form: Form
) -> Labels:
    """labels (K, 1, H, W) in [0, 1], pixel_weights the same shape or None (all 1) -> Labels.

    score_size: (h, w) of the target model's scores.
    """
    squared = torch.ones_like(labels) if pixel_weights is None else pixel_weights**2
    full = FullLabels(labels, squared)
    return full if form == "full" else condense(full, score_size)


def condense(full: FullLabels, score_size: tuple[int, int]) -> CondensedLabels:
    """Work out the condensed form for scores of (h, w)."""
    right = enlarge_transposed(full.squared_weights * full.labels, score_size)
    coefficients = [_coefficients(weights[None], score_size) for weights in full.squared_weights]
    return CondensedLabels(right, torch.cat(coefficients))


def _coefficients(squared_weights: Tensor, score_size: tuple[int, int]) -> Tensor:
    """U'W²U of one sample, (1, 9, h, w): row-major over the neighbours of each score.

    Nine combs of ones, three apart in rows and columns, are put through U'W²U. Of each comb,
    just one tooth is among a score's 3x3 neighbours: what comes back is its coefficient.
    """
    height, width = score_size
    device = squared_weights.device
    rows = torch.arange(height, device=device)[:, None]
    columns = torch.arange(width, device=device)[None, :]
    comb = (rows % 3) * 3 + columns % 3
    combs = F.one_hot(comb, 9).movedim(-1, 0)[None].to(squared_weights.dtype)
    enlarged = resize(combs, squared_weights.shape[-2:])
    images = enlarge_transposed(squared_weights * enlarged, score_size)
    owners = [
        ((rows + down) % 3) * 3 + (columns + right) % 3
        for down in (-1, 0, 1)
        for right in (-1, 0, 1)
    ]
    return images.gather(1, torch.stack(owners)[None])


def enlarge_transposed(errors: Tensor, size: tuple[int, int]) -> Tensor:
    """U': (K, C, H, W) -> (K, C, *size), the transpose of U, `resize`."""
    shape = (*errors.shape[:2], *size)
    backward = torch.ops.aten.upsample_bilinear2d_backward
    return backward(errors.contiguous(), errors.shape[-2:], shape, False)


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
