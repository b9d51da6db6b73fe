"""Speed of every built peer, one after the other in one process, frame by frame.

    python benchmarks/peers.py --device cuda --frames 30 --seconds 60 --out peers-cuda.json

Each as `ttvos speed --tracker NAME` times it. A peer that fails does not stop the others: its
error stands in its place. The file is written anew after each peer.
"""

import argparse
import sys
import time
import traceback
from typing import Any

import torch
from tqdm import tqdm

from benchmarks.command import bar, parser, run_and_write
from ttvos.config.peers import built_peers
from ttvos.core.device import device_name, find_device
from ttvos.core.errors import UserError
from ttvos.core.files import write_json
from ttvos.core.provenance import provenance
from ttvos.measure.tracker_speed import speed_tracker
from ttvos.tracking.registry import load_tracker, tracker_origin

# The quick ones first, so that a short time measures many.
LAST = ("crn", "osvos", "onavos")


def main(arguments: list[str] | None = None) -> int:
    """Measure, write the file, print a line a peer; 0, or 1 after an error."""
    options = _parse(arguments)
    return run_and_write(lambda: run(options), options.out, show)


def show(result: dict[str, Any]) -> None:
    """A line a peer on the terminal."""
    for name, found in result["peers"].items():
        told = found.get("error") or f"{found['fps']:8.2f} FPS  {found['with_frame_0_fps']:8.2f}"
        print(f"{name:16} {told}")
    for name in result["left_out"]:
        print(f"{name:16} no time left")


def run(options: argparse.Namespace) -> dict[str, Any]:
    """{"peers": {name: {fps, with_frame_0_fps, result (of `speed_tracker`)} or {error}},
    "left_out" [name], "bars", "provenance"}. UserError for an unknown peer."""
    began, device = time.monotonic(), find_device(options.device)
    known = sorted(built_peers(), key=lambda name: (name in LAST, name))
    if unknown := set(options.names) - set(known):
        raise UserError(f"no built peer {', '.join(sorted(unknown))}; there are: {' '.join(known)}")
    result: dict[str, Any] = {
        "peers": {},
        "left_out": [],
        "bars": {},
        "provenance": provenance(
            {key: str(value) for key, value in vars(options).items() if key != "out"},
            device=device_name(device),
            precision="float32",
            threads=torch.get_num_threads(),
            command=["python", "benchmarks/peers.py", *sys.argv[1:]],
        ),
    }
    for name in tqdm(options.names or known, "peers", disable=None):
        if options.seconds and time.monotonic() - began > options.seconds:
            result["left_out"].append(name)
            continue
        result["peers"][name] = _timed(name, options)
        failed = sum("error" in found for found in result["peers"].values())
        result["bars"]["peers that failed"] = bar(failed, 0, at_least=False)
        if device.type == "cuda":
            torch.cuda.empty_cache()
        write_json(options.out, result)
    return result


def _timed(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """One peer's speed, or what went wrong and where."""
    try:
        found = speed_tracker(
            load_tracker(name, options.device),
            options.device,
            options.height,
            options.width,
            frames=1 + options.frames,
            origin=tracker_origin(name),
        )
    except Exception as error:  # any: a peer that fails on this device is what this looks for
        last = traceback.extract_tb(error.__traceback__)[-1]
        text = f"{type(error).__name__}: {' '.join(str(error).split())}"
        return {"error": f"{text} ({last.name}, line {last.lineno})"}
    whole = found.with_initialisation.fps
    return {"fps": found.streaming.fps, "with_frame_0_fps": whole, "result": found.plain()}


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    made.add_argument("--names", nargs="+", default=(), help="these peers; default: all")
    made.add_argument("--height", type=int, default=480)
    made.add_argument("--width", type=int, default=854)
    made.add_argument("--frames", type=int, default=30, help="timed of each peer, after frame 0")
    made.add_argument("--seconds", type=float, help="begin no further peer after so many")
    return made.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
