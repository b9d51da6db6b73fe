"""What one worker scores at a time: some frames of one sequence, each mask decoded once.

A worker process imports this file and what it needs; both are kept light, for start-up's sake.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ttvos.core.errors import UserError
from ttvos.core.process import keep_freed_memory
from ttvos.core.video import VOID, read_mask
from ttvos.evaluation.crops import score_objects

KEPT_MEMORY = 2**24  # bytes; many times a frame's masks


@dataclass(frozen=True)
class Chunk:
    """Some scored frames of a sequence, in the order of time.

    count: number of objects of the sequence, whose ids are 1 to count; None where the ids are
    known only when all masks have been seen. ignore_void: see `score_objects`.
    """

    sequence: str
    year: int
    count: int | None
    results: tuple[Path, ...]
    truths: tuple[Path, ...]
    ignore_void: bool = False


@dataclass(frozen=True)
class ChunkScores:
    """frames: what was found of the objects that either mask shows, by id, for each frame: J and F,
    unless another `score` was asked for. found: the ids that a truth shows."""

    frames: list[dict[int, Any]]
    found: frozenset[int]


Score = Callable[[np.ndarray, np.ndarray, bool], dict[int, Any]]  # as `crops.score_objects`


def score_chunk(chunk: Chunk, score: Score = score_objects) -> ChunkScores:
    """Score all objects in all frames of a chunk; UserError for a mask that cannot be scored."""
    keep_freed_memory(KEPT_MEMORY)
    frames, found = [], set()
    for result_path, truth_path in zip(chunk.results, chunk.truths, strict=True):
        result, truth = read_pair(result_path, truth_path, chunk.year, chunk.sequence, chunk.count)
        frames.append(score(result, truth, chunk.ignore_void))
        found |= {i for i in frames[-1].keys() - found if (truth == i).any()}
    return ChunkScores(frames, frozenset(found))


def read_pair(
    result_path: Path, truth_path: Path, year: int, sequence: str, count: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Read the result and the true mask of a frame, (H, W) uint8 ids both, and check the result.

    sequence, count: the sequence's name and number of objects, as in `Chunk`. In a result of
    2017, 255 is an id as any other, and one too many: the official toolkit knows void in the
    ground truth alone and gives up on a result that holds it.
    """
    # The first mask, which is read before, has shown that the truth is one of ids.
    truth, result = read_mask(truth_path, year, void_alone=True), read_mask(result_path, year)
    if result.shape != truth.shape:
        raise UserError(
            f"{result_path}: {result.shape[0]}x{result.shape[1]}, but the ground truth has "
            f"{truth.shape[0]}x{truth.shape[1]}"
        )
    highest = int(result.max())
    if highest > (VOID - 1 if count is None else count):
        raise UserError(unknown_id(result_path, highest, sequence, count))
    return result, truth


def unknown_id(path: Path, object_id: int, sequence: str, count: int | None) -> str:
    """What is wrong with an id in a result mask that is none of the sequence's objects."""
    if count is None:
        return f"{path}: id {object_id}, but the ground truth of sequence {sequence} has no such id"
    known = "1 only" if count == 1 else f"1 to {count}"
    return (
        f"{path}: id {object_id}, but sequence {sequence} has the objects {known} in its first "
        'mask; objects that come later are scored with objects "all" (--objects all)'
    )
