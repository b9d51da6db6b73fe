"""The DAVIS semi-supervised protocol (docs/facts.md, section 5): folders of masks in, scores out.

The first frame (its mask is given) and the last are not scored. Each object of a sequence is
scored on its own and counts alike, however long its sequence is. 2016: all ids are merged to one
object. 2017: the objects are 1 to the highest id of the first frame's annotation.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ttvos.data.davis import Sequence, first_mask, load_sequences
from ttvos.data.masks_layout import mask_files, masks_folder
from ttvos.errors import UserError
from ttvos.evaluation.chunk import Chunk, score_chunk
from ttvos.evaluation.metrics import statistics
from ttvos.evaluation.parallel import map_processes
from ttvos.files import read_json
from ttvos.provenance import available_cpus, provenance
from ttvos.video import VOID, distinct_values, read_mask

EVALUATORS = ("builtin", "official")
FEW_FRAMES = 200  # below, starting processes takes longer than the work
CHUNK_FRAMES = 16  # few enough that no process is left waiting for another's last chunk

Values = dict[str, list[float]]  # "J" and "F": one value a scored frame


@dataclass(frozen=True)
class Task:
    """One sequence to score: its annotation, and the folder of its result masks."""

    sequence: Sequence
    results: Path
    year: int


def evaluate(
    masks: Path | str,
    dataset: Path | str,
    year: int,
    split: str,
    evaluator: str = "builtin",
    workers: int | None = None,
    profile: str | None = None,
    only: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Score the masks <sequence>/<frame>.png against a data set in DAVIS layout.

    masks: the folder of the sequences, or one above it (`ttvos.data.masks_layout`). An
    origin.json in it, as `ttvos data fetch published-masks` writes it, goes into the provenance.
    evaluator: "builtin", or "official" for the davis2017-evaluation package where installed.
    workers: processes; None means one a processor. profile: data profile, for the provenance.
    only: names of the sequences to score; () means the whole split.

    Returns {"global": {"J&F-Mean", "J-Mean", "J-Recall", "J-Decay", "F-Mean", ...},
    "objects": {"<sequence>_<id>": the same without J&F}, "frames": {"<sequence>_<id>": {"J": [],
    "F": []}}, "provenance"}; all values are fractions, frames from the second to the last but one.

    Raises UserError for a missing mask of any scored frame, a mask of a frame that the data set
    lacks, a mask of another size, an id that the first annotation lacks, and unreadable files.
    """
    if evaluator not in EVALUATORS:
        raise UserError(f"evaluator {evaluator!r}: choose one of {', '.join(EVALUATORS)}")
    if split.startswith("test"):
        raise UserError(f"split {split}: its ground truth is not public, so it cannot be scored")
    sequences = load_sequences(dataset, year, split, only=only)
    folder = masks_folder(Path(masks), [s.name for s in sequences]) or Path(masks)
    tasks = [make_task(sequence, folder, year) for sequence in sequences]
    facts: dict[str, Any] = {"evaluator": evaluator, "masks": str(masks), **_origin(folder)}
    if evaluator == "official":
        from ttvos.evaluation.official import score_officially

        objects, frames, facts["evaluator_version"] = score_officially(tasks)
    else:
        frames = _score(tasks, workers)
        objects = {name: _object_statistics(values) for name, values in frames.items()}
    which = {"year": year, "split": split, **({"only": list(only)} if only else {})}
    data = {"profile": profile, "root": str(dataset), **which}
    return {
        "global": _means(objects),
        "objects": objects,
        "frames": frames,
        "provenance": provenance({"evaluator": evaluator, **which}, data=data, **facts),
    }


def _origin(folder: Path) -> dict[str, Any]:
    """Where published masks are from, for the record."""
    path = folder / "origin.json"
    return {"masks_origin": read_json(path)} if path.is_file() else {}


def make_task(sequence: Sequence, masks: Path, year: int) -> Task:
    """Pair a sequence with its folder of result masks, and check that the folder is complete."""
    folder = masks / sequence.name
    if not folder.is_dir():
        raise UserError(f"{folder}: no result masks for sequence {sequence.name}")
    if len(sequence.frames) < 3:
        raise UserError(
            f"{sequence.name}: {len(sequence.frames)} frames leave none to score "
            "(the first and the last are excluded)"
        )
    known = {path.stem for path in sequence.frames}
    found = {path.stem for path in mask_files(folder)}
    # The first and the last are not scored, but a folder without them is not a whole result.
    needed = [path.stem for path in sequence.frames]
    if missing := [stem for stem in needed if stem not in found]:
        raise UserError(
            f"{folder / missing[0]}.png: missing ({len(missing)} of the {len(needed)} masks that "
            f"sequence {sequence.name} needs)"
        )
    if extra := sorted(found - known):
        raise UserError(f"{folder / extra[0]}.png: sequence {sequence.name} has no such frame")
    return Task(sequence, folder, year)


def object_count(task: Task) -> int:
    """Number of objects of a sequence: the highest id of its first annotation; 1 in 2016.

    An id in between that no annotation of the sequence shows is a UserError: it could only be
    "found" by predicting nothing, and would lift the mean.
    """
    count, missing = _first_ids(task)
    _check_found(task, count, missing, task.sequence.masks[1:])
    return count


def _first_ids(task: Task) -> tuple[int, frozenset[int]]:
    """The highest id of the first annotation, and the ids below that it lacks."""
    first = first_mask(task.sequence, task.year)
    seen = set(distinct_values(first).tolist()) - {VOID}
    return max(seen), frozenset(range(1, max(seen))) - seen


def _check_found(
    task: Task, count: int, missing: frozenset[int], masks: Iterable[Path | None]
) -> None:
    """UserError when one of the missing ids is in none of these masks."""
    for path in masks:
        if not missing:
            return
        missing -= set(distinct_values(read_mask(path, task.year)).tolist())
    if missing:
        raise UserError(
            f"sequence {task.sequence.name}: object {min(missing)} never appears in the ground "
            f"truth, whose first mask has ids up to {count}"
        )


def _score(tasks: list[Task], workers: int | None) -> dict[str, Values]:
    """Score all sequences, in chunks of frames so that a long one keeps all processes busy."""
    if workers is None:
        few = sum(len(task.sequence.frames) for task in tasks) < FEW_FRAMES
        workers = 1 if few else available_cpus()
    parts = [_chunks(task) for task in tasks]
    chunks = [chunk for part in parts for chunk in part]
    scored = iter(map_processes(score_chunk, chunks, workers, "evaluate", unit="chunk"))
    values: dict[str, Values] = {}
    for task, part in zip(tasks, parts, strict=True):
        done = [next(scored) for _ in part]
        missing = part[0].sought.difference(*(scores.found for scores in done))
        _check_found(task, part[0].count, missing, task.sequence.masks[-1:])
        frames = np.concatenate([scores.values for scores in done])
        for i in range(part[0].count):
            j, f = frames[:, i].T.tolist()
            values[f"{task.sequence.name}_{i + 1}"] = {"J": j, "F": f}
    return values


def _chunks(task: Task) -> list[Chunk]:
    """The scored frames of a sequence, cut in pieces."""
    count, missing = _first_ids(task)
    results = tuple(task.results / f"{frame.stem}.png" for frame in task.sequence.frames[1:-1])
    truths = task.sequence.masks[1:-1]
    return [
        Chunk(
            task.sequence.name,
            task.year,
            count,
            results[start : start + CHUNK_FRAMES],
            truths[start : start + CHUNK_FRAMES],
            missing,
        )
        for start in range(0, len(results), CHUNK_FRAMES)
    ]


def _object_statistics(values: Values) -> dict[str, float]:
    return {
        f"{metric}-{name}": number
        for metric in ("J", "F")
        for name, number in statistics(values[metric]).items()
    }


def _means(objects: dict[str, dict[str, float]]) -> dict[str, float]:
    """Means over objects; J&F is the mean of the J and the F mean."""
    names = next(iter(objects.values()))
    means = {name: float(np.mean([scores[name] for scores in objects.values()])) for name in names}
    return {"J&F-Mean": (means["J-Mean"] + means["F-Mean"]) / 2, **means}
