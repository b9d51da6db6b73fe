"""The layers of one TTVOS frame with their work: what each multiplies, reads and writes.

Counted on the reference model from the shapes of its convolutions, transposed convolutions and
matrix products, without computing anything. Pointwise work (batch-norm, activations, sums,
softmax, resizing, joining of maps) counts as fused away: it costs neither operations nor bytes.
"""

import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import flop_registry

from ttvos.engine.operators import OperatorWatcher, tensors_of
from ttvos.model.ttvos import TTVOS
from ttvos.tracking.readable import PADDING

CONVOLUTION, TRANSPOSED, PRODUCT = "convolution", "transposed convolution", "matrix product"
KINDS = {
    torch.ops.aten.convolution: CONVOLUTION,
    torch.ops.aten.mm: PRODUCT,
    torch.ops.aten.bmm: PRODUCT,
    torch.ops.aten.addmm: PRODUCT,
}


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
    size = PADDING.padded((height, width))
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


class _Recorder(OperatorWatcher):
    """Notes every layer that runs inside it."""

    def __init__(self) -> None:
        super().__init__()
        self.layers: list[Layer] = []

    def saw(self, function: Any, arguments: tuple, named: dict, result: Any) -> None:
        """See `OperatorWatcher.saw`."""
        kind = KINDS.get(function.overloadpacket)
        if kind is None:
            return
        if kind == CONVOLUTION and arguments[6]:  # after bias, stride, padding and dilation
            kind = TRANSPOSED
        flops = flop_registry[function.overloadpacket](*arguments, **named, out_val=result)
        numbers = sum(tensor.numel() for tensor in tensors_of((arguments, result)))
        self.layers.append(Layer(kind, flops // 2, numbers))
