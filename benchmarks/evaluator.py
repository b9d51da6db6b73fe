"""Time of the evaluator against vos-benchmark's and against that of decoding the masks alone.

    python benchmarks/evaluator.py --out evaluator.json

Writes the masks anew in the one form that both evaluators read (palette PNGs of the ids 0 and 1)
and then, in turns: decodes every scored frame's two masks by PIL, evaluates with ttvos, evaluates
with vos-benchmark; each in a fresh process with --processes processes in all, start-up included.
Last it scores synthetic 480x854 masks of one object and of ten, in turns, in one process.
"""

import argparse
import importlib
import importlib.util
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.command import bar, parser, run_and_write
from ttvos.core.errors import UserError
from ttvos.core.parallel import map_processes
from ttvos.core.provenance import provenance
from ttvos.core.video import read_mask, write_mask
from ttvos.data.davis import load_sequences
from ttvos.evaluation.asked import CHUNK_FRAMES
from ttvos.evaluation.chunk import Chunk, score_chunk
from ttvos.evaluation.crops import score_frame
from ttvos.evaluation.davis import evaluate

DATASET, MASKS = Path("../shared/data/davis2016-val8"), Path("../shared/data/osvos-masks")
BARS = {  # name: (bar, whether it is a lower bound)
    "speedup_over_vos_benchmark": (3.5, True),
    "times_decoding": (2.0, False),
    "peak_memory_gb": (1.0, False),
    "ten_objects_over_one": (4.0, False),
    "largest_difference_of_j_and_f": (1e-9, False),
}
SIZE, OBJECT_FRAMES = (480, 854), 32


def main(arguments: list[str] | None = None) -> int:
    """Measure, write the file, print the ratios; 0, or 1 after an error."""
    options = _parse(arguments)
    dataset, masks, processes = options.dataset, options.masks, options.processes
    return run_and_write(lambda: run(dataset, masks, processes, options.repeats), options.out)


def run(dataset: Path, masks: Path, processes: int, repeats: int) -> dict[str, Any]:
    """All measurements. UserError where the data or vos-benchmark is missing.

    Returns {"seconds", "cpu_seconds", "peak_memory_bytes": {what: one value a repeat},
    "medians": seconds, "objects": seconds, "bars", "provenance"}.
    """
    _check(dataset, masks)
    with tempfile.TemporaryDirectory(prefix="ttvos-benchmark-") as folder:
        frames = _stage(dataset, masks, Path(folder))
        runs = _in_turns([decode, ours, vos_benchmark], Path(folder), processes, repeats)
    with tempfile.TemporaryDirectory(prefix="ttvos-benchmark-") as folder:
        objects = _time_objects(Path(folder), repeats)
    medians = {name: median(one["seconds"] for one in own) for name, own in runs.items()}
    of_objects = {name: median(seconds) for name, seconds in objects.items()}
    values = {
        "speedup_over_vos_benchmark": medians["vos_benchmark"] / medians["ours"],
        "times_decoding": medians["ours"] / medians["decode"],
        "peak_memory_gb": max(one["peak_memory_bytes"] for one in runs["ours"]) / 1e9,
        "ten_objects_over_one": of_objects["ten"] / of_objects["one"],
        "largest_difference_of_j_and_f": _difference(runs),
    }
    settings = {"processes": processes, "repeats": repeats, "frames": frames}
    return {
        **{
            key: {name: [one[key] for one in own] for name, own in runs.items()}
            for key in ("seconds", "cpu_seconds", "peak_memory_bytes")
        },
        "medians": medians,
        "objects": {
            "seconds": objects,
            "medians": of_objects,
            "ratio_without_decoding": of_objects["ten_decoded"] / of_objects["one_decoded"],
        },
        "bars": {name: bar(values[name], *asked) for name, asked in BARS.items()},
        "provenance": provenance(
            settings,
            data={"root": str(dataset), "year": 2016, "split": "val"},
            masks=str(masks),
            threads=1,
            command=["python", "benchmarks/evaluator.py", *sys.argv[1:]],
            **settings,
        ),
    }


def decode(folder: Path, processes: int) -> None:
    """Read both masks of each scored frame into arrays, by PIL alone."""
    pairs = [
        (truth, folder / "masks" / truth.parent.name / truth.name)
        for sequence in load_sequences(folder, 2016, "val")
        for truth in sequence.masks[1:-1]
    ]
    chunks = [pairs[i : i + CHUNK_FRAMES] for i in range(0, len(pairs), CHUNK_FRAMES)]
    map_processes(_decode, chunks, processes, "decode")


def _decode(pairs: list[tuple[Path, Path]]) -> None:
    from PIL import Image

    for pair in pairs:
        for path in pair:
            np.array(Image.open(path))


def ours(folder: Path, processes: int) -> dict[str, tuple[float, float]]:
    """J and F of each sequence's object by `ttvos evaluate`, fractions."""
    found = evaluate(folder / "masks", folder, 2016, "val", workers=processes)
    return {name[: -len("_1")]: (s.j_mean, s.f_mean) for name, s in found.objects.items()}


def vos_benchmark(folder: Path, processes: int) -> dict[str, tuple[float, float]]:
    """J and F of each sequence's object by vos-benchmark, fractions."""
    import cv2
    from vos_benchmark.benchmark import benchmark

    cv2.setNumThreads(1)  # for the processes it forks: more threads than processors slow it down
    *_, (found,) = benchmark(
        [str(folder / "Annotations/480p")],
        [str(folder / "masks")],
        num_processes=processes,
        verbose=False,
    )
    return {name: (j[1] / 100, f[1] / 100) for name, (j, f) in found.items()}


def _in_turns(
    functions: list[Callable], folder: Path, processes: int, repeats: int
) -> dict[str, list[dict[str, Any]]]:
    """Measure the functions A B C A B C ..., each time in a process of its own."""
    runs: dict[str, list[dict[str, Any]]] = {function.__name__: [] for function in functions}
    turns = [function for _ in range(repeats) for function in functions]
    for function in tqdm(turns, "evaluators", unit="run", disable=None):
        with ProcessPoolExecutor(1, get_context("spawn")) as fresh:
            measured = fresh.submit(_measured, function, folder, processes).result()
        runs[function.__name__].append(measured)
    return runs


def _measured(function: Callable, folder: Path, processes: int) -> dict[str, Any]:
    """Run once; time, and as memory the most that all processes together can have held.

    Not by `ttvos.core.device`, which imports PyTorch: that is no part of an evaluator.
    """
    if function is vos_benchmark:
        importlib.import_module("vos_benchmark.benchmark")  # as ours: before the clock starts
    before, start = time.process_time(), time.perf_counter()
    scores = function(folder, processes)
    seconds, own_cpu = time.perf_counter() - start, time.process_time() - before
    own, others = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    unit = 1 if sys.platform == "darwin" else 1024
    return {
        "seconds": seconds,
        "cpu_seconds": own_cpu + others.ru_utime + others.ru_stime,
        # Of the others only the largest one's peak is known.
        "peak_memory_bytes": (own.ru_maxrss + processes * others.ru_maxrss) * unit,
        "scores": scores,
    }


def _time_objects(folder: Path, repeats: int) -> dict[str, list[float]]:
    """Seconds to score frames of one object and of ten: from files, and once decoded."""
    clips = {"one": _clip(1), "ten": _clip(10)}
    chunks = {name: _write(folder / name, *clip) for name, clip in clips.items()}
    seconds: dict[str, list[float]] = {f"{n}{end}": [] for end in ("", "_decoded") for n in clips}
    for _ in tqdm(range(repeats + 1), "objects", disable=None):
        for name, (results, truths) in clips.items():
            start = time.perf_counter()
            score_chunk(chunks[name])
            decoded = time.perf_counter()
            for result, truth in zip(results, truths, strict=True):
                score_frame(result, truth, chunks[name].count)
            seconds[name].append(decoded - start)
            seconds[f"{name}_decoded"].append(time.perf_counter() - decoded)
    return {name: values[1:] for name, values in seconds.items()}  # the first warms up


def _clip(objects: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Result and true masks of a clip: ellipses of about 100 by 130 pixels in two rows of five."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    results, truths = [], []
    for _ in range(OBJECT_FRAMES):
        pair = np.zeros((2, *SIZE), dtype=np.uint8)
        for i in range(objects):
            centre = np.array([120 + 240 * (i % 2), 85 + 170 * (i // 2)]) + rng.normal(0, 5, 2)
            for mask in pair:
                row, column = centre + rng.normal(0, 2, 2)
                a, b = rng.uniform(45, 55), rng.uniform(60, 70)
                mask[((rows - row) / a) ** 2 + ((columns - column) / b) ** 2 <= 1] = i + 1
        results.append(pair[0])
        truths.append(pair[1])
    return results, truths


def _write(folder: Path, results: list[np.ndarray], truths: list[np.ndarray]) -> Chunk:
    paths: dict[str, list[Path]] = {"results": [], "truths": []}
    for kind, masks in (("results", results), ("truths", truths)):
        for t, mask in enumerate(masks):
            paths[kind].append(folder / kind / f"{t:05}.png")
            write_mask(paths[kind][-1], mask)
    count = int(truths[0].max())
    return Chunk("synthetic", 2017, count, tuple(paths["results"]), tuple(paths["truths"]))


def _check(dataset: Path, masks: Path) -> None:
    for path in (dataset, masks):
        if not path.is_dir():
            raise UserError(f"{path}: no such folder; name the data by --dataset and --masks")
    if importlib.util.find_spec("vos_benchmark") is None:
        raise UserError(
            "vos-benchmark is missing; pip install --no-deps vos-benchmark scikit-image"
        )


def _stage(dataset: Path, masks: Path, folder: Path) -> int:
    """A data set in DAVIS layout whose masks, and the results', hold 0 and 1; its scored frames."""
    sequences = load_sequences(dataset, 2016, "val")
    split = folder / "ImageSets/2016/val.txt"
    split.parent.mkdir(parents=True)
    split.write_text("".join(f"{sequence.name}\n" for sequence in sequences))
    for sequence in tqdm(sequences, "stage", unit="sequence", disable=None):
        images = folder / "JPEGImages/480p" / sequence.name
        images.mkdir(parents=True)
        for frame, truth in zip(sequence.frames, sequence.masks, strict=True):
            (images / frame.name).symlink_to(frame.resolve())
            name = Path(sequence.name, f"{frame.stem}.png")
            write_mask(folder / "Annotations/480p" / name, read_mask(truth, 2016))
            write_mask(folder / "masks" / name, read_mask(masks / name, 2016))
    return sum(len(sequence.frames) - 2 for sequence in sequences)


def _difference(runs: dict[str, list[dict[str, Any]]]) -> float:
    """Largest difference between the two evaluators' J and F of any sequence, as fractions."""
    a, b = (runs[name][0]["scores"] for name in ("ours", "vos_benchmark"))
    if set(a) != set(b):
        raise UserError("the two evaluators scored different sequences")
    return float(max(abs(x - y) for name in a for x, y in zip(a[name], b[name], strict=True)))


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument(
        "--dataset", type=Path, default=DATASET, help=f"in DAVIS 2016 layout (default {DATASET})"
    )
    made.add_argument(
        "--masks", type=Path, default=MASKS, help=f"results, a folder a sequence (default {MASKS})"
    )
    made.add_argument("--processes", type=int, default=2, help="of each evaluator (default 2)")
    made.add_argument("--repeats", type=int, default=5, help="turns of each (default 5)")
    return made.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
