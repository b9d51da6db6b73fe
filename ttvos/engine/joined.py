"""Whether this processor, and this build of PyTorch, have oneDNN's joined convolutions."""

import warnings
from collections.abc import Callable
from functools import cache

import torch
from torch import Tensor

from ttvos.core.errors import UserNotice


@cache
def joins(layers: torch.dtype) -> bool:
    """Whether a CPU's convolutions of that type can take in what follows them.

    PyTorch's operations for it are private: a platform or build may lack them, and a processor
    may lack the type (float16 on AMD, bfloat16 without AVX-512). So each is tried, once a process.
    """
    if not torch.backends.mkldnn.is_available():
        return False
    try:
        with torch.no_grad():
            for run in _operations():
                run(layers)
    except (AttributeError, RuntimeError):  # no such operation; not for this processor
        return False
    return True


def notice_plain(layers: torch.dtype) -> None:
    """Say in a line that the convolutions run by themselves on this CPU, where they do."""
    if not joins(layers):
        name = str(layers).removeprefix("torch.")
        text = f"no joined convolutions in {name} on this processor: plain ones, which are slower"
        warnings.warn(text, UserNotice, stacklevel=2)


def _operations() -> tuple[Callable[[torch.dtype], Tensor], ...]:
    return _alone, _with_sum, _onto_sum


def _alone(layers: torch.dtype) -> Tensor:
    x, weight, geometry = _inputs(layers)
    operation = torch.ops.mkldnn._convolution_pointwise
    return operation(x, weight, None, *geometry, "relu", [], "")


def _with_sum(layers: torch.dtype) -> Tensor:
    x, weight, geometry = _inputs(layers)
    operation = torch.ops.mkldnn._convolution_pointwise.binary
    return operation(x, x, weight, None, *geometry, "add", 1.0, "relu", [], "")


def _onto_sum(layers: torch.dtype) -> Tensor:
    x, weight, geometry = _inputs(layers)
    operation = torch.ops.mkldnn._convolution_pointwise_.binary
    return operation(x.clone(), x, weight, None, *geometry, "add", 1.0, "relu", [], "")


def _inputs(layers: torch.dtype) -> tuple[Tensor, Tensor, tuple]:
    """A map (1, 16, 4, 4), a weight that keeps its shape, and padding, stride, dilation, groups.

    In channels-last order, as the engine keeps its maps: the order decides which kernels run.
    """
    x, weight = (
        torch.zeros(*shape, dtype=layers).contiguous(memory_format=torch.channels_last)
        for shape in ((1, 16, 4, 4), (16, 16, 3, 3))
    )
    return x, weight, ([1, 1], [1, 1], [1, 1], 1)
