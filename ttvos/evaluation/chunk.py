"""What one worker scores at a time: some frames of one sequence, each mask decoded once.

A worker process imports this file and what it needs; both are kept light, for start-up's sake.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ttvos.errors import UserError
from ttvos.evaluation.crops import score_frame
from ttvos.memory import keep_freed_memory
from ttvos.video import read_mask

KEPT_MEMORY = 2**24  # bytes; many times a frame's masks


@dataclass(frozen=True)
class Chunk:
    """Some scored frames of a sequence, in the order of time.

    count: number of objects of the sequence. sought: ids that its first mask lacks.
    """

    sequence: str
    year: int
    count: int
    results: tuple[Path, ...]
    truths: tuple[Path, ...]
    sought: frozenset[int] = frozenset()


@dataclass(frozen=True)
class ChunkScores:
    """values: (frames, objects, 2) float64, J and F. found: the sought ids that a truth has."""

    values: np.ndarray
    found: frozenset[int]


def score_chunk(chunk: Chunk) -> ChunkScores:
    """Score all objects in all frames of a chunk; UserError for a mask that cannot be scored."""
    keep_freed_memory(KEPT_MEMORY)
    scores, found = [], set()
    for result_path, truth_path in zip(chunk.results, chunk.truths, strict=True):
        result, truth = read_pair(result_path, truth_path, chunk.year, chunk.sequence, chunk.count)
        scores.append(score_frame(result, truth, chunk.count))
        found |= {i for i in chunk.sought - found if (truth == i).any()}
    return ChunkScores(np.array(scores, dtype=np.float64), frozenset(found))


def read_pair(
    result_path: Path, truth_path: Path, year: int, sequence: str, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Read the result and the true mask of a frame, (H, W) uint8 ids both, and check the result.

    sequence, count: the sequence's name and number of objects. In a result of 2017, 255 is an id
    as any other, and one too many: the official toolkit takes 255 for void in the ground truth
    alone and gives up on a result that holds it.
    """
    truth, result = read_mask(truth_path, year), read_mask(result_path, year)
    if result.shape != truth.shape:
        raise UserError(
            f"{result_path}: {result.shape[1]}x{result.shape[0]}, but the ground truth has "
            f"{truth.shape[1]}x{truth.shape[0]}"
        )
    if result.max() > count:
        raise UserError(
            f"{result_path}: id {result.max()}, but sequence {sequence} has the objects 1"
            + (f" to {count}" if count > 1 else " only")
        )
    return result, truth
