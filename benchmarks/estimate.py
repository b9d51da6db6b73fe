"""What an H100 or H200 should give, from counted kernels, operations and bytes; nothing is timed.

    python benchmarks/estimate.py --out results-published/performance/estimate-h100.json

Written down before anything was measured there. A kernel takes the longest of three: the time to
launch it, its bytes at the memory's bandwidth, its operations at the matrix rate, each as the
assumptions have it. The paths:

eager                   the readable tracker in float32
half                    `ttvos.engine.step.FastStep` in float16, kernel by kernel
graph                   the same as one graph
compiled graph          with pointwise operations fused as a compiler fuses them
one call a convolution  with those of a convolution's result fused into it too (`joined`, on trial)
"""

import argparse
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import torch

from benchmarks.command import parser, run_and_write
from ttvos.config.experiments import BACKBONES, find_variant
from ttvos.core.provenance import provenance
from ttvos.measure.kernels import Kernel, fast_kernels, fused, plain_kernels
from ttvos.model.ttvos import build_model

DEVICES = {  # dense rates, halves of the sheets' rates with sparsity
    "H100 SXM": {
        "float16_flops_per_s": 989.5e12,
        "tf32_flops_per_s": 494.5e12,
        "float32_flops_per_s": 67e12,
        "bytes_per_s": 3.35e12,
        "source": "NVIDIA H100 Tensor Core GPU datasheet",
    },
    "H200 SXM": {
        "float16_flops_per_s": 989.5e12,
        "tf32_flops_per_s": 494.5e12,
        "float32_flops_per_s": 67e12,
        "bytes_per_s": 4.8e12,
        "source": "NVIDIA H200 Tensor Core GPU datasheet",
    },
}
LONGEST = 12  # kinds of kernels to show
ONE_CALL = "one call a convolution"
ONE_BY_ONE = ("eager", "half")  # the paths that are no graph


@dataclass(frozen=True)
class Assumptions:
    """eager_us, graph_us: least time of a kernel launched from Python, and within a graph.
    matrix_share, bandwidth_share: of the data sheet's rates that small layers reach; grouped
    convolutions are taken to reach that share of the float32 rate. host_ms: for the host to bring
    a frame in and its mask out, which a graph's stream does beside the computing."""

    eager_us: float
    graph_us: float
    matrix_share: float
    bandwidth_share: float
    host_ms: float


ASSUMED = {
    "cautious": Assumptions(10.0, 3.0, 0.1, 0.5, 0.6),
    "hopeful": Assumptions(5.0, 1.5, 0.4, 0.85, 0.25),
}


def main(arguments: list[str] | None = None) -> int:
    """Count, write the file, print a line a path; 0, or 1 after an error."""
    options = _parse(arguments)
    return run_and_write(lambda: run(options), options.out, show)


def show(result: dict[str, Any]) -> None:
    """A line a path on the terminal."""
    for row in result["h100"]:
        print(
            f"{row['frame']:34} {row['path']:22} {row['kernels']:5} kernels  "
            f"{row['fps_from']:7.0f} to {row['fps_to']:7.0f} FPS"
        )


def run(options: argparse.Namespace) -> dict[str, Any]:
    """{"h100", "h200": a row for each frame and path, "kernels": the kinds that take longest,
    "rates", "assumptions", "bars" (none), "provenance"}."""
    frames = [(options.backbone, options.height, options.width, count) for count in (1, 3, 10)]
    if not options.brief:
        frames.append((options.backbone, 1080, 1920, 1))
        others = [name for name in BACKBONES if name != options.backbone]
        frames += [(name, options.height, options.width, 1) for name in others]
    counted = {frame: _paths(*frame) for frame in frames}
    sheets = dict(zip(("h100", "h200"), DEVICES.values(), strict=True))
    tables = {
        key: [
            _row(_words(*frame), path, kernels, sheet)
            for frame, paths in counted.items()
            for path, kernels in paths.items()
        ]
        for key, sheet in sheets.items()
    }
    settings = {key: value for key, value in vars(options).items() if key != "out"}
    return {
        **tables,
        "kernels": _longest(counted[frames[0]]["graph"], sheets["h100"]),
        "rates": DEVICES,
        "assumptions": {name: asdict(assumed) for name, assumed in ASSUMED.items()},
        "bars": {},
        "provenance": provenance(
            settings,
            device="no device",
            measured=False,
            precision=["float16", "float32"],
            command=["python", "benchmarks/estimate.py", *sys.argv[1:]],
        ),
    }


def _paths(backbone: str, height: int, width: int, objects: int) -> dict[str, list[Kernel]]:
    model = build_model(find_variant("exp8"), backbone)
    half = fast_kernels(model, height, width, objects, torch.float16)
    return {
        "eager": plain_kernels(model, height, width, objects),
        "half": half,
        "graph": half,
        "compiled graph": fused(half),
        ONE_CALL: fused(half, into_convolutions=True),
    }


def _words(backbone: str, height: int, width: int, objects: int) -> str:
    return f"{backbone}, {height}x{width}, {objects} object{'s' if objects > 1 else ''}"


def _row(frame: str, path: str, kernels: list[Kernel], sheet: dict[str, Any]) -> dict[str, Any]:
    cautious, hopeful = ASSUMED["cautious"], ASSUMED["hopeful"]
    moving = sum(memory_time(kernel, sheet, cautious) for kernel in kernels)
    computing = sum(matrix_time(kernel, path, sheet, cautious) for kernel in kernels)
    return {
        "frame": frame,
        "path": path,
        "kernels": len(kernels),
        "gflop": sum(kernel.flops for kernel in kernels) / 1e9,
        "bytes": sum(kernel.bytes for kernel in kernels),
        "launch_ms": 1e3 * len(kernels) * launch_time(path, cautious),
        "memory_ms": 1e3 * moving,
        "matrix_ms": 1e3 * computing,
        "frame_ms": 1e3 * seconds(kernels, path, sheet, cautious),
        "fps_from": 1 / seconds(kernels, path, sheet, cautious),
        "fps_to": 1 / seconds(kernels, path, sheet, hopeful),
    }


def seconds(kernels: list[Kernel], path: str, sheet: dict[str, Any], assumed: Assumptions) -> float:
    """Of a frame: the kernels one after the other, and the host's part before or beside them."""
    device = sum(kernel_time(kernel, path, sheet, assumed) for kernel in kernels)
    host = 1e-3 * assumed.host_ms
    return device + host if path in ONE_BY_ONE else max(device, host)


def kernel_time(kernel: Kernel, path: str, sheet: dict[str, Any], assumed: Assumptions) -> float:
    """Seconds: the longest of launch, memory and matrix time."""
    return max(
        launch_time(path, assumed),
        memory_time(kernel, sheet, assumed),
        matrix_time(kernel, path, sheet, assumed),
    )


def launch_time(path: str, assumed: Assumptions) -> float:
    """Seconds that a kernel takes at least."""
    return 1e-6 * (assumed.eager_us if path in ONE_BY_ONE else assumed.graph_us)


def memory_time(kernel: Kernel, sheet: dict[str, Any], assumed: Assumptions) -> float:
    """Seconds for the kernel's bytes, as if no cache held any."""
    return kernel.bytes / (assumed.bandwidth_share * sheet["bytes_per_s"])


def matrix_time(kernel: Kernel, path: str, sheet: dict[str, Any], assumed: Assumptions) -> float:
    """Seconds for the kernel's operations; PyTorch's eager convolutions are in TF32."""
    rate = "tf32" if path == "eager" else "float16"
    rate = sheet["float32_flops_per_s" if kernel.grouped else f"{rate}_flops_per_s"]
    return kernel.flops / (assumed.matrix_share * rate)


def _longest(kernels: list[Kernel], sheet: dict[str, Any]) -> list[dict[str, Any]]:
    """The kinds of kernels of a graph that take longest together, by the cautious assumptions."""
    times, counts, moved = Counter(), Counter(), Counter()
    for kernel in kernels:
        name = f"grouped {kernel.name}" if kernel.grouped else kernel.name
        times[name] += kernel_time(kernel, "graph", sheet, ASSUMED["cautious"])
        counts[name] += 1
        moved[name] += kernel.bytes
    total = sum(times.values())
    return [
        {
            "operation": name,
            "kernels": counts[name],
            "bytes": moved[name],
            "ms": 1e3 * time,
            "time_share": time / total,
        }
        for name, time in times.most_common(LONGEST)
    ]


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--backbone", choices=BACKBONES, default="hrnet")
    made.add_argument("--height", type=int, default=480)
    made.add_argument("--width", type=int, default=854)
    made.add_argument("--brief", action="store_true", help="neither 1080p nor other backbones")
    return made.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
