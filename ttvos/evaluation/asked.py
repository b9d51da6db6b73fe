"""What there is to score: masks paired with the truth, and each object's findings over its frames.

`ttvos.evaluation.davis` takes J and F from it, `ttvos.evaluation.failures` the account of what was
lost; both so score the same objects in the same frames.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ttvos.core.errors import UserError
from ttvos.core.parallel import map_processes
from ttvos.core.process import available_cpus
from ttvos.core.provenance import provenance
from ttvos.data.annotations import DAVIS, Truth, dataset_truth, folder_truth
from ttvos.data.mask_folders import masks_origin
from ttvos.evaluation.chunk import Chunk, Score, score_chunk
from ttvos.evaluation.objects import ALL, FIRST, RULES, given_ids, object_series
from ttvos.evaluation.tasks import Task, find_tasks
from ttvos.evaluation.totals import scored_part
from ttvos.records.schema import Scored

FEW_FRAMES = 200  # below, starting processes takes longer than the work
CHUNK_FRAMES = 16  # few enough that no process is left waiting for another's last chunk


@dataclass(frozen=True)
class Asked:
    """Sequences to score. folder: where their result masks lie. rule: which objects count.

    masks, root, split, only: as they were named, for the record.
    """

    truth: Truth
    tasks: list[Task]
    folder: Path
    year: int
    rule: str
    masks: str
    root: str
    split: str
    only: tuple[str, ...]

    def series(
        self,
        score: Score,
        absent: Any,
        ignore_void: bool,
        workers: int | None,
        notes: list[str],
    ) -> dict[str, list[Any]]:
        """What `score` finds of each object, "<sequence>_<id>", in its scored frames.

        absent: the finding where neither mask shows the object. Work is cut in chunks of frames,
        so that a long sequence keeps all processes busy. notes: receives what is left out.
        """
        if workers is None:
            few = sum(len(task.annotation.masks) for task in self.tasks) < FEW_FRAMES
            workers = 1 if few else available_cpus()
        given = [given_ids(task.annotation, task.year, self.rule) for task in self.tasks]
        parts = [
            _chunks(task, max(ids) if self.rule == FIRST else None, ignore_void)
            for task, ids in zip(self.tasks, given, strict=True)
        ]
        chunks = [chunk for part in parts for chunk in part]
        work = partial(score_chunk, score=score)
        scored = iter(map_processes(work, chunks, workers, "evaluate", unit="chunk"))
        found: dict[str, list[Any]] = {}
        for task, ids, part in zip(self.tasks, given, parts, strict=True):
            done = [next(scored) for _ in part]
            frames = [frame for scores in done for frame in scores.frames]
            seen = frozenset().union(*(scores.found for scores in done))
            own = object_series(task, self.rule, ids, seen, frames, notes, absent)
            found |= {f"{task.annotation.name}_{i}": values for i, values in own.items()}
        return found

    def scored(self, objects: int) -> Scored:
        """How much is scored, and of what: of the published set, where it is of that."""
        return scored_part(self.truth, self.year, self.split, objects)

    def provenance(
        self, profile: str | None, ignore_void: bool, facts: dict[str, Any]
    ) -> dict[str, Any]:
        """Where the numbers come from. facts: of the maker, among the settings too."""
        which: dict[str, Any] = {"year": self.year}
        which |= {"split": self.split} if self.truth.layout == DAVIS else {}
        which |= {"only": list(self.only)} if self.only else {}
        rules = {"objects": self.rule, "ignore_void": ignore_void}
        return provenance(
            {**facts, **which, **rules},
            data={"profile": profile, "root": self.root, **which},
            **rules,
            **facts,
            masks=self.masks,
            **masks_origin(self.folder),
        )


def find_asked(
    masks: Path | str,
    dataset: Path | str | None,
    year: int | None,
    split: str,
    only: tuple[str, ...],
    truth: Path | str | None,
    objects: str | None,
) -> Asked:
    """Find the sequences and their masks; arguments as of `ttvos.evaluation.davis.evaluate`."""
    if truth is not None:
        found = folder_truth(truth, only)
    else:
        found = dataset_truth(dataset, year, split, only)
    davis = found.layout == DAVIS
    year, rule = year or 2017, objects or (FIRST if davis else ALL)
    tasks, folder = find_tasks(found, Path(masks), year, only)
    root = str(truth or dataset)
    return Asked(found, tasks, folder, year, rule, str(masks), root, split, only)


def check_asked(
    dataset: Path | str | None,
    truth: Path | str | None,
    split: str,
    ignore_void: bool,
    year: int | None,
    objects: str | None,
) -> None:
    """Refuse what cannot be meant before anything is read."""
    if objects not in (None, *RULES):
        raise UserError(f"objects {objects!r}: choose one of {', '.join(RULES)}")
    if (dataset is None) == (truth is None):
        raise UserError("score against a data set (--dataset) or a folder of masks (--truth)")
    if dataset is not None and split.startswith("test"):
        raise UserError(f"split {split}: its ground truth is not public, so it cannot be scored")
    if ignore_void and year == 2016:
        raise UserError("masks of 2016 have no void to ignore: their 255 is the object")


def _chunks(task: Task, count: int | None, ignore_void: bool) -> list[Chunk]:
    """The scored frames of a sequence, cut in pieces."""
    results, truths = task.pairs
    return [
        Chunk(
            task.annotation.name,
            task.year,
            count,
            results[start : start + CHUNK_FRAMES],
            truths[start : start + CHUNK_FRAMES],
            ignore_void,
        )
        for start in range(0, len(results), CHUNK_FRAMES)
    ]
