"""What every peer is built on: its network with its weights, and a clip's frames one by one.

A peer is its network and its own `_start` and `_follow`; all that is the same for every method is
here, in `ttvos.tracking.geometry` (frames) and in `ttvos.model.state_dict` (weights).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from ttvos.core.device import find_device
from ttvos.core.errors import UserError
from ttvos.model.state_dict import COUNTER, StateDict, fill, read_tensors
from ttvos.tracking.geometry import as_ids, as_image, normalise
from ttvos.tracking.protocol import Prediction, check_pair, check_size, object_ids, one_hot

Network = TypeVar("Network", bound=nn.Module)


@dataclass(frozen=True)
class ClipState:
    """What every peer knows of a clip. ids: of its O objects. size: of its frames, (H, W)."""

    ids: tuple[int, ...]
    size: tuple[int, int]


class Found(NamedTuple):
    """A frame's answer.

    labels: (H, W) whole numbers, 0 = background, o + 1 = object o. foreground: (O, H, W), each
    object's probability before the objects are made to exclude one another.
    """

    labels: Tensor
    foreground: Tensor


class PeerTracker(ABC):
    """A method of the paper's Table 3 as a `ttvos.tracking.protocol.Tracker`, in float32.

    Without weights the network is random, drawn from seed 0: right for cost and speed. Where
    `loads_weights` is false, the names in the published file are not among the facts, and a path
    raises UserError.
    """

    name: str
    precision = "float32"
    cycle = 1
    network_class: ClassVar[type[nn.Module]]
    loads_weights: ClassVar[bool] = False

    def __init__(self, device: str = "cpu", weights: Path | str | None = None) -> None:
        if weights is not None and not self.loads_weights:
            raise UserError(
                f"{self.name}: cost only: the names in the published weights' file are not among "
                f"the facts, so {weights} cannot be loaded; leave the weights out"
            )
        self.device = device
        self.network = build_network(self.network_class, device, weights)
        self.options: dict[str, object] = {}
        self.parts = self._parts()

    def init(self, frame: np.ndarray, mask: np.ndarray) -> ClipState:
        """See `Tracker.init`."""
        check_pair(frame, mask)
        with torch.inference_mode():
            return self._start(frame, mask, object_ids(mask))

    def step(self, frame: np.ndarray, state: ClipState) -> tuple[Prediction, ClipState]:
        """See `Tracker.step`."""
        check_size(frame, state.size)
        with torch.inference_mode():
            found, after = self._follow(frame, state)
        mask = as_ids(found.labels, state.ids)
        return Prediction(mask, foreground=found.foreground.cpu().numpy()), after

    @abstractmethod
    def _parts(self) -> dict[str, tuple[nn.Module, ...]]:
        """The network's modules by the part of the cost that they stand for."""

    @abstractmethod
    def _start(self, frame: np.ndarray, mask: np.ndarray, ids: tuple[int, ...]) -> ClipState:
        """The state after frame 0. frame (H, W, 3) uint8 RGB, mask (H, W) uint8 with these ids."""

    @abstractmethod
    def _follow(self, frame: np.ndarray, state: ClipState) -> tuple[Found, ClipState]:
        """The next frame's answer, and the state after it."""

    def _image(self, frame: np.ndarray) -> Tensor:
        """frame (H, W, 3) uint8 RGB -> (1, 3, H, W) float32, as most networks were trained."""
        return normalise(to_image(frame, self.device))

    def _masks(self, mask: np.ndarray, ids: tuple[int, ...]) -> Tensor:
        """The first mask (H, W) -> (O, H, W) float32: 1 where it has the object's id."""
        return torch.from_numpy(one_hot(mask, ids)).to(self.device)


def to_image(frame: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """frame (H, W, 3) uint8 RGB -> (1, 3, H, W) float32 in [0, 1]."""
    return as_image(frame, device).contiguous().float() / 255


def make_seeded(make: Callable[[], Network], seed: int = 0) -> Network:
    """What `make` builds, its random weights drawn from `seed`; torch's own seed is untouched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()


def build_network(
    make: Callable[[], Network], device: str = "cpu", weights: Path | str | None = None
) -> Network:
    """A network on its device, in eval mode, without gradients.

    weights: a file for `read_tensors` and `fill_network`; None gives random weights of seed 0.
    Raises UserError for an unknown device, and as these two do.
    """
    target = find_device(device)
    tensors = None if weights is None else read_tensors(weights)
    network = make_seeded(make)
    if tensors is not None:
        fill_network(network, tensors, weights)
    return network.eval().requires_grad_(False).to(target)


def fill_network(network: nn.Module, tensors: StateDict, where: Path | str) -> None:
    """`fill`, with files of before PyTorch 0.4.1 too. where: the file, for an error's begin."""
    fill(network, tensors, f"{where}: does not fit {type(network).__name__}", optional=COUNTER)
