"""The ways through the tracker that the benchmarks compare, and time taken in turns."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from ttvos.engine.choose import make_tracker
from ttvos.engine.precision import choose_precision
from ttvos.engine.tracker import FastTracker
from ttvos.measure.clock import read_clock
from ttvos.model.ttvos import TTVOS
from ttvos.tracker import Tracker

PLAIN = "plain"  # the reference: eager PyTorch in float32
# On CUDA, by name: precision, whether one graph starts all kernels, whether they are compiled.
CUDA_PATHS = {
    "fused": ("float32", False, "off"),
    "fused float16": ("float16", False, "off"),
    "graph float32": ("float32", True, "off"),
    "graph bfloat16": ("bfloat16", True, "off"),
    "graph float16": ("float16", True, "off"),
    "compiled graph float16": ("float16", True, "on"),
}
FASTEST_ON_CUDA = "graph float16"  # of those that need no compiler


def path_names(device: torch.device, compiled: bool) -> tuple[str, ...]:
    """Names of the paths on a device, plain first. compiled: those that need a compiler too."""
    if device.type == "cuda":
        found = [n for n, (_, _, compile) in CUDA_PATHS.items() if compiled or compile == "off"]
        return (PLAIN, *found)
    precisions = dict.fromkeys(("float32", choose_precision("auto", device)))
    ways = ("", " compiled") if compiled else ("",)
    return (PLAIN, *(precision + way for precision in precisions for way in ways))


def make_path(name: str, model: TTVOS, device: torch.device) -> Tracker:
    """The tracker of one of `path_names`."""
    if name == PLAIN:
        return make_tracker(model, device.type, engine="reference")
    if device.type == "cuda":
        precision, graphs, compile = CUDA_PATHS[name]
        return FastTracker(model, "cuda", precision=precision, compile=compile, graphs=graphs)
    precision, _, compiled = name.partition(" ")
    return make_tracker(model, "cpu", precision=precision, compile="on" if compiled else "off")


def make_paths(model: TTVOS, device: torch.device, compiled: bool) -> dict[str, Tracker]:
    """Trackers of one model by name."""
    return {name: make_path(name, model, device) for name in path_names(device, compiled)}


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
