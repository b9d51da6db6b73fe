"""GC, the global context module: STM with one matrix for each object in place of a memory.

Written from docs/peers.md, section 2. No code of the authors exists; `data/peers/gc.yaml` says what
is assumed.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from ttvos.peers.stm import KEY_CHANNELS, STM, VALUE_CHANNELS


@dataclass
class GlobalContext:
    """mean: (O, 128, 512), the mean of the contexts of `frames` frames; zero before the first."""

    mean: Tensor
    frames: int = 0

    def add(self, context: Tensor) -> None:
        """Take a further frame's context (O, 128, 512) into the mean."""
        self.frames += 1
        self.mean += (context - self.mean) / self.frames


class Context(nn.Module):
    """A frame's context: for each channel of the keys, the mean of the values where it is high."""

    def forward(self, key: Tensor, value: Tensor) -> Tensor:
        """key (O, 128, h, w), value (O, 512, h, w) -> (O, 128, 512).

        Each channel of the key is a softmax over the positions.
        """
        attention = key.flatten(2).softmax(dim=2)
        return attention @ value.flatten(2).transpose(1, 2)


class Distribution(nn.Module):
    """Gives every position its share of the global context."""

    def forward(self, query: Tensor, context: Tensor) -> Tensor:
        """query (1, 128, h, w), context (O, 128, 512) -> (O, 512, h, w).

        At each position, the query is a softmax over its channels.
        """
        height, width = query.shape[-2:]
        shares = query.flatten(2).softmax(dim=1)
        return (context.transpose(1, 2) @ shares).unflatten(2, (height, width))


class GC(STM):
    """Tracks with a network of STM's shape and names of weights.

    The state's size does not depend on the clip's length.
    """

    name = "gc"
    cycle = 1

    def __init__(self, device: str = "cpu", weights: Path | str | None = None) -> None:
        self.context, self.distribution = Context(), Distribution()
        super().__init__(device, weights)

    def _parts(self) -> dict[str, tuple[nn.Module, ...]]:
        parts = {k: v for k, v in super()._parts().items() if k != "memory read"}
        return parts | {"distribution": (self.distribution,), "context": (self.context,)}

    def _no_memory(self, objects: int) -> GlobalContext:
        mean = torch.zeros(objects, KEY_CHANNELS, VALUE_CHANNELS, device=self.device)
        return GlobalContext(mean)

    def _write(self, memory: GlobalContext, key: Tensor, value: Tensor, index: int) -> None:
        memory.add(self.context(key, value))

    def _read(self, memory: GlobalContext, key: Tensor) -> Tensor:
        return self.distribution(key, memory.mean)
