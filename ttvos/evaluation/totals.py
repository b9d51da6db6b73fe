"""Statistics of an object, means over objects, and how much was scored."""

import numpy as np

from ttvos.data.annotations import DAVIS, Truth
from ttvos.data.davis import VAL
from ttvos.evaluation.metrics import statistics
from ttvos.evaluation.objects import Values
from ttvos.records.schema import Means, ObjectScores, Scored


def object_statistics(values: Values) -> ObjectScores:
    """Mean, recall and decay of each metric of an object, over its scored frames."""
    return ObjectScores.model_validate(
        {
            f"{metric}-{name}": number
            for metric, series in values.items()
            for name, number in statistics(series).items()
        }
    )


def means_over(objects: dict[str, ObjectScores]) -> Means:
    """Means over objects; J&F is the mean of the J and the F mean."""
    names = next(iter(objects.values())).keys()
    means = {name: float(np.mean([scores[name] for scores in objects.values()])) for name in names}
    return Means.model_validate({"J&F-Mean": (means["J-Mean"] + means["F-Mean"]) / 2, **means})


def scored_part(truth: Truth, year: int, split: str, objects: int) -> Scored:
    """How much was scored, and of what: of the published set, where these sequences are of it."""
    available, whose = truth.available, "the data set"
    if truth.layout == DAVIS:
        whose, published = f"split {split}", VAL[year] if split == "val" else ()
        if {annotation.name for annotation in truth.annotations} <= set(published):
            available, whose = len(published), f"DAVIS-{year} val"
    return Scored(
        sequences=len(truth.annotations),
        objects=objects,
        frames=sum(len(annotation.masks) - 2 for annotation in truth.annotations),
        available=available,
        set=whose,
    )
