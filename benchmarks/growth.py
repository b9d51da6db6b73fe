"""What a long clip, more objects and larger frames cost.

    python benchmarks/growth.py --out growth.json
    python benchmarks/growth.py --device cuda --out growth-cuda.json

length: time of a frame and memory after 50 and after 1,000 frames of one clip. objects: time of a
frame with 1, 2, 3 and 5 objects, in turns. sizes: time of a frame and peak memory at 480p, 1080p
and 4K. All with the default precision, not compiled; length and each size in a fresh process.
"""

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from statistics import median
from typing import Any

import torch
from tqdm import tqdm

import ttvos
from benchmarks.command import bar, parser, run_and_write
from benchmarks.paths import stepper, time_in_turns
from ttvos.core.device import device_name, find_device, peak_memory, read_clock
from ttvos.core.provenance import provenance
from ttvos.core.shipped_weights import find_weights
from ttvos.engine.tracker import make_tracker
from ttvos.measure.clip import disc_clip

OBJECTS = (1, 2, 3, 5)
SIZES = {"480p": (480, 854), "1080p": (1080, 1920), "4K": (2160, 3840)}
TINY = {"tiny": (64, 96)}
FRAMES = 8
EARLY = 50  # frames after which a clip should have reached its memory


def main(arguments: list[str] | None = None) -> int:
    """Measure, write the file, print the ratios; 0, or 1 after an error."""
    options = _parse(arguments)
    return run_and_write(lambda: run(options), options.out, show)


def show(result: dict[str, Any]) -> None:
    """A line a size on the terminal."""
    for name, found in result["sizes"].items():
        gigabytes = found["peak_memory_bytes"] / 1e9
        print(f"{name:8} {1000 * found['median']:8.1f} ms a frame  {gigabytes:6.2f} GB")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """{"length", "objects", "sizes", "bars", "provenance"}."""
    device = find_device(options.device)
    size = options.height, options.width
    settings = {key: value for key, value in vars(options).items() if key != "out"}
    measure = partial(_in_fresh_process, options.device, options.checkpoint)
    length = measure(time_length, size, options.frames)
    objects = time_objects(options.device, options.checkpoint, size, options.repeats)
    shown = TINY if options.tiny else SIZES
    sizes = {name: measure(time_size, size, options.repeats) for name, size in shown.items()}
    one, most = (median(objects[str(count)]) for count in (OBJECTS[0], OBJECTS[-1]))
    further = (most - one) / (OBJECTS[-1] - OBJECTS[0]) / one
    late, early = length["late"], length["early"]
    slower = median(late["seconds"]) / median(early["seconds"])
    larger = late["memory_bytes"] / early["memory_bytes"]
    return {
        "length": length,
        "objects": objects,
        "sizes": sizes,
        "bars": {
            "late over early time of a frame": bar(slower, 1.05, at_least=False),
            "late over early memory": bar(larger, 1.05, at_least=False),
            "further object over a one-object frame": bar(further, 0.15, at_least=False),
        },
        "provenance": provenance(
            settings,
            device=device_name(device),
            precision=length["precision"],
            threads=torch.get_num_threads(),
            command=["python", "benchmarks/growth.py", *sys.argv[1:]],
        ),
    }


def _in_fresh_process(device: str, checkpoint: str, function: Any, *arguments: Any) -> Any:
    with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
        return fresh.submit(function, device, checkpoint, *arguments).result()


def time_length(device: str, checkpoint: str, size: tuple[int, int], frames: int) -> dict[str, Any]:
    """Seconds of the 50 frames (or a quarter) before frame 50 and before the last; peak memory
    at both."""
    window = min(EARLY, frames // 4)
    tracker, where = _tracker(device, checkpoint), find_device(device)
    step = stepper(tracker, *disc_clip(FRAMES, *size))
    seconds: list[float] = []
    memory = []
    for number in tqdm(range(1, frames + 1), "length", unit="frame", disable=None):
        before = read_clock(where)
        step()
        seconds.append(read_clock(where) - before)
        if number in (EARLY, frames):
            memory.append(peak_memory(where))
    first = max(0, min(EARLY, frames) - window)
    return {
        "precision": tracker.precision,
        "frames": frames,
        "early": {"seconds": seconds[first : first + window], "memory_bytes": memory[0]},
        "late": {"seconds": seconds[-window:], "memory_bytes": memory[-1]},
    }


def time_objects(
    device: str, checkpoint: str, size: tuple[int, int], repeats: int
) -> dict[str, list[float]]:
    """Seconds of each repeat, by the number of objects."""
    tracker = _tracker(device, checkpoint)
    steps = {
        str(count): stepper(tracker, *disc_clip(FRAMES, *size, objects=count)) for count in OBJECTS
    }
    return time_in_turns(steps, repeats, find_device(device))


def time_size(device: str, checkpoint: str, size: tuple[int, int], repeats: int) -> dict[str, Any]:
    """Seconds of each repeat, and the process's peak memory."""
    where = find_device(device)
    step = stepper(_tracker(device, checkpoint), *disc_clip(3, *size))
    seconds = time_in_turns({"size": step}, min(repeats, 10), where)["size"]
    return {
        "height": size[0],
        "width": size[1],
        "seconds": seconds,
        "median": median(seconds),
        "peak_memory_bytes": peak_memory(where),
    }


def _tracker(device: str, checkpoint: str) -> Any:
    return make_tracker(
        ttvos.load(find_weights(checkpoint)), device, precision="auto", compile="off"
    )


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    made.add_argument("--checkpoint", default="ttvos-hrnet-davis", help="file or shipped name")
    made.add_argument("--height", type=int, default=480, help="for length and objects")
    made.add_argument("--width", type=int, default=854, help="for length and objects")
    made.add_argument("--frames", type=int, default=1000, help="of the long clip, 60 or more")
    made.add_argument("--repeats", type=int, default=20, help="frames timed of each")
    made.add_argument("--tiny", action="store_true", help="one tiny size: to try the script")
    options = made.parse_args(arguments)
    if options.frames < EARLY + 10:
        made.error(f"--frames: {EARLY + 10} or more")
    return options


if __name__ == "__main__":
    sys.exit(main())
