"""Our J and F against those that the DAVIS site printed for the same masks; and by attribute.

The site prints a value of J and of F for each scored frame (2016) or their means for each object
(2017); frames are those from the second to the last but one, as ours. A printed value is rounded,
so one that is within a unit of its last digit agrees.
"""

from collections.abc import Iterator

import numpy as np

from ttvos.core.errors import UserError
from ttvos.data.site_record import DIGITS, Printed
from ttvos.records.schema import AttributeMeans, MethodDifference, Scores, SequenceDifference

FRAMES = "from the second to the last but one of each sequence"
EXACT = 1e-9  # what arithmetic may add to a difference
MEANS = ("j_mean", "f_mean")
FEWEST = 5  # sequences with an attribute; the mean of fewer says little about it


def tolerance(year: int) -> float:
    """How far apart two values may be that agree: a unit of the last digit that is printed."""
    return 10.0 ** -DIGITS[year]


def unit(year: int) -> str:
    """What the site's values of a year are of."""
    return "frame" if year == 2016 else "object"


def compare(
    method: str, scores: Scores, printed: dict[str, Printed], year: int
) -> MethodDifference:
    """Compare one method's scores with what the site printed of it.

    printed: as `ttvos.data.site_record.read_printed` gives it; sequences that were not scored here
    are left alone. A sequence whose objects or numbers of values are others is named with the
    reason. Raises UserError for scores without values of frames.
    """
    every, differing = [], []
    for name, objects in _by_sequence(scores).items():
        ours = {each: _values(scores, each, year) for each in objects}
        theirs = {each: printed[each] for each in printed if _sequence_of(each) == name}
        reason = _obstacle(ours, theirs, unit(year))
        found = [] if reason else [np.subtract(ours[each], theirs[each]) for each in ours]
        part = SequenceDifference(sequence=name, **_figures(found, year), reason=reason)
        differing += [part] if part.beyond or reason else []
        every += found
    return MethodDifference(method=method, **_figures(every, year), differing=differing)


def attribute_means(
    method: str, scores: Scores, attributes: dict[str, tuple[str, ...]]
) -> Iterator[AttributeMeans]:
    """J&F, J and F over the objects of the sequences with an attribute, in the attributes' order.

    attributes: of each sequence. Nothing for an attribute of fewer than `FEWEST` of the scored
    sequences, and nothing at all where one of them is not in the list.
    """
    own = scores.sequences()
    if not own.keys() <= attributes.keys():
        return
    for attribute in sorted({one for name in own for one in attributes[name]}):
        having = [name for name in own if attribute in attributes[name]]
        if len(having) < FEWEST:
            continue
        objects = [each for name in having for each in own[name]]
        j, f = (float(np.mean([getattr(each, key) for each in objects])) for key in MEANS)
        means = {"J&F-Mean": (j + f) / 2, "J-Mean": j, "F-Mean": f}
        yield AttributeMeans(method=method, attribute=attribute, sequences=len(having), **means)


def _sequence_of(object_name: str) -> str:
    return object_name.rpartition("_")[0]


def _by_sequence(scores: Scores) -> dict[str, list[str]]:
    """Names of the objects by sequence."""
    found: dict[str, list[str]] = {}
    for name in scores.objects:
        found.setdefault(_sequence_of(name), []).append(name)
    return found


def _values(scores: Scores, name: str, year: int) -> Printed:
    """J and F of an object in the form of the site."""
    if year != 2016:
        means = scores.objects[name]
        return np.array([means.j_mean]), np.array([means.f_mean])
    if name not in scores.frames:
        raise UserError(f"{name}: the scores hold no values of its frames; evaluate again")
    return np.array(scores.frames[name].j), np.array(scores.frames[name].f)


def _obstacle(ours: dict[str, Printed], theirs: dict[str, Printed], unit: str) -> str:
    """Why a sequence cannot be compared; "" where it can."""
    if not theirs:
        return "the site has no such sequence"
    if unlike := sorted(ours.keys() ^ theirs.keys()):
        return f"only one of the two has {', '.join(unlike)}"
    for name, (j, _) in ours.items():
        if len(j) != len(theirs[name][0]):
            return f"{len(j)} {unit}s here, {len(theirs[name][0])} on the site"
    return ""


def _figures(differences: list[np.ndarray], year: int) -> dict[str, float]:
    """Of each object's differences, (2, T) for J and F; objects count alike in the mean."""
    if not differences:
        return {"compared": 0, "beyond": 0, "largest": 0.0, "mean": 0.0}
    sizes = np.abs(np.concatenate(differences, axis=1))
    return {
        "compared": sizes.size,
        "beyond": int((sizes > tolerance(year) + EXACT).sum()),
        "largest": float(sizes.max()),
        "mean": float(np.mean([values.mean() for values in differences])),
    }
