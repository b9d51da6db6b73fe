"""Networks on the meta device, where nothing is computed; peers made once; notes of calls."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ttvos.tracking.protocol import Tracker
from ttvos.tracking.registry import load_tracker

DISCS = [(18, 20, 4, 12), (44, 70, -4, 10)]  # for `tests.conftest.disc_frame`


@cache  # the large networks take seconds to make; a tracker keeps nothing of a clip
def built(name: str) -> Tracker:
    """A peer with random weights, made once for all tests of a process."""
    return load_tracker(name)


def on_meta(make: Callable[[], nn.Module]) -> nn.Module:
    """A network in eval mode, without numbers."""
    with torch.device("meta"):
        return make().eval()


def empty(channels: int, *size: int) -> Tensor:
    """A map (1, channels, *size) without numbers."""
    return torch.empty(1, channels, *size, device="meta")


def counted(call: Callable[..., Any], *inputs: Any) -> tuple[float, Any]:
    """GMAC of a call, and what it returned."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        found = call(*inputs)
    return counter.get_total_flops() / 2e9, found


def gmac(call: Callable[..., Any], *inputs: Any) -> float:
    """GMAC of a call."""
    return counted(call, *inputs)[0]


def millions(*modules: nn.Module) -> float:
    """Parameters, in millions."""
    return sum(p.numel() for module in modules for p in module.parameters()) / 1e6


@contextmanager
def calls_of(module: nn.Module) -> Iterator[list[tuple[tuple[Tensor, ...], Any]]]:
    """Notes (inputs, output) of every call of `module`, copied."""
    calls: list[tuple[tuple[Tensor, ...], Any]] = []

    def note(_: nn.Module, inputs: tuple[Tensor, ...], output: Any) -> None:
        calls.append((tuple(x.clone() for x in inputs), output))

    handle = module.register_forward_hook(note)
    yield calls
    handle.remove()


def track(tracker: Tracker, frames: np.ndarray, mask: np.ndarray) -> list[np.ndarray]:
    """The foreground of each frame after frame 0."""
    state, found = tracker.init(frames[0], mask), []
    for frame in frames[1:]:
        prediction, state = tracker.step(frame, state)
        found.append(prediction.foreground)
    return found
