"""A pretended CUDA device: its tensors hold their numbers on the CPU, and obey CUDA's rules.

Inside `pretended_cuda()` everything that asks for "cuda" gets `OnDevice` tensors. What goes wrong
on a GPU goes wrong here too: tensors of two devices in one call, `.numpy()` of a tensor that is
not on the CPU, results read before their event, a wait while a graph is captured. Numbers are the
CPU's own, so that results can be compared, and gradients work. A graph replays what ran while it
was captured, on the same memory. Every wait of the host for the device is noted.

It says nothing of CUDA's kernels, their rounding, memory or speed, and follows neither other
threads (a DataLoader's workers) nor `torch.compile`; autocast casts what it casts on a CPU.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.optim import optimizer
from torch.overrides import TorchFunctionMode
from torch.utils._foreach_utils import _group_tensors_by_device_and_dtype
from torch.utils._mode_utils import no_dispatch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

CUDA = torch.device("cuda", 0)
PACKAGE = Path(__file__).parents[1] / "ttvos"

aten = torch.ops.aten
COPIES = {aten.copy_.default}
INDEXING = {  # operations that take indices from the CPU, and copy them over
    *(aten.index.Tensor, aten._unsafe_index.Tensor, aten._index_put_impl_.default),
    *(aten.index_put.default, aten.index_put_.default),
}
TAKES_A_NUMBER = {  # as pointwise operations do: a tensor without axes from the CPU
    *(aten.masked_fill.Tensor, aten.masked_fill_.Tensor, aten.fill.Tensor, aten.fill_.Tensor),
    *(aten.index_put.default, aten.index_put_.default, aten._index_put_impl_.default),
}
WAITS = {  # operations whose number, or whose result's size, the host needs
    **dict.fromkeys((aten._local_scalar_dense.default, aten.equal.default), "item"),
    **dict.fromkeys((aten.linalg_inv_ex.default, aten._linalg_solve_ex.default), "item"),
    **dict.fromkeys((aten.nonzero.default, aten.masked_select.default), "nonzero"),
    **dict.fromkeys((aten._unique2.default, aten.unique_consecutive.default), "nonzero"),
    **dict.fromkeys((aten.bincount.default, aten.repeat_interleave.Tensor), "nonzero"),
}
FROM_HOST = {torch.tensor, torch.as_tensor, Tensor.new_tensor}


@dataclass(frozen=True)
class Wait:
    """One wait of the host for the device. kind: "copy to host", "copy to device", "item",
    "nonzero", "synchronize" or "event". where: the innermost line of `ttvos` that waited."""

    kind: str
    where: str


@dataclass
class PretendedCuda:
    """The device. waits: all so far. operations: those that ran on it so far. captured: those of
    the graph that is being captured, None while there is none."""

    waits: list[Wait] = field(default_factory=list)
    operations: int = 0
    captured: list[Callable[[], None]] | None = None
    _coming: list[Callable[[], Any]] = field(default_factory=list)  # copies to pinned memory
    _pinned: list[torch.UntypedStorage] = field(default_factory=list)

    def kinds(self) -> list[str]:
        """The kind of every wait, in order."""
        return [wait.kind for wait in self.waits]

    def wait(self, kind: str) -> None:
        """Note a wait; RuntimeError during a capture, as CUDA has it."""
        if self.captured is not None:
            raise RuntimeError(f"{kind}: operation not permitted when stream is capturing")
        self.waits.append(Wait(kind, _where()))

    def run(self, function: Callable[..., Any], arguments: tuple, named: dict[str, Any]) -> Any:
        """The operation on numbers of the CPU, noted if a graph is captured."""
        result = function(*arguments, **named)
        self.operations += 1
        if self.captured is not None:
            self.captured.append(_again(function, arguments, named, result))
        return result

    def pin(self, tensor: Tensor) -> Tensor:
        """The tensor, from now on in pinned memory."""
        self._pinned.append(tensor.untyped_storage())
        return tensor

    def is_pinned(self, tensor: Tensor) -> bool:
        """Whether the device reads and writes the tensor by itself."""
        memory = tensor.untyped_storage().data_ptr()
        return any(storage.data_ptr() == memory for storage in self._pinned)

    def copy_to_host(self, target: Tensor, source: Tensor, non_blocking: bool) -> None:
        """Into pinned memory the numbers come when an event or the device is waited for."""
        if non_blocking and self.is_pinned(target):
            source = source.clone()
            self._coming.append(lambda: target.copy_(source))
            return
        self.wait("copy to host")
        self.arrive(len(self._coming))
        target.copy_(source)

    def arrive(self, count: int) -> None:
        """Let the first `count` copies to pinned memory be done."""
        for place in range(count):
            self._coming[place]()
            self._coming[place] = _done

    def synchronize(self, device: Any = None) -> None:
        """As torch.cuda.synchronize."""
        self.wait("synchronize")
        self.arrive(len(self._coming))

    def on_its_way(self) -> int:
        """How many copies to pinned memory have begun."""
        return len(self._coming)


def _done() -> None:
    pass


def _where() -> str:
    frame = sys._getframe(1)
    while frame and not frame.f_code.co_filename.startswith(f"{PACKAGE}/"):
        frame = frame.f_back
    if frame is None:
        return "outside ttvos"
    return f"{Path(frame.f_code.co_filename).relative_to(PACKAGE)}:{frame.f_lineno}"


def _again(function: Callable, arguments: tuple, named: dict, result: Any) -> Callable[[], None]:
    """A replay of an operation: it writes where the captured one wrote."""
    given = [x for x in tree_leaves((arguments, named)) if isinstance(x, Tensor)]
    memory = {x.untyped_storage().data_ptr() for x in given}
    results = [x for x in tree_leaves(result) if isinstance(x, Tensor)]
    if any(x is y for x in results for y in given):  # in place, or `out`
        return lambda: function(*arguments, **named)
    if all(x.untyped_storage().data_ptr() in memory for x in results):
        return _done  # a view shows the new numbers by itself

    def replay() -> None:
        for kept, new in zip(results, tree_leaves(function(*arguments, **named)), strict=True):
            kept.copy_(new)

    return replay


class OnDevice(Tensor):
    """A tensor on the device. For autograd it is one of the CPU; `inner` has its numbers."""

    inner: Tensor
    cuda_device: PretendedCuda
    device = property(lambda self: CUDA)
    is_cuda = property(lambda self: True)
    is_cpu = property(lambda self: False)

    @staticmethod
    def __new__(cls, inner: Tensor, on: PretendedCuda) -> "OnDevice":
        shape = inner.shape, inner.stride(), inner.storage_offset()
        with torch.inference_mode(inner.is_inference()):  # a view is what its base is
            made = torch.Tensor._make_wrapper_subclass(cls, *shape, dtype=inner.dtype)
        made.inner, made.cuda_device = inner, on
        return made

    @classmethod
    def __torch_dispatch__(
        cls, function: Any, types: Any, arguments: tuple = (), named: dict | None = None
    ) -> Any:
        named = named or {}
        tensors = [x for x in tree_leaves((arguments, named)) if isinstance(x, Tensor)]
        known = {id(x.inner): x for x in tensors if isinstance(x, OnDevice)}
        cuda = next(iter(known.values())).cuda_device
        if function in COPIES and type(arguments[0]) is not type(arguments[1]):
            return _copy_between(cuda, *arguments, **named)
        for _ in range(_copied_indices(function, arguments, tensors)):
            cuda.wait("copy to device")
        if function in WAITS or _has_mask(function, arguments):
            cuda.wait(WAITS.get(function, "nonzero"))
        result = cuda.run(function, *tree_map(_numbers, (arguments, named)))
        if torch.Tag.inplace_view in function.tags:
            with no_dispatch():  # the shape is changed on the outside too
                function(*arguments, **named)
        return tree_map(lambda x: known.get(id(x), on_device(x, cuda)), result)

    def __deepcopy__(self, memo: dict[int, Any]) -> "OnDevice":
        if id(self) not in memo:
            made = OnDevice(self.inner.clone(), self.cuda_device)
            made._is_param = getattr(self, "_is_param", False)
            memo[id(self)] = made.requires_grad_(self.requires_grad)
        return memo[id(self)]

    def __reduce_ex__(self, protocol: int) -> Any:
        return self.detach().cpu().__reduce_ex__(protocol)

    @property
    def data(self) -> Tensor:
        """As of any tensor; assigned to, it takes the other's numbers."""
        return self.detach()

    @data.setter
    def data(self, value: "OnDevice") -> None:
        Tensor.data.__set__(self, value)
        self.inner = value.inner

    def __repr__(self) -> str:
        return f"OnDevice({tuple(self.shape)}, {self.dtype})"

    def numpy(self, **_: Any) -> None:
        """Refused, as CUDA's tensors do."""
        raise TypeError("can't convert cuda:0 device type tensor to numpy; use Tensor.cpu() first")

    __array__ = numpy

    def tolist(self) -> Any:
        """By a copy to the CPU."""
        return self.detach().cpu().tolist()


def on_device(x: Any, cuda: PretendedCuda) -> Any:
    """A plain tensor as one of the device, without a copy; all else as it is."""
    return OnDevice(x, cuda) if type(x) is Tensor else x


def _numbers(x: Any) -> Any:
    if isinstance(x, OnDevice):
        return x.inner
    return torch.device("cpu") if isinstance(x, torch.device) and x.type == "cuda" else x


def _copy_between(
    cuda: PretendedCuda, target: Tensor, source: Tensor, non_blocking: bool = False
) -> Tensor:
    if isinstance(source, OnDevice):
        cuda.copy_to_host(target, source.inner, non_blocking)
        return target
    if not (non_blocking and cuda.is_pinned(source)):
        cuda.wait("copy to device")
    cuda.run(Tensor.copy_, (target.inner, source), {})
    return target


def _copied_indices(function: Any, arguments: tuple, tensors: list[Tensor]) -> int:
    """How many indices come from the CPU. RuntimeError for tensors that CUDA would refuse."""
    strangers = [x for x in tensors if not isinstance(x, OnDevice)]
    takes_numbers = torch.Tag.pointwise in function.tags or function in TAKES_A_NUMBER
    into_cpu = function._schema.is_mutable and not isinstance(tensors[0], OnDevice)
    indices = set()
    if function in INDEXING and isinstance(arguments[0], OnDevice):
        indices = {id(x) for x in arguments[1]} & {id(x) for x in strangers}
    mixed = [x for x in strangers if id(x) not in indices and (x.dim() or not takes_numbers)]
    if mixed or (strangers and into_cpu):
        raise RuntimeError(
            f"{function}: Expected all tensors to be on the same device, but found at least two "
            "devices, cuda:0 and cpu!"
        )
    return len(indices)


def _has_mask(function: Any, arguments: tuple) -> bool:
    """Whether it first has to find where a mask is true."""
    if function not in INDEXING:
        return False
    return any(x is not None and x.dtype in (torch.bool, torch.uint8) for x in arguments[1])


class _Factories(TorchDispatchMode):
    """Inside an operation on the device, the new tensors that it makes for itself."""

    def __init__(self, cuda: PretendedCuda) -> None:
        super().__init__()
        self.cuda = cuda

    def __torch_dispatch__(
        self, function: Any, types: Any, arguments: tuple = (), named: dict | None = None
    ) -> Any:
        named = named or {}
        if any(isinstance(x, Tensor) for x in tree_leaves((arguments, named))):
            return function(*arguments, **named)
        return tree_map(
            lambda x: on_device(x, self.cuda), self.cuda.run(function, arguments, named)
        )


class _Requests(TorchFunctionMode):
    """Whatever names a device: new tensors, and moves between the devices."""

    def __init__(self, cuda: PretendedCuda) -> None:
        super().__init__()
        self.cuda = cuda

    def __torch_function__(
        self, function: Any, types: Any, arguments: tuple = (), named: dict | None = None
    ) -> Any:
        named = dict(named or {})
        if isinstance(function, torch._ops.OpOverload):
            return function(*arguments, **named)  # what `_Factories` passes on
        if function is Tensor.cpu:
            return self._moved(arguments[0], torch.device("cpu"), False)
        if function is Tensor.cuda:
            return self._moved(arguments[0], CUDA, named.get("non_blocking", False))
        if function is Tensor.to:
            return self._to(*arguments, **named)
        if function is Tensor.pin_memory:
            return self.cuda.pin(arguments[0].clone())
        if function is Tensor.is_pinned:
            return type(arguments[0]) is Tensor and self.cuda.is_pinned(arguments[0])
        if function is Tensor.new_tensor:
            named.setdefault("device", arguments[0].device)
        if named.get("pin_memory"):
            del named["pin_memory"]
            return self.cuda.pin(function(*arguments, **named))
        return self._made(function, arguments, named)

    def _made(self, function: Any, arguments: tuple, named: dict[str, Any]) -> Any:
        device = named.get("device")
        if device is None or torch.device(device).type not in ("cuda", "cpu"):
            is_there = any(isinstance(x, OnDevice) for x in tree_leaves((arguments, named)))
            with _Factories(self.cuda) if is_there else nullcontext():
                return function(*arguments, **named)
        named["device"] = "cpu"
        if torch.device(device).type == "cpu":
            made = function(*arguments, **named)
            return made.inner if isinstance(made, OnDevice) else made
        if function in FROM_HOST:
            self.cuda.wait("copy to device")
        learns = named.pop("requires_grad", False)
        made = self.cuda.run(function, arguments, named)
        return on_device(made, self.cuda).requires_grad_(learns)

    def _to(self, tensor: Tensor, *arguments: Any, copy: bool = False, **named: Any) -> Tensor:
        if arguments and isinstance(arguments[0], Tensor):
            arguments = (arguments[0].device, arguments[0].dtype, *arguments[1:])
        device, dtype, non_blocking, layout = torch._C._nn._parse_to(*arguments, **named)
        tensor = self._moved(tensor, device or tensor.device, non_blocking)
        rest = {"dtype": dtype or tensor.dtype, "copy": copy}
        return tensor.to(**rest, **({"memory_format": layout} if layout else {}))

    def _moved(self, tensor: Tensor, device: torch.device, non_blocking: bool) -> Tensor:
        if device.type == tensor.device.type or device.type not in ("cuda", "cpu"):
            return tensor.to(device) if device.type == "meta" else tensor
        if tensor.requires_grad and torch.is_grad_enabled():
            raise NotImplementedError("the pretended device takes no gradient across devices")
        if device.type == "cpu":
            made = torch.empty_like(tensor.inner)
            self.cuda.copy_to_host(made, tensor.inner, non_blocking)
            return made
        if not (non_blocking and self.cuda.is_pinned(tensor)):
            self.cuda.wait("copy to device")
        return OnDevice(tensor.detach().clone(), self.cuda)


class _Event:
    """As torch.cuda.Event."""

    def __init__(self, cuda: PretendedCuda) -> None:
        self._cuda, self._count = cuda, 0

    def record(self, stream: Any = None) -> None:
        self._count = self._cuda.on_its_way()

    def synchronize(self) -> None:
        self._cuda.wait("event")
        self._cuda.arrive(self._count)


class _Stream:
    """As torch.cuda.Stream; everything runs in the order in which it is asked for."""

    def __init__(self, cuda: PretendedCuda) -> None:
        self.synchronize = cuda.synchronize

    def wait_stream(self, stream: Any) -> None:
        """Nothing to wait for."""


class _Graph:
    """As torch.cuda.CUDAGraph."""

    calls: list[Callable[[], None]]

    def replay(self) -> None:
        for call in self.calls:
            call()


def _replacements(cuda: PretendedCuda) -> dict[str, Any]:
    """What takes the place of names in torch.cuda."""

    @contextmanager
    def capture(graph: _Graph, **_: Any) -> Iterator[None]:
        cuda.captured = []
        try:
            yield
            graph.calls = cuda.captured
        finally:
            cuda.captured = None

    stream = _Stream(cuda)
    return {
        "is_available": lambda: True,
        "device_count": lambda: 1,
        "set_device": lambda device: None,
        "get_device_name": lambda device=None: "pretended",
        "synchronize": cuda.synchronize,
        "current_stream": lambda device=None: stream,
        "Stream": lambda device=None: _Stream(cuda),
        "Event": lambda **_: _Event(cuda),
        "stream": lambda stream: nullcontext(),
        "is_current_stream_capturing": lambda: cuda.captured is not None,
        "CUDAGraph": _Graph,
        "graph": capture,
        "memory_allocated": lambda device=None: 0,
        "max_memory_allocated": lambda device=None: 0,
        "reset_peak_memory_stats": lambda device=None: None,
    }


def _by_device_and_type(tensors: list[list[Tensor | None]], with_indices: bool = False) -> Any:
    """As PyTorch's function, which asks the tensors in a way that reaches the CPU's."""
    found = _group_tensors_by_device_and_dtype(tensors, with_indices)
    return {(tensors[0][0].device, dtype): rest for (_, dtype), rest in found.items()}


def _autocast(device_type: str, *arguments: Any, **named: Any) -> torch.amp.autocast:
    """Of the CPU, whose tensors they are for PyTorch."""
    return torch.amp.autocast("cpu", *arguments, **named)


@contextmanager
def pretended_cuda() -> Iterator[PretendedCuda]:
    """Pretend that there is one CUDA device; yields what happens on it."""
    cuda = PretendedCuda()
    backward = torch.autograd._engine_run_backward

    def run_backward(*arguments: Any, **named: Any) -> Any:
        with _Requests(cuda):  # of what is computed again for the gradient
            return backward(*arguments, **named)

    with ExitStack() as stack:
        for name, value in _replacements(cuda).items():
            stack.enter_context(patch.object(torch.cuda, name, value))
        stack.enter_context(patch.object(torch, "autocast", _autocast))
        stack.enter_context(patch.object(torch.autograd, "_engine_run_backward", run_backward))
        stack.enter_context(
            patch.object(optimizer, "_group_tensors_by_device_and_dtype", _by_device_and_type)
        )
        stack.enter_context(_exchanged_parameters())
        stack.enter_context(_Requests(cuda))
        yield cuda


@contextmanager
def _exchanged_parameters() -> Iterator[None]:
    """Let `module.to(device)` exchange whole parameters, as it must for those of another class."""
    before = torch.__future__.get_swap_module_params_on_conversion()
    torch.__future__.set_swap_module_params_on_conversion(True)
    try:
        yield
    finally:
        torch.__future__.set_swap_module_params_on_conversion(before)
