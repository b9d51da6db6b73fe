"""The ways through the tracker that the benchmarks compare, and time taken in turns."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from ttvos.core.device import read_clock
from ttvos.core.errors import UserError
from ttvos.engine.precision import choose_precision
from ttvos.engine.tracker import FastTracker, make_tracker
from ttvos.model.ttvos import TTVOS
from ttvos.tracking.protocol import Tracker

PLAIN = "plain"  # the reference: eager PyTorch in float32
FASTEST_ON_CUDA = "graph float16"  # of those that need no compiler and no trial


@dataclass(frozen=True)
class CudaPath:
    """A way of FastTracker's on CUDA; its arguments. is_trial: may fail, so only by name."""

    precision: str
    graphs: bool = True
    compile: str = "off"
    joined: bool = False

    @property
    def is_trial(self) -> bool:
        """Whether it needs a compiler, or operations that have not run on a device yet."""
        return self.compile == "on" or self.joined


CUDA_PATHS = {
    "fused": CudaPath("float32", graphs=False),
    "fused float16": CudaPath("float16", graphs=False),
    "graph float32": CudaPath("float32"),
    "graph bfloat16": CudaPath("bfloat16"),
    "graph float16": CudaPath("float16"),
    "joined graph float16": CudaPath("float16", joined=True),
    "compiled graph float16": CudaPath("float16", compile="on"),
}


def path_names(device: torch.device, compiled: bool) -> tuple[str, ...]:
    """Names of the paths on a device, plain first. compiled: those too that need a compiler, and
    on CUDA those that are on trial."""
    if device.type == "cuda":
        return (PLAIN, *(n for n, path in CUDA_PATHS.items() if compiled or not path.is_trial))
    precisions = dict.fromkeys(("float32", choose_precision("auto", device)))
    ways = ("", " compiled") if compiled else ("",)
    return (PLAIN, *(precision + way for precision in precisions for way in ways))


def make_path(name: str, model: TTVOS, device: torch.device) -> Tracker:
    """The tracker of one of `path_names`."""
    if name == PLAIN:
        return make_tracker(model, device.type, engine="reference")
    if device.type == "cuda":
        return FastTracker(model, "cuda", **asdict(CUDA_PATHS[name]))
    precision, _, compiled = name.partition(" ")
    return make_tracker(model, "cpu", precision=precision, compile="on" if compiled else "off")


def chosen_paths(names: Sequence[str] | None, device: torch.device, compiled: bool) -> list[str]:
    """Plain and the named paths, or all (`path_names`). UserError for one that is not there."""
    known = path_names(device, compiled=True)
    if unknown := [name for name in names or () if name not in known]:
        raise UserError(f"no path {', '.join(unknown)} on {device}; there are: {', '.join(known)}")
    return list(dict.fromkeys((PLAIN, *(names or path_names(device, compiled)))))


def working(
    makers: dict[str, Callable[[], Any]],
) -> tuple[dict[str, Any], dict[str, str]]:
    """What each gives, and why others gave nothing: one path that fails on a device costs the
    others nothing. The reference must work."""
    made, failed = {}, {}
    for name, make in makers.items():
        try:
            made[name] = make()
        except Exception as error:  # any: what a device refuses is what this looks for
            if name == PLAIN:
                raise
            failed[name] = " ".join(f"{type(error).__name__}: {error}".split())
            print(f"{name} failed: {failed[name]}", file=sys.stderr)
    return made, failed


def stepper(tracker: Tracker, clip: np.ndarray, mask: np.ndarray) -> Callable[[], Any]:
    """A function that tracks the next frame of the clip, to and fro, without end."""
    state = tracker.init(clip[0], mask)
    frames = _to_and_fro(clip)

    def step() -> Any:
        nonlocal state
        prediction, state = tracker.step(next(frames), state)
        return prediction

    return step


def _to_and_fro(clip: np.ndarray) -> Iterator[np.ndarray]:
    while True:
        yield from clip[1:]
        yield from clip[-2::-1]


def time_in_turns(
    functions: dict[str, Callable[[], Any]], repeats: int, device: torch.device, warmup: int = 2
) -> dict[str, list[float]]:
    """Seconds of each repeat of each function, taken A B C A B C ..., after uncounted turns."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for turn in tqdm(range(warmup + repeats), "turns", disable=None):
        for name, function in functions.items():
            before = read_clock(device)
            function()
            if turn >= warmup:
                seconds[name].append(read_clock(device) - before)
    return seconds
