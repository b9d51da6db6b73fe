"""`--evaluator official`: the DAVIS toolkit itself judges, where its package is installed.

Package davis2017 (github.com/davisvideochallenge/davis2017-evaluation), meant for commit ac7c43f
and written from what is public of it and its neighbours; never run against the package itself.
Its interface as taken here: DAVISEvaluation(davis_root, task, gt_set).evaluate(results) gives per
metric "J" and "F" the lists "M", "R", "D" and the dictionary "M_per_object", in one order of
objects; the module `metrics` has db_eval_iou and db_eval_boundary(annotation, segmentation),
arrays (T, H, W) in, T values out. The package is not on PyPI, so our tests use a stand-in with
this interface.

One of its ways differs from the built-in evaluator's, which does not touch DAVIS's own sequences:
from 258 scored frames on its quarters for the decay are wrong (frame numbers kept in 8 bits).
It ends the program with status 0 when it finds an id too many; that is an error here.
"""

import importlib
import importlib.metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from ttvos.core.errors import UserError
from ttvos.core.video import read_mask, write_mask

if TYPE_CHECKING:
    from ttvos.evaluation.objects import Values
    from ttvos.evaluation.tasks import Task

LETTERS = {"Mean": "M", "Recall": "R", "Decay": "D"}  # ours: the toolkit's
SPLIT = "val"  # the toolkit knows its own split names only; the staged data set is all ours


def score_officially(
    tasks: "list[Task]",
) -> "tuple[dict[str, dict[str, float]], dict[str, Values], str]":
    """Score checked tasks by the toolkit.

    Returns the objects' statistics and frames as `ttvos.evaluation.davis.evaluate` gives them,
    and the package's version. UserError when the package is missing or gives up.
    """
    evaluation, metrics = _toolkit("evaluation"), _toolkit("metrics")
    with TemporaryDirectory(prefix="ttvos-official-") as folder:
        counts = {task.annotation.name: _stage(task, Path(folder)) for task in tasks}
        split = Path(folder) / "ImageSets/2017" / f"{SPLIT}.txt"
        split.parent.mkdir(parents=True)
        split.write_text("".join(f"{task.annotation.name}\n" for task in tasks))
        scores = _run(evaluation, folder)
        frames: dict[str, Values] = {}
        for task in tasks:
            frames |= _frames(metrics, task, Path(folder), counts[task.annotation.name])
    return _objects(scores, list(frames)), frames, _version()


def _toolkit(module: str) -> Any:
    try:
        return importlib.import_module(f"davis2017.{module}")
    except ModuleNotFoundError as error:
        missing = f"the official evaluator needs the Python package {error.name!r}"
        raise UserError(
            f'{missing}; in a checkout of this project: pip install -e ".[official]"'
        ) from None


def _version() -> str:
    try:
        return importlib.metadata.version("davis2017")
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def _stage(task: "Task", root: Path) -> int:
    """Write a sequence as the toolkit wants it, ids from 1 in palette PNGs; returns its objects.

    Frames are numbered anew, because the toolkit takes them in the order of their names as text.
    Writing is what merges the ids for 2016, and our checks run on every mask on the way.
    """
    from ttvos.evaluation.chunk import read_pair
    from ttvos.evaluation.objects import object_count

    annotation, name = task.annotation, task.annotation.name
    count, last = object_count(annotation, task.year), len(annotation.masks) - 1
    for t, mask in enumerate(annotation.masks):
        stem = _staged(t)
        # The toolkit counts the frames, and does not look at them.
        image = root / "JPEGImages/480p" / name / f"{stem}.jpg"
        image.parent.mkdir(parents=True, exist_ok=True)
        image.touch()
        if 0 < t < last:
            path = task.results / f"{mask.stem}.png"
            result, truth = read_pair(path, mask, task.year, name, count)
            write_mask(root / "results" / name / f"{stem}.png", result)
        else:
            truth = read_mask(mask, task.year, void_alone=t > 0)
        write_mask(root / "Annotations/480p" / name / f"{stem}.png", truth)
    return count


def _staged(number: int) -> str:
    return f"{number:05d}"


def _run(evaluation: Any, folder: str) -> Any:
    """Run the toolkit over the staged folder."""
    try:
        judge = evaluation.DAVISEvaluation(
            davis_root=folder, task="semi-supervised", gt_set=SPLIT, sequences="all"
        )
        return judge.evaluate(str(Path(folder) / "results"))
    except SystemExit:
        raise UserError("the official evaluator gave up; its message is above") from None


def _frames(metrics: Any, task: "Task", root: Path, count: int) -> "dict[str, Values]":
    """Per-frame values, which the toolkit's `evaluate` does not return, by its own functions."""
    name = task.annotation.name
    stems = [_staged(t) for t in range(1, len(task.annotation.masks) - 1)]
    truth, result = (
        np.stack([read_mask(root / kind / name / f"{stem}.png", 2017) for stem in stems])
        for kind in ("Annotations/480p", "results")
    )
    return {
        f"{name}_{i}": {
            "J": [float(v) for v in metrics.db_eval_iou(truth == i, result == i)],
            "F": [float(v) for v in metrics.db_eval_boundary(truth == i, result == i)],
        }
        for i in range(1, count + 1)
    }


def _objects(scores: Any, names: list[str]) -> dict[str, dict[str, float]]:
    """The toolkit's lists as one dictionary an object."""
    if any(list(scores[metric]["M_per_object"]) != names for metric in ("J", "F")):
        raise UserError("the official evaluator scored other objects than the data set has")
    return {
        name: {
            f"{metric}-{ours}": float(scores[metric][theirs][i])
            for metric in ("J", "F")
            for ours, theirs in LETTERS.items()
        }
        for i, name in enumerate(names)
    }
