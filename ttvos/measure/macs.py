"""The one way in which multiply-accumulates (MACs) and parameters are counted, of every tracker.

PyTorch's counter of floating-point operations, halved, with what it passes over on the CPU:
convolutions and matrix products count, nothing else does. Operators whose multiply-accumulates it
does not know are named, so that a count that is too low never looks whole.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.utils.flop_counter import FlopCounterMode

from ttvos.engine.operators import OperatorWatcher

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


# PyTorch's own operators that multiply and sum; all others of its are pointwise, or move numbers.
_PRODUCTS = re.compile(
    r"conv(\d|_|olution)|m[mv](_|$)|matmul|linear|attention|rnn|lstm|gru|linalg|fft|dist(_|$)|dot_?$"
)
_OTHERS = re.compile(r"upsample|check_errors|vector_norm|fftshift|fftfreq")
_OWN = ("aten", "prims")
_BOOKKEEPING = ("prim", "profiler")  # what PyTorch wraps around operators


class Uncounted(OperatorWatcher):
    """Notes the names of the operators that run inside it, and that `known` does not count.

    known: the counter's registry. It must be entered before the counter, which takes composite
    operators apart: what it sees then are the pieces.
    """

    def __init__(self, known: Any, names: set[str]) -> None:
        super().__init__()
        self.known, self.names = known, names

    def saw(self, function: Any, arguments: tuple, named: dict, result: Any) -> None:
        """See `OperatorWatcher.saw`."""
        packet = getattr(function, "overloadpacket", function)
        if packet not in self.known and is_work(str(function.name())):
            self.names.add(str(function.name()).partition(".")[0])


def is_work(name: str) -> bool:
    """Whether an operator "namespace::name" multiplies and sums, or may do so for all we know."""
    space, _, operator = name.partition("::")
    if space in _BOOKKEEPING:
        return "mkldnn_" in operator  # TorchScript's fused layers
    if space not in _OWN:
        return True
    operator = operator.partition(".")[0]
    return bool(_PRODUCTS.search(operator)) and not _OTHERS.search(operator)


@contextmanager
def naming_uncounted(known: Any) -> Iterator[set[str]]:
    """The names of the uncounted operators that run inside, e.g. "torchvision::deform_conv2d".

    TorchScript runs its fused layers without the dispatcher: they are read off the graph of each
    scripted module that is called.
    """
    names: set[str] = set()

    def look(module: nn.Module, _: Any) -> None:
        if isinstance(module, torch.jit.ScriptModule):
            hidden = (kind for kind in _kinds(module.inlined_graph) if kind.startswith("prim::"))
            names.update(kind for kind in hidden if is_work(kind))

    hook = register_module_forward_pre_hook(look)
    try:
        with Uncounted(known, names):
            yield names
    finally:
        hook.remove()


def _kinds(block: Any) -> Iterator[str]:
    for node in block.nodes():
        yield node.kind()
        for inner in node.blocks():
            yield from _kinds(inner)


def count_parameters(parts: Parts, holders: Iterable[nn.Module]) -> dict[str, Any]:
    """Numbers of parameters: {"total", "parts" {part: n}, "other"}; a shared one counts once.

    holders: the modules that hold all parameters; what lies in no part is "other".
    """
    every = {id(p): p.numel() for module in holders for p in module.parameters()}
    counted: set[int] = set()
    by_part = {}
    for part, members in parts.items():
        own = {id(p): p.numel() for module in members for p in module.parameters()}
        by_part[part] = sum(size for key, size in own.items() if key not in counted)
        counted |= own.keys()
        every |= own
    total = sum(every.values())
    return {"total": total, "parts": by_part, OTHER: total - sum(by_part.values())}
