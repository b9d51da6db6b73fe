"""PyTorch's counter of floating-point operations, with what it passes over on the CPU."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from ttvos.measure.uncounted import naming_uncounted


class FlopCounter(FlopCounterMode):
    """uncounted: names of operators that ran and whose work is not in the count."""

    uncounted: set[str]


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
