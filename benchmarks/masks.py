"""Whether the fast paths keep the masks: against the reference, over whole sequences.

    python benchmarks/masks.py --out masks.json
    python benchmarks/masks.py --device cuda --commands --out masks-cuda.json

Tracks every sequence with the reference engine and with each path (not compiled; --compile adds
them compiled), and compares the masks pixel by pixel and their J&F. --commands: also with
`python -m ttvos predict --precision float32`, as a user runs it, on the CPU and on the device.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import ttvos
from benchmarks.command import bar, parser, run_and_write
from benchmarks.paths import PLAIN, chosen_paths, make_path, working
from ttvos.core.device import device_name, find_device
from ttvos.core.errors import UserError
from ttvos.core.provenance import file_hash, provenance
from ttvos.core.shipped_weights import find_weights
from ttvos.core.video import read_mask
from ttvos.data.davis import load_sequences
from ttvos.evaluation.davis import evaluate
from ttvos.tracking.predict import predict

DATASET = Path("../shared/data/davis2016-val8")


def main(arguments: list[str] | None = None) -> int:
    """Measure, write the file, print the agreement; 0, or 1 after an error."""
    options = _parse(arguments)
    return run_and_write(lambda: run(options), options.out)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """{"paths": {name: {agreement (share of pixels), lowest (of a sequence), jf (fraction)}},
    "failed" {name: why}, "sequences", "bars", "provenance"}."""
    if not options.dataset.is_dir():
        raise UserError(f"{options.dataset}: no such folder; name the data by --dataset")
    device = find_device(options.device)
    checkpoint = find_weights(options.checkpoint)
    only = tuple(options.only)
    with tempfile.TemporaryDirectory(prefix="ttvos-benchmark-") as folder:
        model = ttvos.load(checkpoint)
        names = chosen_paths(options.paths, device, options.compile)
        trackers = {name: make_path(name, model, device) for name in names}
        ways: dict[str, Callable[..., Any]] = {
            name: partial(predict, tracker, options.dataset, 2016, "val", only=only)
            for name, tracker in trackers.items()
        }
        for name in dict.fromkeys(("cpu", device.type)) if options.commands else ():
            ways[f"command on {name}"] = partial(_command, options, checkpoint, name)

        def compared(name: str) -> dict[str, Any]:
            out = Path(folder, name)
            print(name, file=sys.stderr)
            ways[name](out=out)
            scores = evaluate(out, options.dataset, 2016, "val", only=only)
            return {"jf": scores.means.jf_mean, **_agreement(out, Path(folder))}

        paths, failed = working({name: partial(compared, name) for name in ways})
    if len(paths) == 1:
        raise UserError(f"no path but the reference works: {next(iter(failed.values()), '')}")
    fast = {name: path for name, path in paths.items() if name != PLAIN}
    worst = max(abs(path["jf"] - paths[PLAIN]["jf"]) for path in fast.values())
    sequences = load_sequences(options.dataset, 2016, "val", only=only)
    return {
        "paths": paths,
        "failed": failed,
        "sequences": {sequence.name: len(sequence.frames) for sequence in sequences},
        "bars": {
            **{f"{n} agreement": bar(path["agreement"], 0.999) for n, path in fast.items()},
            "largest difference of J&F, points": bar(100 * worst, 0.1, at_least=False),
            "paths that failed": bar(len(failed), 0, at_least=False),
        },
        "provenance": provenance(
            {key: str(value) for key, value in vars(options).items() if key != "out"},
            device=device_name(device),
            precision=sorted(paths),
            checkpoint=file_hash(checkpoint),
            data={"root": str(options.dataset), "year": 2016, "split": "val"},
            command=["python", "benchmarks/masks.py", *sys.argv[1:]],
        ),
    }


def _command(options: argparse.Namespace, checkpoint: Path, device: str, out: Path) -> None:
    """`ttvos predict` in float32, in a process of its own. UserError with its last line."""
    words = ["predict", "--checkpoint", checkpoint, "--dataset", options.dataset, "--year", "2016"]
    words += ["--device", device, "--precision", "float32", "--compile", "off", "--out", out]
    words += ["--only", *options.only] if options.only else []
    command = [sys.executable, "-m", "ttvos", *map(str, words)]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise UserError(f"ttvos predict --device {device} failed: {last}")


def _agreement(out: Path, folder: Path) -> dict[str, Any]:
    """Share of pixels with the reference's label, of all tracked frames and of each sequence."""
    shares: dict[str, list[float]] = {}
    for path in sorted(out.glob("*/*.png")):
        reference = read_mask(folder / PLAIN / path.parent.name / path.name, 2017)
        same = float((read_mask(path, 2017) == reference).mean())
        shares.setdefault(path.parent.name, []).append(same)
    tracked = {name: values[1:] for name, values in shares.items()}  # frame 0 is given
    return {
        "agreement": float(np.mean(np.concatenate(list(tracked.values())))),
        "of_sequence": {name: float(np.mean(values)) for name, values in tracked.items()},
        "lowest_frame": float(min(min(values) for values in tracked.values())),
    }


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    made.add_argument("--checkpoint", default="ttvos-hrnet-davis", help="file or shipped name")
    made.add_argument("--dataset", type=Path, default=DATASET, help="in DAVIS 2016 layout")
    made.add_argument("--only", nargs="+", default=(), metavar="SEQUENCE")
    made.add_argument("--paths", nargs="+", metavar="PATH", help="these, beside plain; else all")
    made.add_argument("--compile", action="store_true", help="compiled paths too")
    made.add_argument("--commands", action="store_true", help="`ttvos predict` too")
    return made.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
