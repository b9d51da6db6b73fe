"""The tracker that everything uses: TTVOS by the fast path, one frame at a time or as a stream."""

import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ttvos.core.device import find_device
from ttvos.core.errors import UserError
from ttvos.core.process import keep_freed_memory
from ttvos.engine import COMPILE, ENGINES
from ttvos.engine.compiled import compile_step, load_compiled, package_path, with_layout_of
from ttvos.engine.fuse import join_on_cuda
from ttvos.engine.graph import GraphRunner
from ttvos.engine.precision import LAYERS, choose_precision
from ttvos.engine.step import FastStep, StepOptions
from ttvos.engine.transfer import Transfer
from ttvos.model.ttvos import TTVOS
from ttvos.tracking.precision import matrix_precision
from ttvos.tracking.protocol import Prediction, check_pair, check_size, object_ids, one_hot
from ttvos.tracking.readable import TTVOSTracker, check_options

KEPT = 4  # sizes of frames, and numbers of objects with them, that a tracker stays ready for


@dataclass(frozen=True)
class FastState:
    """A clip's memory, as its runner keeps it; the objects' ids; the size of its frames."""

    memory: Any
    ids: tuple[int, ...]
    size: tuple[int, int]


class FastTracker:
    """Tracks with a TTVOS model, as `ttvos.tracking.readable.TTVOSTracker` does, but sooner.

    precision: "float32" on every device, so that masks do not depend on the processor; on request
    "bfloat16", "float16", "tf32" (CUDA), or "auto" (`choose_precision`).
    compile: "on" compiles the step for each size of frame and number of objects that comes, and
    keeps it on disk on the CPU; "auto" (CPU) uses what is kept there; "off" never does.
    details: predictions hold foreground, transition and attention maps, not the mask alone.
    graphs: on CUDA the step runs as one graph, and a state can be stepped once only; without, its
    kernels start one by one, which is for comparison. joined: on CUDA bias, shortcut and ReLU
    are part of a convolution's call (`ttvos.engine.fuse.join_on_cuda`); off until it is measured.
    """

    def __init__(
        self,
        model: TTVOS,
        device: str = "cpu",
        single_object: str = "aggregated",
        input_scale: float = 1.0,
        precision: str = "float32",
        compile: str = "auto",
        details: bool = False,
        graphs: bool = True,
        joined: bool = False,
    ) -> None:
        check_options(single_object, input_scale)
        if compile not in COMPILE:
            raise UserError(f"compile {compile!r}: one of {', '.join(COMPILE)}")
        self.device = find_device(device)
        self.precision = choose_precision(precision, self.device)
        self.compile = compile
        if self.device.type == "cpu":
            keep_freed_memory()
        self.compiled = False  # whether the runner made last was compiled
        self.joined = joined
        self.uses_graphs = graphs and self.device.type == "cuda"
        self.model = model.eval().to(self.device)
        self.options: dict[str, object] = {"single_object": single_object}
        if input_scale != 1:
            self.options["input_scale"] = input_scale
        self.name = f"ttvos-{model.variant.name}-{model.backbone_name}"
        layers = LAYERS[self.precision]
        self._built_for = StepOptions((0, 0), layers, single_object, input_scale, details)
        self._steps: dict[tuple[int, int], FastStep] = {}
        self._runners: dict[tuple[tuple[int, int], int], Any] = {}

    @torch.no_grad()
    def init(self, frame: np.ndarray, mask: np.ndarray) -> FastState:
        """See `ttvos.tracking.protocol.Tracker.init`."""
        check_pair(frame, mask)
        ids = object_ids(mask)
        foreground = torch.from_numpy(one_hot(mask, ids)).to(self.device)
        with matrix_precision(self.precision):
            memory = self._step(mask.shape).first(self._on_device(frame), foreground)
        return FastState(memory, ids, mask.shape)

    @torch.no_grad()
    def step(self, frame: np.ndarray, state: FastState) -> tuple[Prediction, FastState]:
        """See `ttvos.tracking.protocol.Tracker.step`."""
        results, state = self._advance(self._on_device(self._checked(frame, state)), state)
        return self._prediction([_to_numpy(result) for result in results], state.ids), state

    @torch.no_grad()
    def stream(self, frames: Iterable[np.ndarray], state: FastState) -> Iterator[Prediction]:
        """Step through the frames that follow `state`; on CUDA each is sent while the one before
        it is computed, and its results come back while the next one is."""
        if not self.uses_graphs:
            for frame in frames:
                prediction, state = self.step(frame, state)
                yield prediction
            return
        transfer = Transfer(self.device)
        for frame in frames:
            results, state = self._advance(transfer.send(self._checked(frame, state)), state)
            if (arrays := transfer.receive(results)) is not None:
                yield self._prediction(arrays, state.ids)
        for arrays in transfer.rest():
            yield self._prediction(arrays, state.ids)

    def detailed(self) -> "FastTracker":
        """The same tracker with all details in its predictions."""
        made = copy.copy(self)
        made._built_for = replace(self._built_for, details=True)
        made._steps, made._runners = {}, {}
        return made

    def _advance(self, frame: Tensor, state: FastState) -> tuple[Any, FastState]:
        with matrix_precision(self.precision):
            run = self._runner(frame, state)
            results, memory = run(frame, state.memory)
        return results, replace(state, memory=memory)

    def _runner(self, frame: Tensor, state: FastState) -> Any:
        """What runs the step for this size and number of objects, made when it first comes."""
        key = state.size, len(state.ids)
        return _kept(self._runners, key, lambda: self._new_runner(frame, state))

    def _new_runner(self, frame: Tensor, state: FastState) -> Any:
        step = self._step(state.size)
        if self.device.type == "cuda":
            self.compiled = self.compile == "on"
            run = torch.compile(step, dynamic=False) if self.compiled else step
            return GraphRunner(run, frame, state.memory) if self.uses_graphs else _unpacked(run)
        if self.compile == "off":
            return _unpacked(step)
        inputs = (frame, *state.memory)
        path = package_path(step, self._description(), inputs)
        compiled = load_compiled(path)
        if compiled is None and self.compile == "on":
            compiled = compile_step(step, inputs, path)
        self.compiled = compiled is not None
        return _unpacked(step if compiled is None else with_layout_of(inputs, compiled))

    def _description(self) -> str:
        return f"{self.model.variant} {self.model.backbone_name} {self._built_for}"

    def _step(self, size: tuple[int, int]) -> FastStep:
        built_for = replace(self._built_for, size=size)
        return _kept(self._steps, size, lambda: self._new_step(built_for))

    def _new_step(self, built_for: StepOptions) -> FastStep:
        step = FastStep(self.model, built_for)
        if self.joined:
            join_on_cuda(step)
        return step

    @staticmethod
    def _checked(frame: np.ndarray, state: FastState) -> np.ndarray:
        check_size(frame, state.size)
        return np.ascontiguousarray(frame)

    def _on_device(self, frame: np.ndarray) -> Tensor:
        # Writable: PyTorch warns of arrays that are not, as those made from a PIL image.
        return torch.from_numpy(np.require(frame, requirements="CW")).to(self.device)

    def _prediction(self, arrays: list[np.ndarray], ids: tuple[int, ...]) -> Prediction:
        labels, weight, *details = arrays
        if ids != tuple(range(1, len(ids) + 1)):
            labels = np.array([0, *ids], dtype=np.uint8)[labels]
        found = dict(zip(("foreground", "transition", "attention"), details, strict=False))
        if self.model.heads.transition is None:
            found.pop("transition", None)
        weighs = self.model.adaptive_weight is not None
        return Prediction(mask=labels, update_weight=weight if weighs else None, **found)


def make_tracker(
    model: TTVOS,
    device: str = "cpu",
    single_object: str = "aggregated",
    input_scale: float = 1.0,
    precision: str = "float32",
    compile: str = "auto",
    engine: str = "fast",
    details: bool = False,
) -> FastTracker | TTVOSTracker:
    """A FastTracker, or with engine "reference" the plain one, which is float32 and never compiled.

    Raises UserError for values that do not exist, or that the reference has no use for.
    """
    if not isinstance(model, TTVOS):
        kind = type(model).__name__
        raise UserError(f"the model is of type {kind}: pass what ttvos.load(NAME or FILE) returns")
    if engine == "fast":
        return FastTracker(model, device, single_object, input_scale, precision, compile, details)
    if engine != "reference":
        raise UserError(f"engine {engine!r}: one of {', '.join(ENGINES)}")
    if precision not in ("auto", "float32") or compile == "on":
        raise UserError("the reference engine is float32 and not compiled: leave out the options")
    return TTVOSTracker(model, device, single_object, input_scale)


def _unpacked(run: Callable[..., Any]) -> Callable[[Tensor, Iterable[Tensor]], Any]:
    """A step, whose memory comes as so many arguments, as a runner, whose memory is one."""
    return lambda frame, memory: run(frame, *memory)


def _kept(made: dict[Any, Any], key: Any, make: Callable[[], Any]) -> Any:
    """made[key], made now if it is not there; what was not used for longest is dropped."""
    made[key] = made.pop(key) if key in made else make()
    if len(made) > KEPT:
        del made[next(iter(made))]
    return made[key]


def _to_numpy(tensor: Tensor) -> np.ndarray:
    """A copy: the tensor may be a graph's buffer, which the next step overwrites."""
    return tensor.cpu().numpy().copy() if tensor.device.type != "cpu" else tensor.numpy()
