"""The layers of one frame with their work: what each multiplies, reads and writes.

Counted on the reference model from the shapes of its convolutions, transposed convolutions and
matrix products, without computing anything. Pointwise work (batch-norm, activations, sums,
softmax, resizing, joining of maps) counts as fused away: it costs neither operations nor bytes.
"""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from ttvos.model.tracking import margins
from ttvos.model.ttvos import TTVOS

CONVOLUTION, TRANSPOSED, PRODUCT = "convolution", "transposed convolution", "matrix product"


@dataclass(frozen=True)
class Layer:
    """One layer of a frame. macs: multiply-accumulates; elements: numbers read and written once
    each: inputs, weights, output."""

    kind: str
    macs: int
    elements: int


@dataclass(frozen=True)
class FrameLayers:
    """first: what frame 0 runs (features, template). further: what every further frame runs."""

    first: tuple[Layer, ...]
    further: tuple[Layer, ...]


def count_layers(model: TTVOS, height: int, width: int, objects: int = 1) -> FrameLayers:
    """Layers of frames of height x width pixels (padded as the tracker pads) and `objects`.

    The training-only heads are left out. The model is left as it is; its device does not matter.
    """
    model = copy.deepcopy(model).eval().to("meta")
    model.heads.transition, model.heads.template = None, nn.Identity()
    size = [side + sum(margins(side)) for side in (height, width)]
    image = torch.empty(1, 3, *size, device="meta")
    heatmap = torch.empty(objects, 2, *size, device="meta")
    with torch.no_grad(), _Recorder() as first:
        features = model.features(image).expand(objects)
        state = model.start(features, heatmap)
    with torch.no_grad(), _Recorder() as further:
        features = model.features(image).expand(objects)
        step = model.step(features, state)
        model.advance(features, state, step, heatmap)
    return FrameLayers(tuple(first.layers), tuple(further.layers))


class _Recorder(TorchDispatchMode):
    """Notes every layer that runs inside it."""

    def __init__(self) -> None:
        super().__init__()
        self.layers: list[Layer] = []

    def __torch_dispatch__(
        self, function: Any, types: Any, arguments: tuple = (), named: dict | None = None
    ) -> Any:
        output = function(*arguments, **(named or {}))
        if count := _COUNTERS.get(function):
            self.layers.append(count(output, *arguments))
        return output


def _convolution(output: Tensor, x: Tensor, weight: Tensor, bias: Tensor | None, *rest) -> Layer:
    """Each number of the output (transposed: of the input) meets one filter's weights."""
    is_transposed = rest[3]  # after stride, padding and dilation
    filtered = x if is_transposed else output
    macs = filtered.numel() * math.prod(weight.shape[1:])
    tensors = [x, weight, output] + ([] if bias is None else [bias])
    return Layer(TRANSPOSED if is_transposed else CONVOLUTION, macs, _elements(*tensors))


def _product(output: Tensor, a: Tensor, b: Tensor) -> Layer:
    return Layer(PRODUCT, output.numel() * a.shape[-1], _elements(a, b, output))


def _product_and_sum(output: Tensor, bias: Tensor, a: Tensor, b: Tensor, **_: Any) -> Layer:
    return Layer(PRODUCT, output.numel() * a.shape[-1], _elements(bias, a, b, output))


def _elements(*tensors: Tensor) -> int:
    return sum(tensor.numel() for tensor in tensors)


_COUNTERS: dict[Any, Callable[..., Layer]] = {
    torch.ops.aten.convolution.default: _convolution,
    torch.ops.aten.mm.default: _product,
    torch.ops.aten.bmm.default: _product,
    torch.ops.aten.addmm.default: _product_and_sum,
}
