"""Operators whose multiply-accumulates PyTorch's counter does not know: named, so that a count
that is too low never looks whole."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.modules.module import register_module_forward_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode

# PyTorch's own operators that multiply and sum; all others of its are pointwise, or move numbers.
_PRODUCTS = re.compile(
    r"conv(\d|_|olution)|m[mv](_|$)|matmul|linear|attention|rnn|lstm|gru|linalg|fft|dist(_|$)|dot_?$"
)
_OTHERS = re.compile(r"upsample|check_errors|vector_norm|fftshift|fftfreq")
_OWN = ("aten", "prims")
_BOOKKEEPING = ("prim", "profiler")  # what PyTorch wraps around operators


class Uncounted(TorchDispatchMode):
    """Notes the names of the operators that run inside it, and that `known` does not count.

    known: the counter's registry. It must be entered before the counter, which takes composite
    operators apart: what it sees then are the pieces.
    """

    supports_higher_order_operators = True  # they run as ever, and are named

    def __init__(self, known: Any, names: set[str]) -> None:
        super().__init__()
        self.known, self.names = known, names

    def __torch_dispatch__(
        self, function: Any, types: Any, arguments: tuple = (), named: dict | None = None
    ) -> Any:
        packet = getattr(function, "overloadpacket", function)
        if packet not in self.known and is_work(str(function.name())):
            self.names.add(str(function.name()).partition(".")[0])
        return function(*arguments, **(named or {}))


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
