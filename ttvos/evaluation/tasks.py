"""The sequences to score, each paired with its result masks, and checked to be complete."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from ttvos.core.errors import UserError
from ttvos.data.annotations import DAVIS, PLAIN, Annotation, Truth
from ttvos.data.frame_names import in_order
from ttvos.data.mask_folders import mask_files, masks_folder, sequence_folders


@dataclass(frozen=True)
class Task:
    """One sequence to score: its annotation, and the folder of its result masks."""

    annotation: Annotation
    results: Path
    year: int

    @property
    def pairs(self) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
        """Result and true masks of the scored frames: all annotated ones but the first and last."""
        truths = self.annotation.masks[1:-1]
        return tuple(self.results / f"{path.stem}.png" for path in truths), truths


def find_tasks(
    truth: Truth, masks: Path, year: int, only: tuple[str, ...]
) -> tuple[list[Task], Path]:
    """Pair each sequence with its folder below `masks`; returns also where these folders lie.

    only: the sequences that the user has named, if any; without them a result that a plain folder
    of truth has no sequence for is an error: which are meant would be a guess.
    """
    names = [annotation.name for annotation in truth.annotations]
    folder = masks_folder(masks, names) or masks
    if truth.layout == PLAIN and not only:
        theirs = sequence_folders(folder)
        if rest := sorted(set(theirs) - set(names)):
            raise UserError(
                f"{folder / rest[0]}: the truth has no such sequence ({len(rest)} of {len(theirs)} "
                "are unknown); name those to score by only (--only)"
            )
    if not folder.is_dir():
        raise UserError(
            f"{folder / names[0]}: no result masks for sequence {names[0]}: there is no folder "
            f"{folder}; name the folder of the masks (--masks)"
        )
    tasks = [make_task(annotation, folder, year) for annotation in truth.annotations]
    if truth.layout == DAVIS:
        for task in tasks:
            _check_gaps(task)
    return tasks, folder


def make_task(annotation: Annotation, masks: Path, year: int) -> Task:
    """Pair a sequence with its folder of result masks, and check that both are complete."""
    folder, name = masks / annotation.name, annotation.name
    if not folder.is_dir():
        raise UserError(
            f"{folder}: no result masks for sequence {name}; to score some of the sequences only, "
            "name them (--only)"
        )
    needed = [path.stem for path in annotation.masks]
    if len(needed) < 3:
        raise UserError(
            f"{name}: {len(needed)} frames leave none to score (the annotated ones count, and the "
            "first and the last are excluded)"
        )
    found = {path.stem for path in mask_files(folder)}
    # The first and the last are not scored, but a folder without them is not a whole result.
    if missing := [stem for stem in needed if stem not in found]:
        raise UserError(
            f"{folder / missing[0]}.png: missing ({len(missing)} of the {len(needed)} masks that "
            f"sequence {name} needs)"
        )
    if annotation.frames is not None and (extra := sorted(found - set(annotation.frames))):
        raise UserError(f"{folder / extra[0]}.png: sequence {name} has no such frame")
    return Task(annotation, folder, year)


def _check_gaps(task: Task) -> None:
    """Refuse DAVIS annotations in which a mask seems lost: they go on in equal steps.

    The frames are those of JPEGImages, or else those that the result has.
    """
    annotation, known = task.annotation, task.annotation.frames
    of_result = (path.stem for path in mask_files(task.results))
    frames = known or in_order(of_result)
    annotated = {path.stem for path in annotation.masks}
    at = [i for i, stem in enumerate(frames) if stem in annotated]
    step = min(b - a for a, b in pairwise(at))
    expected = range(0, len(frames), step)
    if step > 1 and at == list(expected):
        return
    if lost := [frames[i] for i in (expected if step > 1 else range(len(frames))) if i not in at]:
        folder = annotation.masks[0].parent
        what = "missing" if known else f"missing, but {task.results} has this frame"
        raise UserError(
            f"{folder / lost[0]}.png: {what}; where only some frames are annotated on purpose, "
            f"name {folder.parent} as truth (--truth)"
        )
