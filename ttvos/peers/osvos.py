"""OSVOS: VGG16 with side outputs, fine-tuned to each object on frame 0; frames stand alone.

Written from docs/peers.md, section 4.9: the plain part of OSVOS-S, whose semantic part was not
released.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from ttvos.peers.common import as_ids, build_network, check_size, likeliest, refuse_weights
from ttvos.peers.online import (
    Weights,
    augmented,
    balanced_loss,
    descend,
    online_cost,
    online_options,
    own_weights,
    targets_of,
)
from ttvos.peers.vgg import Sides, Trunk, to_vgg_image
from ttvos.tracking.protocol import Prediction, check_pair, object_ids

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
class OSVOSState:
    """weights: each object's own, by the network's names; empty where nothing was fine-tuned."""

    weights: tuple[Weights, ...]
    ids: tuple[int, ...]
    size: tuple[int, int]


class OSVOS:
    """OSVOS with random weights, for cost and speed: one pass a frame for each object.

    updates: of the weights on frame 0, for each object; published are 2,000, of five passes
    each, here 0 by default: `online_cost` says what they cost. learning_rate: of a loss that sums
    over pixels. weights: none can be loaded; a path raises UserError, as do options out of range.
    """

    cycle = 1
    precision = "float32"
    name = "osvos"

    def __init__(
        self,
        device: str = "cpu",
        weights: Path | str | None = None,
        updates: int = 0,
        learning_rate: float = 1e-8,
    ) -> None:
        refuse_weights(self.name, weights)
        self.options = online_options(self.name, updates, learning_rate)
        self.device = device
        self.updates, self.learning_rate = updates, learning_rate
        self.network = build_network(OSVOSNetwork, device)
        self.parts = {"trunk": (self.network.trunk,), "sides": (self.network.sides,)}

    def init(self, frame: np.ndarray, mask: np.ndarray) -> OSVOSState:
        """See `Tracker.init`; the fine-tuning is here. Its passes are seeded for each object."""
        check_pair(frame, mask)
        ids = object_ids(mask)
        weights: list[Weights] = [{} for _ in ids]
        if self.updates:
            with torch.inference_mode(False), torch.enable_grad():
                image = to_vgg_image(frame, self.device)
                targets = targets_of(mask, ids).to(self.device)
                weights = [self._fine_tuned(image, target[None]) for target in targets]
        return OSVOSState(tuple(weights), ids, mask.shape)

    @torch.inference_mode()
    def step(self, frame: np.ndarray, state: OSVOSState) -> tuple[Prediction, OSVOSState]:
        """See `Tracker.step`. The state stays as it is: no frame knows of another."""
        check_size(frame, state.size)
        image = to_vgg_image(frame, self.device)
        logits = [functional_call(self.network, weights, image) for weights in state.weights]
        foreground = torch.cat(logits)[:, 0].sigmoid()
        mask = as_ids(likeliest(foreground), state.ids)
        return Prediction(mask=mask, foreground=foreground.cpu().numpy()), state

    def online_cost(self, height: int = 480, width: int = 854) -> dict[str, int]:
        """MACs of the published fine-tuning, which does not run by default; see `online`."""
        return online_cost(OSVOSNetwork, [(1, 3, height, width)], PUBLISHED_UPDATES, PASSES)

    def _fine_tuned(self, image: Tensor, target: Tensor) -> Weights:
        weights = own_weights(self.network)
        groups = parameter_groups(weights, self.learning_rate)
        optimiser = torch.optim.SGD(groups, momentum=MOMENTUM)
        losses = (
            balanced_loss(functional_call(self.network, weights, warped), wanted)
            for warped, wanted in augmented(image, target, self.updates * PASSES)
        )
        return descend(weights, optimiser, losses, PASSES)


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
