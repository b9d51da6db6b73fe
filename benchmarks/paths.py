"""The ways through the tracker that the benchmarks compare, and time taken in turns."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from ttvos.engine.choose import make_tracker
from ttvos.engine.precision import choose_precision
from ttvos.measure.clock import read_clock
from ttvos.model.ttvos import TTVOS
from ttvos.tracker import Tracker

PLAIN = "plain"  # the reference: eager PyTorch in float32


def make_paths(model: TTVOS, device: torch.device, compiled: bool) -> dict[str, Tracker]:
    """Trackers of one model by name: plain, then each precision, and each compiled."""
    fastest = choose_precision("auto", device)
    paths = {PLAIN: make_tracker(model, device.type, engine="reference")}
    for precision in dict.fromkeys(("float32", fastest)):
        for compile in ("off", "on") if compiled else ("off",):
            name = precision + (" compiled" if compile == "on" else "")
            paths[name] = make_tracker(model, device.type, precision=precision, compile=compile)
    return paths


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
