"""Which objects of a sequence are scored, and in which of its frames.

The first annotated frame (its mask is given) and the last are never scored.

first   DAVIS: the objects are 1 to the highest id of the first annotation, each scored in all
        frames; where neither mask shows one, it scores 1. Later ids are background.
all     YouTube-VOS, MOSE: all ids that the ground truth shows. Those of the first annotation are
        scored as above. One that comes later is scored from the first scored frame on in which
        the truth or the result shows it, that frame included: a method that is given the mask
        there has to hand it on, and one that paints the object too early pays for it. So do
        vos-benchmark and the evaluator of SA-V.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ttvos.core.errors import UserError
from ttvos.core.video import VOID, distinct_values, read_mask
from ttvos.data.annotations import Annotation
from ttvos.evaluation.chunk import unknown_id
from ttvos.evaluation.tasks import Task

FIRST, ALL = "first", "all"
RULES = (FIRST, ALL)

Frames = list[dict[int, Any]]  # J and F in each scored frame, by object; or another finding
Series = dict[int, list[Any]]  # the same of each object, by scored frame
Values = dict[str, list[float]]  # "J" and "F": one value a scored frame


def object_count(annotation: Annotation, year: int) -> int:
    """Number of objects by the rule "first": the highest id of the first annotation; 1 in 2016.

    An id in between that no annotation of the sequence shows is a UserError: it could only be
    "found" by predicting nothing, and would lift the mean.
    """
    given = given_ids(annotation, year, FIRST)
    _check_shown(annotation, year, max(given), given, annotation.masks[1:])
    return max(given)


def given_ids(annotation: Annotation, year: int, rule: str) -> frozenset[int]:
    """Ids of the first annotation. By the rule "first" there must be some, or UserError."""
    path = annotation.masks[0]
    mask = read_mask(path, year)
    ids = _ids(mask)
    if ids or rule == ALL:
        return ids
    # All that ids see in a binary mask with a palette is 255.
    binary = "; if its 255 is the object, it is a mask of year 2016" if mask.any() else ""
    raise UserError(f"{path}: the first mask is empty, so there is no object to follow{binary}")


def object_series(
    task: Task,
    rule: str,
    given: frozenset[int],
    found: frozenset[int],
    frames: Frames,
    notes: list[str],
    absent: Any,
) -> Series:
    """J and F of each object in the frames that count for it.

    given, found: ids of the first annotation, and those that the truth of the scored frames
    shows. frames: of all scored frames. notes: receives what is left out. absent: what stands for
    an object in a frame that does not have it.
    """
    choose = _first_objects if rule == FIRST else _all_objects
    starts = choose(task, given, found, frames, notes)
    return {i: [frame.get(i, absent) for frame in frames[start:]] for i, start in starts.items()}


def _first_objects(
    task: Task, given: frozenset[int], found: frozenset[int], frames: Frames, notes: list[str]
) -> dict[int, int]:
    """Objects, each with the index of the first frame that counts for it."""
    annotation, highest = task.annotation, max(given)
    _check_shown(annotation, task.year, highest, given | found, annotation.masks[-1:])
    if later := sorted(i for i in found if i > highest):
        notes.append(
            f"{annotation.name}: not in the first mask, and so background as in DAVIS: "
            f'id {", ".join(map(str, later))}; scored with objects "all" (--objects all)'
        )
    return dict.fromkeys(range(1, highest + 1), 0)


def _all_objects(
    task: Task, given: frozenset[int], found: frozenset[int], frames: Frames, notes: list[str]
) -> dict[int, int]:
    """As `_first_objects`; UserError for an id in a result that no annotation shows."""
    name, last = task.annotation.name, _later_ids(task.annotation.masks[-1], task.year)
    results, _ = task.pairs
    for path, frame in zip(results, frames, strict=True):
        if unknown := frame.keys() - (given | found | last):
            raise UserError(unknown_id(path, min(unknown), name, None))
    notes.extend(
        f"{name}: object {i} first comes with the last annotation, which is not scored"
        for i in sorted(last - given - found)
    )
    return {
        i: 0 if i in given else next(t for t, frame in enumerate(frames) if i in frame)
        for i in sorted(given | found)
    }


def _ids(mask: np.ndarray) -> frozenset[int]:
    return frozenset(distinct_values(mask).tolist()) - {0, VOID}


def _later_ids(path: Path, year: int) -> frozenset[int]:
    return _ids(read_mask(path, year, void_alone=True))


def _check_shown(
    annotation: Annotation,
    year: int,
    highest: int,
    shown: frozenset[int],
    masks: Sequence[Path],
) -> None:
    """UserError when an id up to the highest is neither in `shown` nor in one of the masks."""
    missing = frozenset(range(1, highest)) - shown
    for path in masks:
        if not missing:
            return
        missing -= _later_ids(path, year)
    if missing:
        raise UserError(
            f"sequence {annotation.name}: object {min(missing)} never appears in the ground "
            f"truth, whose first mask has ids up to {highest}"
        )
