"""The DAVIS semi-supervised protocol (docs/facts.md, section 5): folders of masks in, scores out.

Of the annotated frames the first (its mask is given) and the last are not scored. Each object of
a sequence is scored on its own and counts alike, however long its sequence is. 2016: all ids are
merged to one object. 2017: ids; void (255) in the truth is background. Which objects there are,
and from which frame on they count, is told in `ttvos.evaluation.objects`.
"""

from pathlib import Path
from typing import Any

from ttvos.core.errors import UserError
from ttvos.core.parallel import map_processes
from ttvos.core.process import available_cpus
from ttvos.core.provenance import provenance
from ttvos.data.annotations import DAVIS, dataset_truth, folder_truth
from ttvos.data.mask_folders import masks_origin
from ttvos.evaluation.chunk import Chunk, score_chunk
from ttvos.evaluation.crops import NAMES
from ttvos.evaluation.objects import ALL, FIRST, RULES, Values, given_ids, object_series
from ttvos.evaluation.tasks import Task, find_tasks
from ttvos.evaluation.totals import means_over, object_statistics, scored_part
from ttvos.records.schema import FrameScores, Scores

EVALUATORS = ("builtin", "official")
FEW_FRAMES = 200  # below, starting processes takes longer than the work
CHUNK_FRAMES = 16  # few enough that no process is left waiting for another's last chunk


def evaluate(
    masks: Path | str,
    dataset: Path | str | None = None,
    year: int | None = None,
    split: str = "val",
    evaluator: str = "builtin",
    workers: int | None = None,
    profile: str | None = None,
    only: tuple[str, ...] = (),
    *,
    truth: Path | str | None = None,
    ignore_void: bool = False,
    objects: str | None = None,
) -> Scores:
    """Score the masks <sequence>/<frame>.png against a data set, or against a folder of masks.

    masks: the folder of the sequences, or one above it (`ttvos.data.mask_folders`). An
    origin.json in it, as `ttvos data fetch published-masks` writes it, goes into the provenance.
    dataset: in DAVIS's or YouTube-VOS's layout; frames (JPEGImages) are not needed. truth: in
    its place, a plain folder of <sequence>/<frame>.png (`ttvos.data.annotations`).
    year: 2016 for binary masks, 2017 for ids, which is the default save for DAVIS's layout.
    evaluator: "builtin", or "official" for the davis2017-evaluation package where installed.
    workers: processes; None means one a processor. profile: data profile, for the provenance.
    only: names of the sequences to score; () means the whole split.
    ignore_void: judge nothing where the truth is 255, which is background otherwise.
    objects: "first" or "all" (`ttvos.evaluation.objects`); by default "first" in DAVIS's layout.

    Returns the record of `ttvos.records.schema`; all scores are fractions, and frames are the
    annotated ones from the second to the last but one.

    Raises UserError for a missing mask of any annotated frame, a mask of a frame that is not
    there, a mask of another size, an id that is no object, and unreadable files.
    """
    _check(evaluator, dataset, truth, split, ignore_void, year, objects)
    if truth is not None:
        found = folder_truth(truth, only)
    else:
        found = dataset_truth(dataset, year, split, only)
    davis = found.layout == DAVIS
    year, rule = year or 2017, objects or (FIRST if davis else ALL)
    tasks, folder = find_tasks(found, Path(masks), year, only)
    facts: dict[str, Any] = {"evaluator": evaluator, "masks": str(masks), **masks_origin(folder)}
    notes: list[str] = []
    if evaluator == "official":
        from ttvos.evaluation.official import score_officially

        if ignore_void or rule != FIRST:
            raise UserError('the official evaluator knows void as background and objects "first"')
        scores, frames, facts["evaluator_version"] = score_officially(tasks)
    else:
        frames = _score(tasks, rule, ignore_void, workers, notes)
        scores = {name: object_statistics(values) for name, values in frames.items()}
    if not scores:
        raise UserError(f"{truth or dataset}: the annotations show no object that can be scored")
    which = {"year": year, **({"split": split} if davis else {})}
    which |= {"only": list(only)} if only else {}
    data = {"profile": profile, "root": str(truth or dataset), **which}
    rules = {"objects": rule, "ignore_void": ignore_void}
    settings = {"evaluator": evaluator, **which, **rules}
    return Scores(
        means=means_over(scores),
        objects=scores,
        frames={name: FrameScores.model_validate(values) for name, values in frames.items()},
        scored=scored_part(found, year, split, len(scores)),
        notes=notes,
        provenance=provenance(settings, data=data, **rules, **facts),
    )


def _check(
    evaluator: str,
    dataset: Path | str | None,
    truth: Path | str | None,
    split: str,
    ignore_void: bool,
    year: int | None,
    objects: str | None,
) -> None:
    """Refuse what cannot be meant before anything is read."""
    if evaluator not in EVALUATORS:
        raise UserError(f"evaluator {evaluator!r}: choose one of {', '.join(EVALUATORS)}")
    if objects not in (None, *RULES):
        raise UserError(f"objects {objects!r}: choose one of {', '.join(RULES)}")
    if (dataset is None) == (truth is None):
        raise UserError("score against a data set (--dataset) or a folder of masks (--truth)")
    if dataset is not None and split.startswith("test"):
        raise UserError(f"split {split}: its ground truth is not public, so it cannot be scored")
    if ignore_void and year == 2016:
        raise UserError("masks of 2016 have no void to ignore: their 255 is the object")


def _score(
    tasks: list[Task], rule: str, ignore_void: bool, workers: int | None, notes: list[str]
) -> dict[str, Values]:
    """Score all sequences, in chunks of frames so that a long one keeps all processes busy."""
    if workers is None:
        few = sum(len(task.annotation.masks) for task in tasks) < FEW_FRAMES
        workers = 1 if few else available_cpus()
    given = [given_ids(task.annotation, task.year, rule) for task in tasks]
    parts = [
        _chunks(task, max(ids) if rule == FIRST else None, ignore_void)
        for task, ids in zip(tasks, given, strict=True)
    ]
    chunks = [chunk for part in parts for chunk in part]
    scored = iter(map_processes(score_chunk, chunks, workers, "evaluate", unit="chunk"))
    values: dict[str, Values] = {}
    for task, ids, part in zip(tasks, given, parts, strict=True):
        done = [next(scored) for _ in part]
        frames = [frame for scores in done for frame in scores.frames]
        found = frozenset().union(*(scores.found for scores in done))
        series = object_series(task, rule, ids, found, frames, notes)
        for object_id, pairs in series.items():
            columns = map(list, zip(*pairs, strict=True))
            named = dict(zip(NAMES, columns, strict=True))
            values[f"{task.annotation.name}_{object_id}"] = named
    return values


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
