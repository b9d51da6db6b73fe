"""The one way in which MACs are counted, of TTVOS and of every other tracker.

PyTorch's counter of floating-point operations, halved, with what it passes over on the CPU:
convolutions and matrix products count, nothing else does.
"""

import math
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from ttvos.measure.uncounted import naming_uncounted

Parts = dict[str, tuple[nn.Module, ...]]

OTHER = "other"  # what no part did
CONVOLUTIONS = (torch.ops.aten.convolution, torch.ops.aten._convolution)


class FlopCounter(FlopCounterMode):
    """uncounted: names of operators that ran and whose work is not in the count."""

    uncounted: set[str]


@dataclass
class Macs:
    """Multiply-accumulate operations. parts: by part, what no part did as OTHER. convolutions:
    those of all convolutions, transposed ones too. uncounted: names of operators that ran and
    whose work is not in the count."""

    parts: Counter[str] = field(default_factory=Counter)
    convolutions: int = 0
    uncounted: set[str] = field(default_factory=set)

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.parts.values())


@contextmanager
def count_macs(parts: Parts | None = None) -> Iterator[Macs]:
    """Counts what runs inside it; the figures are there when it ends.

    parts: the modules behind each name of a part, none of them inside another.
    """
    found = Macs(Counter(dict.fromkeys([*(parts or {}), OTHER], 0)))
    with ExitStack() as hooks, flop_counter() as counter:
        for part, members in (parts or {}).items():
            for module in members:
                for hook in _hooks(module, part, counter, found.parts):
                    hooks.callback(hook.remove)
        found.uncounted = counter.uncounted
        yield found
        total = counter.get_total_flops() // 2
        found.uncounted |= counter.uncounted
        by_operation = counter.get_flop_counts().get("Global", {})
    found.parts[OTHER] = total - sum(found.parts.values())
    found.convolutions = sum(by_operation.get(name, 0) for name in CONVOLUTIONS) // 2


def _hooks(module: nn.Module, part: str, counter: FlopCounterMode, counts: Counter) -> list:
    begun: list[int] = []

    def before(*_: Any) -> None:
        begun.append(counter.get_total_flops())

    def after(*_: Any) -> None:
        counts[part] += (counter.get_total_flops() - begun.pop()) // 2

    return [module.register_forward_pre_hook(before), module.register_forward_hook(after)]


@contextmanager
def flop_counter() -> Iterator[FlopCounter]:
    """Counts 2 operations for each multiply-accumulate of convolutions and matrix products.

    While it counts, attention runs as the products that it is made of: the counter knows nothing
    of the CPU's fused kernels, nor of those of `nn.MultiheadAttention` and
    `nn.TransformerEncoderLayer`. Products with a vector and LSTMs are added to its list. What it
    cannot count is named in `uncounted`.
    """
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    counter = FlopCounter(display=False, custom_mapping=_ADDED)
    try:
        with (
            sdpa_kernel(SDPBackend.MATH),
            naming_uncounted(counter.flop_registry) as counter.uncounted,
            counter,
        ):
            yield counter
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)


def _vector(matrix: Any, *_: Any, **__: Any) -> int:
    """matrix: the shape of a product's first operand, whose every number meets one other."""
    return 2 * math.prod(matrix)


def _lstm(x: Any, weight: Any, state_weight: Any, *_: Any, **__: Any) -> int:
    """One layer: every step of every sequence, x (steps, sequences, C), meets all weights."""
    return 2 * math.prod(x[:2]) * (math.prod(weight) + math.prod(state_weight))


_ADDED = {
    torch.ops.aten.mv: _vector,
    torch.ops.aten.dot: _vector,
    torch.ops.aten.mkldnn_rnn_layer: _lstm,
}
