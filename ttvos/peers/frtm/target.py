"""FRTM's target model: two small convolutions that score one object, learned from its clip."""

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn


class TargetWeights(NamedTuple):
    """One object's target model. project: (c, C, 1, 1). filter: (1, c, 3, 3)."""

    project: Tensor
    filter: Tensor


def project(features: Tensor, weight: Tensor) -> Tensor:
    """Features (N, C, h, w) to the filter's few channels, (N, c, h, w); linear, no bias."""
    return F.conv2d(features, weight)


def apply_filter(projected: Tensor, weight: Tensor) -> Tensor:
    """Projected features (N, c, h, w) -> scores (N, 1, h, w), raw; linear, no bias."""
    return F.conv2d(projected, weight, padding=1)


class TargetModel(nn.Module):
    """The target model's form and the weights that every object starts from.

    Facts: docs/peers.md, section 3.2. The learned weights are an object's, not the module's: they
    are given to each call.
    """

    def __init__(self, in_channels: int, channels: int) -> None:
        """in_channels: C of the layer4 tap. channels: c, 96 at evaluation, 32 in training."""
        super().__init__()
        self.project = nn.Conv2d(in_channels, channels, 1, bias=False)
        self.filter = nn.Conv2d(channels, 1, 3, padding=1, bias=False)

    def initial(self) -> TargetWeights:
        """PyTorch's default initial weights of convolutions, detached."""
        return TargetWeights(self.project.weight.detach(), self.filter.weight.detach())

    def forward(self, features: Tensor, weights: TargetWeights) -> tuple[Tensor, Tensor]:
        """Features (N, C, h, w) -> scores (N, 1, h, w) and projected features (N, c, h, w)."""
        projected = project(features, weights.project)
        return apply_filter(projected, weights.filter), projected
