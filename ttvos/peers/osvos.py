"""OSVOS: VGG16 with side outputs, fine-tuned to each object on frame 0; frames stand alone.

Written from docs/peers.md, section 4.9: the plain part of OSVOS-S, whose semantic part was not
released.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from ttvos.peers.base import ClipState, Found
from ttvos.peers.online import OnlineTracker, Weights, augmented, balanced_loss, online_cost
from ttvos.peers.vgg import Sides, Trunk, to_vgg_image
from ttvos.tracking.geometry import likeliest

PUBLISHED_UPDATES = 2000
PASSES = 5  # whose gradients one update averages
MOMENTUM, WEIGHT_DECAY = 0.9, 2e-4


class OSVOSNetwork(nn.Module):
    """VGG16's convolutions and the side outputs of four blocks."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk, self.sides = Trunk(), Sides(counted=True)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) as `to_vgg_image` -> (N, 1, H, W) logits of the foreground."""
        return self.sides(self.trunk(images), images.shape[-2:])


@dataclass(frozen=True)
class OSVOSState(ClipState):
    """weights: each object's own, by the network's names; empty where nothing was fine-tuned."""

    weights: tuple[Weights, ...]


class OSVOS(OnlineTracker):
    """OSVOS with random weights, for cost and speed: one pass a frame for each object.

    Published are 2,000 updates of five passes each, by a loss that sums over pixels.
    """

    name = "osvos"
    network_class = OSVOSNetwork
    rate, passes = 1e-8, PASSES

    def _parts(self) -> dict[str, tuple[nn.Module, ...]]:
        return {"trunk": (self.network.trunk,), "sides": (self.network.sides,)}

    def _start(self, frame: np.ndarray, mask: np.ndarray, ids: tuple[int, ...]) -> OSVOSState:
        return OSVOSState(ids, mask.shape, self._learned(frame, mask, ids))

    def _follow(self, frame: np.ndarray, state: OSVOSState) -> tuple[Found, OSVOSState]:
        """The state stays as it is: no frame knows of another."""
        image = self._image(frame)
        logits = [functional_call(self.network, weights, image) for weights in state.weights]
        foreground = torch.cat(logits)[:, 0].sigmoid()
        return Found(likeliest(foreground), foreground), state

    def _image(self, frame: np.ndarray) -> Tensor:
        return to_vgg_image(frame, self.device)

    def online_cost(self, height: int = 480, width: int = 854) -> dict[str, int]:
        """MACs of the published fine-tuning, which does not run by default; see `online`."""
        return online_cost(OSVOSNetwork, [(1, 3, height, width)], PUBLISHED_UPDATES, PASSES)

    def _optimiser(self, weights: Weights) -> torch.optim.Optimizer:
        groups = parameter_groups(weights, self.learning_rate)
        return torch.optim.SGD(groups, momentum=MOMENTUM)

    def _losses(self, weights: Weights, image: Tensor, target: Tensor) -> Iterator[Tensor]:
        for warped, wanted in augmented(image, target, self.updates * PASSES):
            yield balanced_loss(functional_call(self.network, weights, warped), wanted)


def parameter_groups(weights: Weights, learning_rate: float) -> list[dict[str, object]]:
    """One group for each tensor: biases learn twice as fast and do not decay, the last
    convolution 100 times as slowly."""
    groups = []
    for name, weight in weights.items():
        bias = name.endswith(".bias")
        rate = learning_rate * (2 if bias else 1) / (100 if "fuse" in name else 1)
        decay = 0.0 if bias else WEIGHT_DECAY
        groups.append({"params": [weight], "lr": rate, "weight_decay": decay})
    return groups
