"""The DAVIS semi-supervised protocol (FACTS section 5): folders of masks in, scores out.

The first frame (its mask is given) and the last are not scored. Each object of a sequence is
scored on its own and counts alike, however long its sequence is. 2016: all ids are merged to one
object. 2017: the objects are 1 to the highest id of the first frame's annotation.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ttvos.data.davis import Sequence, first_mask, load_sequences
from ttvos.errors import UserError
from ttvos.evaluation.metrics import boundary_f, jaccard, statistics
from ttvos.evaluation.parallel import map_processes
from ttvos.provenance import available_cpus, provenance
from ttvos.video import VOID, read_mask

EVALUATORS = ("builtin", "official")
FEW_FRAMES = 200  # below, starting processes takes longer than the work

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
    """Score the masks in `masks`/<sequence>/<frame>.png against a data set in DAVIS layout.

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
    tasks = [make_task(sequence, Path(masks), year) for sequence in sequences]
    facts: dict[str, Any] = {"evaluator": evaluator, "masks": str(masks)}
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
    found = {path.stem for path in folder.glob("*.png") if not path.name.startswith(".")}
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
    first = first_mask(task.sequence, task.year)
    count = int(first[first != VOID].max())
    seen = set(np.unique(first))
    for path in task.sequence.masks[1:]:
        if seen.issuperset(range(1, count + 1)):
            break
        seen |= set(np.unique(read_mask(path, task.year)))
    for object_id in range(1, count + 1):
        if object_id not in seen:
            raise UserError(
                f"sequence {task.sequence.name}: object {object_id} never appears in the ground "
                f"truth, whose first mask has ids up to {count}"
            )
    return count


def read_pair(task: Task, frame: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Read the result and the true mask of a frame, (H, W) uint8 ids both, and check the result."""
    truth = read_mask(task.sequence.masks[frame], task.year)
    path = task.results / f"{task.sequence.frames[frame].stem}.png"
    result = read_mask(path, task.year)
    if result.shape != truth.shape:
        raise UserError(
            f"{path}: {result.shape[1]}x{result.shape[0]}, but the ground truth has "
            f"{truth.shape[1]}x{truth.shape[0]}"
        )
    if result.max() > count:
        raise UserError(
            f"{path}: id {result.max()}, but sequence {task.sequence.name} has the objects 1"
            + (f" to {count}" if count > 1 else " only")
        )
    return result, truth


def score_sequence(task: Task) -> dict[str, Values]:
    """J and F of each scored frame of each object, by "<sequence>_<id>"."""
    count = object_count(task)
    values: dict[str, Values] = {
        f"{task.sequence.name}_{i}": {"J": [], "F": []} for i in range(1, count + 1)
    }
    for frame in range(1, len(task.sequence.frames) - 1):
        result, truth = read_pair(task, frame, count)
        void = truth == VOID
        void = void if void.any() else None
        for object_id, of_object in enumerate(values.values(), start=1):
            masks = result == object_id, truth == object_id
            of_object["J"].append(jaccard(*masks, void))
            of_object["F"].append(boundary_f(*masks, void))
    return values


def _score(tasks: list[Task], workers: int | None) -> dict[str, Values]:
    """Score all sequences, the longest first so that no worker is left with it at the end."""
    if workers is None:
        few = sum(len(task.sequence.frames) for task in tasks) < FEW_FRAMES
        workers = 1 if few else available_cpus()
    order = sorted(range(len(tasks)), key=lambda i: -len(tasks[i].sequence.frames))
    scored = map_processes(score_sequence, [tasks[i] for i in order], workers, "evaluate")
    by_index = dict(zip(order, scored, strict=True))
    return {name: values for i in range(len(tasks)) for name, values in by_index[i].items()}


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
