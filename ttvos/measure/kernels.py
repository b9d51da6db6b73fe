"""The kernels that one frame launches on a GPU, with their operations and bytes, by counting.

Nothing is computed: the step runs on tensors without numbers (PyTorch's "meta" device), and each
ATen operation that is more than another view of the same memory counts as one kernel. cuDNN's
convolutions add their bias by a kernel of its own. A kernel reads its inputs and writes its
outputs once.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import flop_registry

from ttvos.engine.operators import OperatorWatcher, tensors_of
from ttvos.engine.step import FastStep, StepOptions
from ttvos.model.ttvos import TTVOS
from ttvos.tracking.geometry import normalise
from ttvos.tracking.readable import PADDING, aggregate, label

META = torch.device("meta")
aten = torch.ops.aten
NO_KERNEL = {aten._unsafe_view.default, aten.detach.default, aten.empty.memory_format}
ONLY_WRITES = {aten.copy_.default, aten.fill_.Scalar, aten.zero_.default}
CONVOLUTION, BIAS = "convolution", "bias of a convolution"
FUSABLE = {  # what a compiler computes for each number of the output, beside pointwise operations
    *("upsample_bilinear2d", "avg_pool2d", "cat", "clone", "_to_copy", "copy_", "index_select"),
    *("ones_like", BIAS),
}


@dataclass(frozen=True)
class Kernel:
    """One launch. flops: of matrix products (two a multiply-accumulate); bytes: read and written;
    pixels: numbers in its output. grouped: a convolution in groups, which matrix units do not
    take. after: the number of the kernel that made its newest input, if any; read: the bytes of
    what that made; fusable: computed for each number of the output by itself."""

    name: str
    flops: int
    bytes: int
    pixels: int
    grouped: bool = False
    after: int | None = None
    read: int = 0
    fusable: bool = False

    @property
    def is_convolution(self) -> bool:
        """Whether it computes one, whatever is joined to it."""
        return self.name.split(" + ")[0] == CONVOLUTION


def fast_kernels(
    model: TTVOS, height: int, width: int, objects: int, layers: torch.dtype
) -> list[Kernel]:
    """Of one `FastStep` frame of height x width pixels, as it runs on CUDA, not compiled."""
    step = FastStep(copy.deepcopy(model).to(META), StepOptions((height, width), layers))
    frame = torch.empty(height, width, 3, dtype=torch.uint8, device=META)
    with torch.no_grad():
        memory = step.first(frame, torch.empty(objects, height, width, device=META))
        with recorded() as found:
            _, after = step(frame, *memory)
            for buffer, new in zip(memory, after, strict=True):  # as `GraphRunner` does
                buffer.copy_(new)
    return found


def plain_kernels(model: TTVOS, height: int, width: int, objects: int) -> list[Kernel]:
    """Of one frame of the readable tracker, `ttvos.tracking.readable.TTVOSTracker`, in float32."""
    model = copy.deepcopy(model).eval().to(META)
    frame = torch.empty(1, 3, height, width, dtype=torch.uint8, device=META)
    with torch.no_grad():
        features = model.features(PADDING.pad(normalise(frame))).expand(objects)
        heatmap = PADDING.pad(torch.empty(objects, 2, height, width, device=META))
        state = model.start(features, heatmap)
        with recorded() as found:
            features = model.features(PADDING.pad(normalise(frame))).expand(objects)
            step = model.step(features, state)
            fed_back = aggregate(step.logits.log_softmax(dim=1).exp())
            model.advance(features, state, step, fed_back)
            label(PADDING.crop(fed_back, (height, width)))
    return found


def fused(kernels: list[Kernel], into_convolutions: bool = False) -> list[Kernel]:
    """What a compiler leaves: each fusable kernel joined to the fusable one that made its input,
    where both make as many numbers; what is between them is neither written nor read.

    into_convolutions: as where a convolution's call takes bias, sum and activation too.
    """
    made: list[Kernel] = []
    place: dict[int, int] = {}  # of each old kernel among the new
    for number, kernel in enumerate(kernels):
        before = None if kernel.after is None else place[kernel.after]
        host = None if before is None else made[before]
        takes = host and (host.fusable or (into_convolutions and host.is_convolution))
        if takes and kernel.fusable and kernel.pixels == host.pixels:
            total = max(0, host.bytes + kernel.bytes - 2 * kernel.read)
            made[before] = replace(host, name=f"{host.name} + {kernel.name}", bytes=total)
            place[number] = before
        else:
            place[number] = len(made)
            made.append(kernel)
    return made


@contextmanager
def recorded() -> Iterator[list[Kernel]]:
    """A list that fills with the kernels of what runs inside."""
    recorder = _Recorder()
    with recorder:
        yield recorder.kernels


@dataclass
class _Made:
    """The kernel that last wrote a memory, and how many bytes."""

    number: int
    bytes: int


@dataclass
class _Memories:
    """Who wrote which memory last. The tensors are kept, so that no memory is used twice."""

    writers: dict[int, _Made] = field(default_factory=dict)
    kept: list[Tensor] = field(default_factory=list)

    def newest(self, tensors: list[Tensor]) -> _Made | None:
        found = [self.writers[key] for key in map(_memory, tensors) if key in self.writers]
        return max(found, key=lambda made: made.number, default=None)

    def write(self, tensors: list[Tensor], number: int) -> None:
        self.kept += tensors
        for tensor in tensors:
            self.writers[_memory(tensor)] = _Made(number, _bytes(tensor))


class _Recorder(OperatorWatcher):
    def __init__(self) -> None:
        super().__init__()
        self.kernels: list[Kernel] = []
        self._memories = _Memories()

    def saw(self, function: Any, arguments: tuple, named: dict, result: Any) -> None:
        """See `OperatorWatcher.saw`."""
        copies_itself = function is aten.copy_.default and arguments[0] is arguments[1]
        if function.is_view or function in NO_KERNEL or copies_itself:
            return
        inputs = tensors_of((arguments, named))[1 if function in ONLY_WRITES else 0 :]
        outputs, name = tensors_of(result), function.overloadpacket.__name__
        count = flop_registry.get(function.overloadpacket)
        newest = self._memories.newest(inputs)
        bias = None
        if name == CONVOLUTION:
            bias, inputs = arguments[2], [x for x in inputs if x is not arguments[2]]
        made = Kernel(
            name,
            flops=count(*arguments, **named, out_val=result) if count else 0,
            bytes=sum(map(_bytes, (*inputs, *outputs))),
            pixels=sum(x.numel() for x in outputs),
            grouped=name == CONVOLUTION and arguments[8] > 1,
            after=newest and newest.number,
            read=newest.bytes if newest else 0,
            fusable=torch.Tag.pointwise in function.tags or name in FUSABLE,
        )
        self.kernels.append(made)
        if bias is not None:
            size = _bytes(outputs[0])
            number = len(self.kernels) - 1
            self.kernels.append(
                Kernel(BIAS, 0, 2 * size, made.pixels, after=number, read=size, fusable=True)
            )
        self._memories.write(outputs, len(self.kernels) - 1)


def _memory(tensor: Tensor) -> int:
    return tensor.untyped_storage()._cdata


def _bytes(tensor: Tensor) -> int:
    """Of what it shows, each number once: an expanded axis costs nothing."""
    return min(tensor.numel() * tensor.itemsize, tensor.untyped_storage().nbytes())
