"""Which kernels a tracked frame runs, how long each takes, and whether the stream ever waits.

    python benchmarks/kernels.py --device cuda --out kernels-cuda.json

The profiler's table of some frames, by kernel on CUDA and by operation on a CPU: of the fused
path, whose kernels start one by one, and of the fastest that needs no compiler. On CUDA also what
PyTorch reports as a synchronisation while a stream runs (`torch.cuda.set_sync_debug_mode`).
"""

import argparse
import sys
import warnings
from typing import Any

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from benchmarks.command import bar, parser, run_and_write
from benchmarks.paths import FASTEST_ON_CUDA, make_path, stepper
from benchmarks.tracker import FRAMES, make_model
from ttvos.core.device import device_name, find_device, read_clock
from ttvos.core.errors import UserError
from ttvos.core.provenance import provenance
from ttvos.measure.clip import disc_clip
from ttvos.tracking.protocol import Tracker

LISTED = 40  # kernels in the table; the rest is one line
PROFILED = 10  # frames


def main(arguments: list[str] | None = None) -> int:
    """Profile, write the file, print the slowest kernels; 0, or 1 after an error."""
    options = _parse(arguments)
    return run_and_write(lambda: run(options), options.out, show)


def show(result: dict[str, Any]) -> None:
    """The ten slowest kernels of each path on the terminal."""
    for name, found in result["paths"].items():
        microseconds = found["microseconds"]
        print(f"{name}: {found['calls']:.0f} kernels, {microseconds:.0f} microseconds a frame")
        for kernel in found["kernels"][:10]:
            print(
                f"  {kernel['microseconds']:8.1f}  {kernel['calls']:6.1f}x  {kernel['name'][:80]}"
            )


def run(options: argparse.Namespace) -> dict[str, Any]:
    """{"paths": {name: {calls, microseconds (of a frame), kernels [{name, calls, microseconds,
    share}]}}, "slowest" (of the last path, for the page), "synchronisations" [text], "bars",
    "provenance"}."""
    device = find_device(options.device)
    model = make_model("hrnet", options.checkpoint)
    clip, mask = disc_clip(FRAMES, options.height, options.width)
    names = ("fused float16", FASTEST_ON_CUDA) if device.type == "cuda" else ("float32",)
    paths, synchronisations, bars = {}, [], {}
    for name in names:
        tracker = make_path(name, model, device)
        step = stepper(tracker, clip, mask)
        for _ in range(3):
            step()
        paths[name] = _profiled(step, device)
        if getattr(tracker, "uses_graphs", False):
            synchronisations += _synchronisations(tracker, clip, mask)
            bars["synchronisations of the stream"] = bar(len(synchronisations), 0, at_least=False)
    return {
        "paths": paths,
        "slowest": paths[names[-1]]["kernels"][:12],
        "synchronisations": synchronisations,
        "bars": bars,
        "provenance": provenance(
            {key: str(value) for key, value in vars(options).items() if key != "out"},
            device=device_name(device),
            precision=["float16"] if device.type == "cuda" else "float32",
            threads=torch.get_num_threads(),
            command=["python", "benchmarks/kernels.py", *sys.argv[1:]],
        ),
    }


def _profiled(step: Any, device: torch.device) -> dict[str, Any]:
    on_cuda = device.type == "cuda"
    activities = [ProfilerActivity.CUDA] if on_cuda else [ProfilerActivity.CPU]
    with profile(activities=activities, acc_events=True) as found:
        for _ in range(PROFILED):
            step()
        read_clock(device)
    kernels = []
    for event in found.key_averages():
        if (event.device_type == DeviceType.CUDA) != on_cuda:
            continue
        spent = event.self_device_time_total if on_cuda else event.self_cpu_time_total
        if spent > 0:
            kernels.append((event.key, event.count / PROFILED, spent / PROFILED))
    kernels.sort(key=lambda kernel: -kernel[2])
    if not kernels:
        raise UserError(
            f"the profiler saw nothing on {device}; is it allowed to read the counters?"
        )
    total = sum(spent for _, _, spent in kernels)
    rows = [
        {"name": name, "calls": calls, "microseconds": spent, "share": spent / total}
        for name, calls, spent in kernels
    ]
    calls = sum(row["calls"] for row in rows)
    return {"calls": calls, "microseconds": total, "kernels": rows[:LISTED]}


def _synchronisations(tracker: Tracker, clip: Any, mask: Any) -> list[str]:
    """What PyTorch warns of while a stream runs, a text each; the first frames warm up."""
    frames = [clip[1 + number % (FRAMES - 1)] for number in range(4 * FRAMES)]
    for _ in tracker.stream(frames, tracker.init(clip[0], mask)):
        pass
    state = tracker.init(clip[0], mask)
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for _ in tracker.stream(frames, state):
                pass
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return [f"{warning.message} ({warning.filename}:{warning.lineno})" for warning in caught]


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    made.add_argument("--checkpoint", default="ttvos-hrnet-davis", help="file or name")
    made.add_argument("--height", type=int, default=480)
    made.add_argument("--width", type=int, default=854)
    return made.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
