"""The DAVIS semi-supervised protocol (docs/facts.md, section 5): folders of masks in, scores out.

Of the annotated frames the first (its mask is given) and the last are not scored. Each object of
a sequence is scored on its own and counts alike, however long its sequence is. 2016: all ids are
merged to one object. 2017: ids; void (255) in the truth is background. Which objects there are,
and from which frame on they count, is told in `ttvos.evaluation.objects`.
"""

from pathlib import Path
from typing import Any

from ttvos.core.errors import UserError
from ttvos.evaluation.asked import Asked, check_asked, find_asked
from ttvos.evaluation.crops import ABSENT, NAMES, score_objects
from ttvos.evaluation.objects import FIRST, Values
from ttvos.evaluation.totals import means_over, object_statistics
from ttvos.records.schema import FrameScores, Scores

EVALUATORS = ("builtin", "official")


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
    asked = find_asked(masks, dataset, year, split, only, truth, objects)
    facts: dict[str, Any] = {"evaluator": evaluator}
    notes: list[str] = []
    if evaluator == "official":
        from ttvos.evaluation.official import score_officially

        if ignore_void or asked.rule != FIRST:
            raise UserError('the official evaluator knows void as background and objects "first"')
        scores, frames, facts["evaluator_version"] = score_officially(asked.tasks)
    else:
        frames = _score(asked, ignore_void, workers, notes)
        scores = {name: object_statistics(values) for name, values in frames.items()}
    if not scores:
        raise UserError(f"{truth or dataset}: the annotations show no object that can be scored")
    return Scores(
        means=means_over(scores),
        objects=scores,
        frames={name: FrameScores.model_validate(values) for name, values in frames.items()},
        scored=asked.scored(len(scores)),
        notes=notes,
        provenance=asked.provenance(profile, ignore_void, facts),
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
    check_asked(dataset, truth, split, ignore_void, year, objects)


def _score(
    asked: Asked, ignore_void: bool, workers: int | None, notes: list[str]
) -> dict[str, Values]:
    """J and F of each object, one value a scored frame."""
    series = asked.series(score_objects, ABSENT, ignore_void, workers, notes)
    columns = {name: map(list, zip(*pairs, strict=True)) for name, pairs in series.items()}
    return {name: dict(zip(NAMES, values, strict=True)) for name, values in columns.items()}
