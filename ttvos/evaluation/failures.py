"""Where J&F was lost: folders of masks in, an account that adds up out (docs/failures.md)."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from ttvos.core.errors import UserError
from ttvos.evaluation.asked import check_asked, find_asked
from ttvos.evaluation.fixes import ABSENT, Fixed, fix_objects
from ttvos.evaluation.lost import find_losses
from ttvos.evaluation.site import FEWEST
from ttvos.records.schema import (
    AttributeFailures,
    Failures,
    Loss,
    LostPoints,
    MeanFailures,
    ObjectFailures,
)

CATEGORIES = tuple(LostPoints.model_fields)  # in the order of the fixes


def find_failures(
    masks: Path | str,
    dataset: Path | str | None = None,
    year: int | None = None,
    split: str = "val",
    workers: int | None = None,
    profile: str | None = None,
    only: tuple[str, ...] = (),
    *,
    truth: Path | str | None = None,
    ignore_void: bool = False,
    objects: str | None = None,
    attributes: dict[str, tuple[str, ...]] | None = None,
) -> Failures:
    """The account of what masks lost, for each object and in the mean; all fractions.

    attributes: of each sequence, for means over those that have one, where at least `FEWEST` do.
    The rest is as of `ttvos.evaluation.davis.evaluate`, whose J&F this adds up with to 1, and so
    are the errors.
    """
    check_asked(dataset, truth, split, ignore_void, year, objects)
    asked = find_asked(masks, dataset, year, split, only, truth, objects)
    notes: list[str] = []
    series = asked.series(fix_objects, ABSENT, ignore_void, workers, notes)
    if not series:
        raise UserError(f"{truth or dataset}: the annotations show no object that can be scored")
    lengths = {task.annotation.name: len(task.annotation.masks) for task in asked.tasks}
    found = {
        # The last annotated frame is not scored, and so the last value is of the one before.
        name: account(frames, lengths[name.rpartition("_")[0]] - 1 - len(frames))
        for name, frames in series.items()
    }
    return Failures(
        means=MeanFailures.model_validate(_mean(found.values())),
        objects=found,
        attributes=list(_by_attribute(found, attributes or {})),
        scored=asked.scored(len(found)),
        notes=notes,
        provenance=asked.provenance(profile, ignore_void, {}),
    )


def account(frames: list[Fixed], first: int = 1) -> ObjectFailures:
    """One object's account. frames: its scored ones. first: number of their first."""
    shown = [frame.shown for frame in frames]
    lost = {t for run in find_losses([f.own_j for f in frames], shown) for t in run.low}
    points = np.array([_gains(frame, t in lost) for t, frame in enumerate(frames)])
    losses = find_losses([frame.j for frame in frames], shown)
    return ObjectFailures.model_validate(
        {
            "J&F-Mean": float(np.mean([frame.jf[0] for frame in frames])),
            "lost_points": _points(points.mean(axis=0)),
            "losses": [
                Loss(
                    frame=first + run.start,
                    frames=len(run.low),
                    back=None if run.back is None else first + run.back,
                )
                for run in losses
            ],
        }
    )


def _gains(frame: Fixed, is_lost: bool) -> tuple[float, ...]:
    """What each fix brings a frame, in the order of `CATEGORIES`."""
    as_it_is, own, no_spill, no_gap = frame.jf
    wrong, rest = own - as_it_is, 1 - own
    if is_lost:
        return (wrong, rest, 0.0, 0.0, 0.0, 0.0)
    if frame.off:
        return (wrong, 0.0, rest, 0.0, 0.0, 0.0)
    return (wrong, 0.0, 0.0, no_spill - own, no_gap - no_spill, 1 - no_gap)


def _points(values: Iterable[float]) -> LostPoints:
    return LostPoints.model_validate(dict(zip(CATEGORIES, map(float, values), strict=True)))


def _mean(objects: Iterable[ObjectFailures]) -> dict:
    """Means over objects, by the keys that the records share."""
    own = list(objects)
    lines = [[each.lost_points[key] for key in CATEGORIES] for each in own]
    return {
        "J&F-Mean": float(np.mean([each.jf_mean for each in own])),
        "lost_points": _points(np.mean(lines, axis=0)),
    }


def _by_attribute(
    found: dict[str, ObjectFailures], attributes: dict[str, tuple[str, ...]]
) -> Iterator[AttributeFailures]:
    """Means over the objects of sequences with an attribute; none where one sequence is unknown."""
    sequences = {name.rpartition("_")[0] for name in found}
    if not sequences <= attributes.keys():
        return
    for attribute in sorted({one for name in sequences for one in attributes[name]}):
        having = {name for name in sequences if attribute in attributes[name]}
        if len(having) >= FEWEST:
            own = [each for name, each in found.items() if name.rpartition("_")[0] in having]
            facts = {"attribute": attribute, "sequences": len(having)}
            yield AttributeFailures.model_validate({**facts, **_mean(own)})
