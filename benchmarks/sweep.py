"""The eager path beside the fastest that needs no compiler: backbones, objects, frame sizes.

    python benchmarks/sweep.py --device cuda --repeats 320 --out sweep-cuda.json

Each case as `benchmarks/tracker.py` measures it; the file is written anew after each of them.
"""

import argparse
import sys
import time
from typing import Any

import torch

from benchmarks.command import bar, parser, run_and_write
from benchmarks.paths import FASTEST_ON_CUDA, PLAIN
from benchmarks.tracker import make_model, measure
from ttvos.core.device import device_name, find_device
from ttvos.core.files import write_json
from ttvos.core.provenance import provenance

P480, P1080 = (480, 854), (1080, 1920)
CASES = {  # name: backbone, frame size, objects; in order of worth
    "resnet50": ("resnet50", P480, 1),
    "resnet18": ("resnet18", P480, 1),
    "mobilenetv3": ("mobilenetv3", P480, 1),
    "hrnet, 3 objects": ("hrnet", P480, 3),
    "hrnet, 10 objects": ("hrnet", P480, 10),
    "hrnet, 1080p": ("hrnet", P1080, 1),
}
TINY = {name: (backbone, (80, 96), n) for name, (backbone, _, n) in CASES.items()}


def main(arguments: list[str] | None = None) -> int:
    """Measure, write the file, print a line a path; 0, or 1 after an error."""
    options = _parse(arguments)
    return run_and_write(lambda: run(options), options.out, show)


def show(result: dict[str, Any]) -> None:
    """A line a path on the terminal."""
    for name, found in result["cases"].items():
        memory = found["peak_memory_bytes"] / 2**20
        for path, times in found["paths"].items():
            print(
                f"{name:20} {path:26} {times['fps']:8.2f} FPS  {1000 * times['median']:8.2f} ms  "
                f"{100 * times['fraction']:5.1f} % of roofline  {memory:6.0f} MiB"
            )


def run(options: argparse.Namespace) -> dict[str, Any]:
    """{"cases": {name: height, width, objects and what `benchmarks.tracker.measure` gives},
    "rows" (a line a path, for the page), "bars", "provenance"}; cases that there was no time
    for are missing."""
    began, device = time.monotonic(), find_device(options.device)
    fastest = FASTEST_ON_CUDA if device.type == "cuda" else "float32"
    result: dict[str, Any] = {
        "cases": {},
        "rows": [],
        "bars": {},
        "provenance": provenance(
            {key: str(value) for key, value in vars(options).items() if key != "out"},
            device=device_name(device),
            precision=["float32", "float16"] if device.type == "cuda" else "float32",
            threads=torch.get_num_threads(),
            command=["python", "benchmarks/sweep.py", *sys.argv[1:]],
        ),
    }
    for name, (backbone, size, objects) in (TINY if options.tiny else CASES).items():
        if options.seconds and time.monotonic() - began > options.seconds:
            print(f"{name}: no time left", file=sys.stderr)
            continue
        if device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(device)
        model = make_model(backbone, options.checkpoint)
        found = measure(model, device, (PLAIN, fastest), size, objects, options.repeats)
        height, width = size
        case = {"height": height, "width": width, "objects": objects}
        result["cases"][name] = {**case, **found}
        result["rows"] += _rows(name, result["cases"][name])
        failed = sum(len(found["failed"]) for found in result["cases"].values())
        result["bars"]["paths that failed"] = bar(failed, 0, at_least=False)
        write_json(options.out, result)
    return result


def _rows(name: str, case: dict[str, Any]) -> list[dict[str, Any]]:
    size = f"{case['height']}x{case['width']}"
    shown = ("fps", "median", "p90_ms", "p99_ms", "over_plain", "fraction")
    return [
        {"case": name, "size": size, "path": path, **{key: times[key] for key in shown}}
        for path, times in case["paths"].items()
    ]


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    made.add_argument("--checkpoint", default="ttvos-hrnet-davis", help="of HRNet: file or name")
    made.add_argument("--repeats", type=int, default=20, help="frames timed of each path")
    made.add_argument("--seconds", type=float, help="begin no further case after so many")
    made.add_argument("--tiny", action="store_true", help="frames of 80x96: to try the script")
    return made.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
