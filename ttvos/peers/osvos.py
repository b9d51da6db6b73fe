"""OSVOS: VGG16 with side outputs, fine-tuned to each object on frame 0; frames stand alone.

Written from PEERS section 4.9: the plain part of OSVOS-S, whose semantic part was not released.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode

from ttvos.errors import UserError
from ttvos.peers.common import as_ids, build_network, check_size
from ttvos.peers.vgg import Sides, Trunk, label, to_vgg_image
from ttvos.tracker import Prediction, check_pair, object_ids, one_hot

PUBLISHED_UPDATES = 2000
PASSES = 5  # whose gradients one update averages
MOMENTUM, WEIGHT_DECAY = 0.9, 2e-4
SCALES, DEGREES = (0.75, 1.25), 30.0

Weights = dict[str, Tensor]


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
    each, here 0 by default: `update_macs` says what one costs. learning_rate: of a loss that sums
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
        if weights is not None:
            raise UserError(
                f"osvos: cost only: the published weights' names are not among the facts, so "
                f"{weights} cannot be loaded; leave the weights out"
            )
        if not isinstance(updates, int) or updates < 0:
            raise UserError(f"osvos: updates {updates!r}: a whole number, 0 or more")
        if not learning_rate > 0:
            raise UserError(f"osvos: learning_rate {learning_rate!r}: above 0")
        self.device = device
        self.updates, self.learning_rate = updates, learning_rate
        self.network = build_network(OSVOSNetwork, device)
        self.options: dict[str, object] = {"updates": updates}
        if updates:
            self.options["learning_rate"] = learning_rate
        self.parts = {"trunk": (self.network.trunk,), "sides": (self.network.sides,)}

    def init(self, frame: np.ndarray, mask: np.ndarray) -> OSVOSState:
        """See `Tracker.init`; the fine-tuning is here. Its passes are seeded for each object."""
        check_pair(frame, mask)
        ids = object_ids(mask)
        weights: list[Weights] = [{} for _ in ids]
        if self.updates:
            with torch.inference_mode(False), torch.enable_grad():
                image = to_vgg_image(frame, self.device)
                targets = torch.from_numpy(one_hot(mask, ids)).to(self.device)
                weights = [self._fine_tuned(image, target[None, None]) for target in targets]
        return OSVOSState(tuple(weights), ids, mask.shape)

    @torch.inference_mode()
    def step(self, frame: np.ndarray, state: OSVOSState) -> tuple[Prediction, OSVOSState]:
        """See `Tracker.step`. The state stays as it is: no frame knows of another."""
        check_size(frame, state.size)
        image = to_vgg_image(frame, self.device)
        logits = [functional_call(self.network, weights, image) for weights in state.weights]
        foreground = torch.cat(logits)[:, 0].sigmoid()
        mask = as_ids(label(foreground), state.ids)
        return Prediction(mask=mask, foreground=foreground.cpu().numpy()), state

    def _fine_tuned(self, image: Tensor, target: Tensor) -> Weights:
        weights = own_weights(self.network)
        groups = parameter_groups(weights, self.learning_rate)
        optimiser = torch.optim.SGD(groups, momentum=MOMENTUM)
        passes = augmented(image, target, self.updates * PASSES)
        for number, (warped, wanted) in enumerate(passes, start=1):
            loss = balanced_loss(functional_call(self.network, weights, warped), wanted)
            (loss / PASSES).backward()
            if number % PASSES == 0:
                optimiser.step()
                optimiser.zero_grad()
        return {name: weight.detach() for name, weight in weights.items()}


def own_weights(network: OSVOSNetwork) -> Weights:
    """Copies of the network's parameters that learn, except the fixed enlarging kernels."""
    return {
        name: parameter.detach().clone().requires_grad_()
        for name, parameter in network.named_parameters()
        if not name.endswith(".kernel")
    }


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


def augmented(image: Tensor, target: Tensor, count: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Frame 0 and its mask (1, 1, H, W), `count` times flipped, scaled and turned at random.

    The draws are seeded with 0; what comes from outside the frame is 0, the mean colour.
    """
    generator = torch.Generator().manual_seed(0)
    for _ in range(count):
        flip, scale, turn = torch.rand(3, generator=generator).tolist()
        scale = SCALES[0] + (SCALES[1] - SCALES[0]) * scale
        theta = matrix(flip < 0.5, scale, DEGREES * (2 * turn - 1), image.shape[-2:])
        grid = F.affine_grid(theta.to(image.device), list(image.shape), align_corners=False)
        yield (
            F.grid_sample(image, grid, mode="bilinear", align_corners=False),
            F.grid_sample(target, grid, mode="nearest", align_corners=False),
        )


def matrix(flip: bool, scale: float, degrees: float, size: tuple[int, int]) -> Tensor:
    """(1, 2, 3) for `affine_grid`: a frame of `size` enlarged by `scale` and turned in place."""
    angle = math.radians(degrees)
    cosine, sine = math.cos(angle) / scale, math.sin(angle) / scale
    mirror = -1.0 if flip else 1.0
    # coordinates run from -1 to 1 on both axes, so a turn has to know the aspect ratio
    aspect = size[1] / size[0]
    rows = [[mirror * cosine, -mirror * sine / aspect, 0.0], [sine * aspect, cosine, 0.0]]
    return torch.tensor([rows])


def balanced_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy summed over pixels, each class weighted by the other's share of them."""
    share = target.mean()
    weight = torch.where(target > 0.5, 1 - share, share)
    return F.binary_cross_entropy_with_logits(logits, target, weight, reduction="sum")


def update_macs(height: int = 480, width: int = 854) -> int:
    """MACs of one update of the weights: five passes, forward and backward; computes nothing."""
    network = OSVOSNetwork().to("meta")
    weights = own_weights(network)
    image = torch.empty(1, 3, height, width, device="meta")
    with FlopCounterMode(display=False) as counter:
        functional_call(network, weights, image).sum().backward()
    return PASSES * counter.get_total_flops() // 2
