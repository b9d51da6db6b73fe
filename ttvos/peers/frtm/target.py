"""The target model of one object: two convolutions that score it, and the samples they learn from.

Facts: docs/peers.md, sections 3.2 and 3.5.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ttvos.peers.frtm.labels import Labels


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


def initial_weights(count: int) -> Tensor:
    """Weights (count,) of the first frame's samples, of sum 1; the original counts twice."""
    weights = torch.ones(count)
    weights[0] = 2
    return weights / weights.sum()


class Memory:
    """A fixed number of slots for projected features (c, h, w) and labels, with weights of sum 1.

    The tensors are of full size from the start and are changed in place. `filled` slots are in
    use, the first ones; the others have weight 0.
    """

    def __init__(self, projected: Tensor, labels: Labels, slots: int, learning_rate: float) -> None:
        """projected (K, c, h, w) and labels of the first frame's K samples, the original first.

        learning_rate: the share of the first new sample, above 0 and below 1.
        """
        self.learning_rate = learning_rate
        self.filled = len(projected)
        self.newest: int | None = None
        # Autograd could not use tensors that were made under inference mode.
        with torch.inference_mode(False):
            self.projected = _slots(projected, slots)
            self.labels = type(labels)(*(_slots(part, slots) for part in labels))
            self.weights = projected.new_zeros(slots)
        self.weights[: self.filled] = initial_weights(self.filled)

    def insert(self, projected: Tensor, labels: Labels) -> None:
        """Put a frame's sample (1, c, h, w) and labels into the slot of least weight."""
        slot = int(self.weights.argmin())
        for kept, part in zip((self.projected, *self.labels), (projected, *labels), strict=True):
            kept[slot] = part[0]
        self._weigh(slot)
        self.filled = max(self.filled, slot + 1)

    def _weigh(self, slot: int) -> None:
        """The new sample's share grows with every insertion, so that the older ones' shrink."""
        if self.newest is None:
            self.weights /= 1 - self.learning_rate
            self.weights[slot] = self.learning_rate
        else:
            self.weights[slot] = self.weights[self.newest] / (1 - self.learning_rate)
        self.weights /= self.weights.sum()
        self.newest = slot

    def samples(self) -> tuple[Tensor, Labels, Tensor]:
        """Projected features, labels and weights of the slots in use."""
        labels = type(self.labels)(*(part[: self.filled] for part in self.labels))
        return self.projected[: self.filled], labels, self.weights[: self.filled]


def _slots(part: Tensor, slots: int) -> Tensor:
    kept = torch.zeros((slots, *part.shape[1:]), dtype=part.dtype, device=part.device)
    kept[: len(part)] = part
    return kept
