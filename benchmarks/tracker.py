"""Time of one tracked frame by each path through the tracker, in turns, in one run.

    python benchmarks/tracker.py --out tracker-cpu.json
    python benchmarks/tracker.py --device cuda --out tracker-cuda.json

plain: eager PyTorch in float32 (`--engine reference`); the others: `ttvos.engine`, by precision,
not compiled and compiled (the first run compiles, about a minute a path; --no-compile leaves it
out). Each frame goes in from host memory and its mask comes back. On CUDA the pipelined stream is
timed too. The machine's matrix rate and memory bandwidth are measured in the same run.
"""

import argparse
import sys
from statistics import median
from typing import Any

import torch

import ttvos
from benchmarks.command import bar, parser, run_and_write
from benchmarks.paths import PLAIN, make_paths, stepper, time_in_turns
from ttvos.device import device_name, find_device
from ttvos.measure.clip import disc_clip
from ttvos.measure.clock import peak_memory, read_clock
from ttvos.measure.counting import count_layers
from ttvos.measure.roofline import fractions, measure_ceilings, roofline
from ttvos.provenance import provenance
from ttvos.weights import find_weights

FRAMES = 8


def main(arguments: list[str] | None = None) -> int:
    """Measure, write the file, print the ratios; 0, or 1 after an error."""
    options = _parse(arguments)
    return run_and_write(lambda: run(options), options.out, show)


def show(result: dict[str, Any]) -> None:
    """A line a path on the terminal."""
    for name, found in result["paths"].items():
        print(
            f"{name:20} {found['fps']:8.2f} FPS  {1000 * found['median']:8.2f} ms  "
            f"{found['over_plain']:6.2f}x plain  {100 * found['fraction']:5.1f} % of roofline  "
            f"{100 * found['matrix_rate_fraction']:5.1f} % of matrix rate"
        )


def run(options: argparse.Namespace) -> dict[str, Any]:
    """All measurements: {"paths": {name: {seconds (each), median, fps, over_plain, fraction,
    matrix_rate_fraction}}, "ceilings", "work", "bars", "provenance"}."""
    device = find_device(options.device)
    if options.threads:
        torch.set_num_threads(options.threads)
    size = options.height, options.width
    model = ttvos.load(find_weights(options.checkpoint))
    clip, mask = disc_clip(FRAMES, *size, objects=options.objects)
    trackers = make_paths(model, device, options.compile)
    steps = {name: stepper(tracker, clip, mask) for name, tracker in trackers.items()}
    ceilings = {p: measure_ceilings(device, p) for p in {_precision(t) for t in trackers.values()}}
    seconds = time_in_turns(steps, options.repeats, device)
    if device.type == "cuda":
        seconds |= _pipelined(trackers, clip, mask, options.repeats, device)
        trackers |= {f"{name} pipelined": tracker for name, tracker in trackers.items()}
    layers = count_layers(model, *size, options.objects).further
    paths = {}
    for name, values in seconds.items():
        limits = ceilings[_precision(trackers[name])]
        middle = median(values)
        paths[name] = {
            "precision": _precision(trackers[name]),
            "seconds": values,
            "median": middle,
            "fps": 1 / middle,
            "over_plain": median(seconds[PLAIN]) / middle,
            **fractions(roofline(layers, limits), limits, middle),
        }
    settings = {key: value for key, value in vars(options).items() if key != "out"}
    return {
        "paths": paths,
        "ceilings": ceilings,
        "work": {p: roofline(layers, limits) for p, limits in ceilings.items()},
        "peak_memory_bytes": peak_memory(device),
        "bars": _bars(paths, device),
        "provenance": provenance(
            settings,
            device=device_name(device),
            precision=sorted(ceilings),
            threads=torch.get_num_threads(),
            command=["python", "benchmarks/tracker.py", *sys.argv[1:]],
        ),
    }


def _pipelined(trackers, clip, mask, repeats, device) -> dict[str, list[float]]:
    """Seconds a frame when frames come in and masks go out beside the computing (CUDA)."""
    seconds = {}
    for name, tracker in trackers.items():
        if not hasattr(tracker, "stream"):
            continue
        seconds[f"{name} pipelined"] = values = []
        frames = [clip[1 + number % (FRAMES - 1)] for number in range(20 * FRAMES)]
        for _ in range(repeats):
            state = tracker.init(clip[0], mask)
            before = read_clock(device)
            for _ in tracker.stream(frames, state):
                pass
            values.append((read_clock(device) - before) / len(frames))
    return seconds


def _precision(tracker: Any) -> str:
    return getattr(tracker, "precision", "float32")


def _bars(paths: dict[str, dict[str, Any]], device: torch.device) -> dict[str, dict[str, Any]]:
    """What issue 4 asks for a model of HRNet, 480x854, one object."""
    if device.type == "cuda":
        best = max(paths.values(), key=lambda path: path["fps"])
        return {
            "fastest_fps": bar(best["fps"], 1000),
            "fastest_over_plain": bar(best["over_plain"], 8),
        }
    bars = {"float32_over_plain": bar(paths["float32"]["over_plain"], 1.3)}
    if compiled := paths.get("float32 compiled"):
        bars["float32_compiled_over_plain"] = bar(compiled["over_plain"], 2.2)
        share = compiled["matrix_rate_fraction"]
        bars["float32_compiled_share_of_matrix_rate"] = bar(share, 0.6)
    return bars


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    made.add_argument("--checkpoint", default="ttvos-hrnet-davis", help="file or shipped name")
    made.add_argument("--height", type=int, default=480)
    made.add_argument("--width", type=int, default=854)
    made.add_argument("--objects", type=int, default=1)
    made.add_argument("--repeats", type=int, default=20, help="frames timed of each path")
    made.add_argument("--threads", type=int, help="of the CPU (default: PyTorch's)")
    made.add_argument("--no-compile", dest="compile", action="store_false")
    return made.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
