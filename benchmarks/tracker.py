"""Time of one tracked frame by each path through the tracker, in turns, in one run.

    python benchmarks/tracker.py --out tracker-cpu.json
    python benchmarks/tracker.py --device cuda --repeats 320 --out tracker-cuda.json

plain: eager PyTorch in float32 (`--engine reference`); the others: `ttvos.engine`, by precision,
not compiled and compiled (the first run compiles, about a minute a path; --no-compile leaves it
out). On CUDA: fused (its kernels one by one), graph (all kernels by one call), compiled under a
graph, and each of these as a pipelined stream. Each frame goes in from host memory and its mask
comes back. The released code's protocol, cold and warm, the machine's matrix rate and its memory
bandwidth are measured in the same run.
"""

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from typing import Any

import numpy as np
import torch

import ttvos
from benchmarks.command import bar, parser, run_and_write
from benchmarks.paths import PLAIN, chosen_paths, make_path, stepper, time_in_turns, working
from ttvos.config.experiments import BACKBONES, find_variant
from ttvos.core.device import device_name, find_device, peak_memory, read_clock
from ttvos.core.provenance import provenance
from ttvos.core.shipped_weights import find_weights
from ttvos.measure.clip import disc_clip
from ttvos.measure.latency import percentiles
from ttvos.measure.layers import count_layers
from ttvos.measure.released_protocol import time_released, time_released_warm
from ttvos.measure.roofline import fractions, measure_ceilings, roofline
from ttvos.model.ttvos import TTVOS, build_model
from ttvos.tracking.precision import matrix_precision
from ttvos.tracking.protocol import Tracker

FRAMES = 8  # of the clip that the paths go to and fro in
RELEASED_FRAMES = 64  # on CUDA; on a CPU, where frames take long, as many as the paths' clip has
STREAMS, STREAM_FRAMES = 5, 160


def main(arguments: list[str] | None = None) -> int:
    """Measure, write the file, print the ratios; 0, or 1 after an error."""
    options = _parse(arguments)
    return run_and_write(lambda: run(options), options.out, show)


def show(result: dict[str, Any]) -> None:
    """A line a path on the terminal."""
    for name, found in result["paths"].items():
        print(
            f"{name:34} {found['fps']:8.2f} FPS  {1000 * found['median']:8.2f} ms  "
            f"{found['over_plain']:6.2f}x plain  {100 * found['fraction']:5.1f} % of roofline  "
            f"{100 * found['matrix_rate_fraction']:5.1f} % of matrix rate"
        )


def run(options: argparse.Namespace) -> dict[str, Any]:
    """All measurements: those of `measure`, "bars" and "provenance".

    UserError for a path that the device has not.
    """
    device = find_device(options.device)
    if options.threads:
        torch.set_num_threads(options.threads)
    names = chosen_paths(options.paths, device, options.compile)
    size = options.height, options.width
    model = make_model(options.backbone, options.checkpoint)
    found = measure(model, device, names, size, options.objects, options.repeats)
    settings = {key: value for key, value in vars(options).items() if key != "out"}
    return {
        **found,
        "bars": _bars(found, device),
        "provenance": provenance(
            settings,
            device=device_name(device),
            precision=sorted(found["ceilings"]),
            threads=torch.get_num_threads(),
            command=["python", "benchmarks/tracker.py", *sys.argv[1:]],
        ),
    }


def make_model(backbone: str, checkpoint: str) -> TTVOS:
    """The checkpoint's model, or of another backbone than HRNet one with random weights."""
    if backbone == "hrnet":
        return ttvos.load(find_weights(checkpoint))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build_model(find_variant("exp8"), backbone)


def measure(
    model: TTVOS,
    device: torch.device,
    names: Sequence[str],
    size: tuple[int, int],
    objects: int,
    repeats: int,
) -> dict[str, Any]:
    """{"paths": {name: {precision, seconds (each), median, p90_ms, p99_ms, fps, over_plain,
    fraction, matrix_rate_fraction}}, "released": {cold, warm: {fps, seconds, frames}}, "ceilings",
    "work", "peak_memory_bytes", "failed" {name: why}}. names: of `chosen_paths`;
    size: H, W in pixels."""
    released = _released(model.to(device).eval(), device, size, objects)
    clip, mask = disc_clip(FRAMES, *size, objects=objects)
    makers = {name: partial(_started, name, model, device, clip, mask) for name in names}
    started, failed = working(makers)
    trackers = {name: tracker for name, (tracker, _) in started.items()}
    steps = {name: step for name, (_, step) in started.items()}
    ceilings = {p: measure_ceilings(device, p) for p in {_precision(t) for t in trackers.values()}}
    seconds = time_in_turns(steps, repeats, device)
    if device.type == "cuda":
        seconds |= _pipelined(trackers, clip, mask, device)
        trackers |= {f"{name} pipelined": tracker for name, tracker in trackers.items()}
    layers = count_layers(model, *size, objects).further
    paths = {}
    for name, values in seconds.items():
        limits, middle = ceilings[_precision(trackers[name])], median(values)
        beyond = percentiles(1000 * value for value in values)
        paths[name] = {
            "precision": _precision(trackers[name]),
            "seconds": values,
            "median": middle,
            **{key: beyond[key] for key in ("p90_ms", "p99_ms")},
            "fps": 1 / middle,
            "over_plain": median(seconds[PLAIN]) / middle,
            **fractions(roofline(layers, limits), limits, middle),
        }
    return {
        "paths": paths,
        "released": released,
        "ceilings": ceilings,
        "work": {p: roofline(layers, limits) for p, limits in ceilings.items()},
        "peak_memory_bytes": peak_memory(device),
        "failed": failed,
    }


def _started(
    name: str, model: TTVOS, device: torch.device, clip: np.ndarray, mask: np.ndarray
) -> tuple[Tracker, Callable[[], Any]]:
    """A path's tracker and its step, which has run once: it is captured or compiled then."""
    tracker = make_path(name, model, device)
    step = stepper(tracker, clip, mask)
    step()
    return tracker, step


def _released(
    model: TTVOS, device: torch.device, size: tuple[int, int], objects: int
) -> dict[str, dict[str, float]]:
    """The released protocol as it comes, cold and with frame 0, and its loop warmed up."""
    frames = RELEASED_FRAMES if device.type == "cuda" else FRAMES
    clip, mask = disc_clip(frames, *size, objects=objects)
    with matrix_precision("float32"):
        return {
            "cold": time_released(model, clip, mask, device),
            "warm": time_released_warm(model, clip, mask, device, repeats=2, warmup=0),
        }


def _pipelined(
    trackers: dict[str, Tracker], clip: np.ndarray, mask: np.ndarray, device: torch.device
) -> dict[str, list[float]]:
    """Seconds a frame of whole streams: frames come in and masks go out beside the computing."""
    seconds = {}
    frames = [clip[1 + number % (FRAMES - 1)] for number in range(STREAM_FRAMES)]
    for name, tracker in trackers.items():
        if not getattr(tracker, "uses_graphs", False):
            continue
        seconds[f"{name} pipelined"] = values = []
        for _ in range(STREAMS):
            state = tracker.init(clip[0], mask)
            before = read_clock(device)
            for _ in tracker.stream(frames, state):
                pass
            values.append((read_clock(device) - before) / len(frames))
    return seconds


def _precision(tracker: Any) -> str:
    return getattr(tracker, "precision", "float32")


def _bars(found: dict[str, Any], device: torch.device) -> dict[str, dict[str, Any]]:
    """What was asked for before measuring: HRNet, 480x854, one object."""
    paths = found["paths"]
    if device.type == "cuda":
        best = max(paths.values(), key=lambda path: path["fps"])
        failed = len(found["failed"])
        return {
            "paths that failed": bar(failed, 0, at_least=False),
            "fastest_fps": bar(best["fps"], 1000),
            "fastest_over_plain": bar(best["over_plain"], 8),
            "fastest_over_released_warm": bar(best["fps"] / found["released"]["warm"]["fps"], 5),
        }
    bars = {}
    if float32 := paths.get("float32"):
        bars["float32_over_plain"] = bar(float32["over_plain"], 1.3)
    if compiled := paths.get("float32 compiled"):
        bars["float32_compiled_over_plain"] = bar(compiled["over_plain"], 2.2)
        share = compiled["matrix_rate_fraction"]
        bars["float32_compiled_share_of_matrix_rate"] = bar(share, 0.6)
    return bars


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    made.add_argument("--backbone", choices=BACKBONES, default="hrnet")
    made.add_argument("--checkpoint", default="ttvos-hrnet-davis", help="of HRNet: file or name")
    made.add_argument("--height", type=int, default=480)
    made.add_argument("--width", type=int, default=854)
    made.add_argument("--objects", type=int, default=1)
    made.add_argument("--repeats", type=int, default=20, help="frames timed of each path")
    made.add_argument("--paths", nargs="+", metavar="PATH", help="these, beside plain; else all")
    made.add_argument("--threads", type=int, help="of the CPU (default: PyTorch's)")
    made.add_argument("--no-compile", dest="compile", action="store_false")
    return made.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
