"""Fine-tuning on frame 0, which several peers do: own weights, augmented frames, descent.

Networks stay as they are: each object has its own copy of the weights, by the network's names,
for `torch.func.functional_call`. Written from docs/peers.md, sections 4.2, 4.3 and 4.9.
"""

import math
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode

from ttvos.core.errors import UserError
from ttvos.core.video import VOID
from ttvos.peers.base import PeerTracker
from ttvos.tracking.protocol import one_hot

Weights = dict[str, Tensor]

UNKNOWN = -1.0  # of a target's pixel: the first mask is void there, and nothing is learned

SCALES, DEGREES = (0.75, 1.25), 30.0


class OnlineTracker(PeerTracker):
    """A peer whose network is fine-tuned to each object on frame 0, in `init`.

    updates: of the weights on frame 0, for each object; 0 by default: where their published
    number is known, `online_cost` says what they cost. learning_rate: of them, `rate` by default.
    Raises UserError unless updates is a whole number from 0 and learning_rate above 0.
    """

    rate: ClassVar[float]
    passes: ClassVar[int] = 1  # whose gradients one update averages

    def __init__(
        self,
        device: str = "cpu",
        weights: Path | str | None = None,
        updates: int = 0,
        learning_rate: float | None = None,
    ) -> None:
        rate = self.rate if learning_rate is None else learning_rate
        if not isinstance(updates, int) or updates < 0:
            raise UserError(f"{self.name}: updates {updates!r}: a whole number, 0 or more")
        if not rate > 0:
            raise UserError(f"{self.name}: learning_rate {rate!r}: above 0")
        super().__init__(device, weights)
        self.updates, self.learning_rate = updates, rate
        self.options = {"updates": updates} | ({"learning_rate": rate} if updates else {})

    @abstractmethod
    def _optimiser(self, weights: Weights) -> torch.optim.Optimizer:
        """What takes the steps."""

    @abstractmethod
    def _losses(self, weights: Weights, image: Tensor, target: Tensor) -> Iterator[Tensor]:
        """A loss for each pass of each update: frame 0 (1, 3, H, W), the target (1, 1, H, W)."""

    def _learned(
        self, frame: np.ndarray, mask: np.ndarray, ids: tuple[int, ...]
    ) -> tuple[Weights, ...]:
        """Each object's own weights; empty where nothing is fine-tuned.

        The passes are seeded for each object.
        """
        if not self.updates:
            return tuple({} for _ in ids)
        with torch.inference_mode(False), torch.enable_grad():
            image = self._image(frame)
            targets = targets_of(mask, ids).to(self.device)
            return tuple(self._fine_tuned(image, target[None]) for target in targets)

    def _fine_tuned(self, image: Tensor, target: Tensor) -> Weights:
        weights = own_weights(self.network)
        losses = self._losses(weights, image, target)
        return descend(weights, self._optimiser(weights), losses, self.passes)


def targets_of(mask: np.ndarray, ids: tuple[int, ...]) -> Tensor:
    """What the first mask (H, W) asks of each object: (O, 1, H, W), 1, 0, or UNKNOWN where void."""
    targets = torch.from_numpy(one_hot(mask, ids))[:, None]
    return targets.masked_fill(torch.from_numpy(mask == VOID), UNKNOWN)


def own_weights(network: nn.Module) -> Weights:
    """Copies of the network's parameters that learn; names that end in .kernel are fixed."""
    return {
        name: parameter.detach().clone().requires_grad_()
        for name, parameter in network.named_parameters()
        if not name.endswith(".kernel")
    }


def descend(
    weights: Weights, optimiser: torch.optim.Optimizer, losses: Iterable[Tensor], passes: int = 1
) -> Weights:
    """One update of `weights` for each `passes` of the losses, by their mean's gradient.

    losses: computed one at a time, with `weights` as they then are. Returns weights that no
    longer learn.
    """
    for number, loss in enumerate(losses, start=1):
        (loss / passes).backward()
        if number % passes == 0:
            optimiser.step()
            optimiser.zero_grad()
    return {name: weight.detach() for name, weight in weights.items()}


def augmented(image: Tensor, target: Tensor, count: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Frame 0 (1, 3, H, W) and its target (1, 1, H, W), `count` times flipped, scaled, turned.

    The draws are seeded with 0; what comes from outside the frame is 0.
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
    """Cross-entropy summed over pixels, each class weighted by the other's share of them.

    logits, target: (N, 1, H, W); the target's pixels that are UNKNOWN do not count.
    """
    known, wanted = target != UNKNOWN, target.clamp(min=0)
    share = wanted.sum() / known.sum().clamp(min=1)
    weight = torch.where(target > 0.5, 1 - share, share) * known
    return F.binary_cross_entropy_with_logits(logits, wanted, weight, reduction="sum")


def online_cost(
    make: Callable[[], nn.Module], shapes: list[tuple[int, ...]], updates: int, passes: int = 1
) -> dict[str, int]:
    """What a published schedule costs one object; nothing is computed.

    make: the network, whose inputs have `shapes` and whose outputs are all trained. Returns
    updates, passes_per_update, macs_per_update (forward and backward), macs (of all updates).
    """
    each = passes * pass_macs(make, shapes, learns=True)
    return {
        "updates": updates,
        "passes_per_update": passes,
        "macs_per_update": each,
        "macs": updates * each,
    }


def pass_macs(
    make: Callable[[], nn.Module], shapes: list[tuple[int, ...]], learns: bool = False
) -> int:
    """MACs of a network's pass, by PyTorch's counter halved; nothing is computed.

    learns: with the way back to the gradient of all its outputs.
    """
    with torch.device("meta"):
        network = make().eval()
        inputs = tuple(torch.empty(shape) for shape in shapes)
    weights = own_weights(network)
    counter = FlopCounterMode(display=False)
    with torch.inference_mode(False), torch.set_grad_enabled(learns), counter:
        outputs = functional_call(network, weights, inputs)
        if learns:
            outputs = outputs if isinstance(outputs, list) else [outputs]
            sum(output.sum() for output in outputs).backward()
    return counter.get_total_flops() // 2
