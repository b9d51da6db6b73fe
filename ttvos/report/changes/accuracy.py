"""Accuracies that changed, entry by entry and sequence by sequence, paired.

A sequence is paired with itself and a seed with itself, as `ttvos.evaluation.compare` does for
claims; only what both sides have counts.
"""

from collections.abc import Iterator
from statistics import fmean
from typing import Any

import numpy as np
from scipy import stats

from ttvos.evaluation.statistics import LEVEL, fewest_sequences, holm, paired_difference
from ttvos.records.comparison import AccuracyChange
from ttvos.records.report import EntryScores, FileRecord, ScoredFile
from ttvos.report.changes.causes import causes
from ttvos.report.changes.sides import Compared

SAME = 1e-9  # points: what adding up in another order may change
Key = tuple[str, str, str]  # kind, entry, dataset


def entries(side: Compared) -> dict[Key, EntryScores]:
    """The scored entries of a side."""
    return {(of.kind, of.entry, of.dataset): of for of in side.scores}


def accuracy_changes(
    before: Compared, after: Compared, margin: float = 0.0
) -> list[AccuracyChange]:
    """Each entry that both sides scored on a dataset of the same name, in the order of `after`.

    margin: points, 0 or more, that a difference must be beyond to be better or worse.
    """
    old, found = entries(before), []
    for key, entry in entries(after).items():
        if key in old and (change := _change(before, after, old[key], entry, margin)):
            found.append(change)
    tested = [change for change in found if change["verdict"] != "unchanged" and "p" in change]
    for change, adjusted in zip(tested, holm([change["p"] for change in tested]), strict=True):
        change["adjusted"] = adjusted
    return [AccuracyChange.model_validate(change) for change in found]


def _change(
    before: Compared, after: Compared, old: EntryScores, new: EntryScores, margin: float
) -> dict[str, Any] | None:
    pairs, reason = _paired(old, new)
    names, apart = _shared([file for pair in pairs for file in pair])
    facts = {
        "entry": new.entry,
        "label": new.label,
        "kind": new.kind,
        "dataset": new.dataset,
        "seeds": len(pairs),
        "counted": len(names),
        "causes": causes(behind(before, after, old, new)),
        "apart": apart,
    }
    if not names:
        return None
    scores = [_matrix(list(files), names) for files in zip(*pairs, strict=True)]
    objects = np.array([len(pairs[0][0].sequences[name]) for name in names], dtype=float)
    facts |= _judged(*scores, objects, margin)
    facts["reason"] = "; ".join(why for why in (reason, facts.get("reason")) if why)
    return facts | {"sequences": _sequences(names, objects, *scores)}


def _paired(old: EntryScores, new: EntryScores) -> tuple[list[tuple[ScoredFile, ScoredFile]], str]:
    """The evaluations of both, seed by seed; with no seed in common in their order, and a reason
    that says so."""
    one, other = ({file.seed: file for file in entry.files} for entry in (old, new))
    if shared := [seed for seed in one if seed in other]:
        return [(one[seed], other[seed]) for seed in shared], ""
    reason = "no seed in common, so that the difference has the noise of the seeds in it"
    return list(zip(old.files, new.files, strict=False)), reason


def _shared(files: list[ScoredFile]) -> tuple[list[str], list[str]]:
    """Sequences that all files have with the same objects, and the other ones."""
    objects = [{name: sorted(of) for name, of in file.sequences.items()} for file in files]
    every = sorted({name for of in objects for name in of})
    same = [n for n in every if all(of.get(n) == objects[0].get(n) for of in objects)]
    return same, [name for name in every if name not in same]


def _matrix(files: list[ScoredFile], names: list[str]) -> np.ndarray:
    """J&F in points, (S sequences, K seeds), each the mean over the sequence's objects."""
    return np.array([[_jf(file, name) for file in files] for name in names])


def _jf(file: ScoredFile, name: str) -> float:
    return fmean((scored.j + scored.f) / 2 for scored in file.sequences[name].values())


def behind(
    before: Compared, after: Compared, old: EntryScores, new: EntryScores
) -> Iterator[tuple[FileRecord | None, FileRecord | None]]:
    """The files behind each pair of evaluations: of scoring, tracking and training."""
    for one, other in _paired(old, new)[0]:
        for name, later in _names(one, other):
            yield before.files.get(name), after.files.get(later)


def _names(one: ScoredFile, other: ScoredFile) -> list[tuple[str, str]]:
    """Pairs of files that are the same step: runs may keep them in different folders."""
    steps = [(one.file, other.file)]
    for name in one.made_by:
        last = name.rpartition("/")[2]
        steps += [(name, new) for new in other.made_by if new.rpartition("/")[2] == last]
    return steps


def _judged(
    before: np.ndarray, after: np.ndarray, objects: np.ndarray, margin: float
) -> dict[str, Any]:
    """Means over all objects and seeds, their difference, and what it shows."""
    values = after - before
    means = [float(np.average(of.mean(axis=1), weights=objects)) for of in (before, after)]
    facts = {"before": means[0], "after": means[1], "difference": means[1] - means[0]}
    if np.abs(values).max() <= SAME:
        return facts | {"difference": 0.0, "verdict": "unchanged"}
    if len(values) < 2:
        why = "one sequence says nothing of others"
        return facts | {"verdict": "not shown", "reason": why}
    found = paired_difference(values, objects)
    verdict = "not shown" if found.low <= 0 <= found.high else "within margin"
    if found.low > margin or found.high < -margin:
        verdict = "better" if found.mean > 0 else "worse"
    facts |= {"interval": [found.low, found.high], "p": found.p, "verdict": verdict}
    if len(values) < fewest_sequences():
        few = f"{len(values)} sequences; {fewest_sequences()} or more can bear out an interval"
        facts["reason"] = few
    return facts


def _sequences(
    names: list[str], objects: np.ndarray, before: np.ndarray, after: np.ndarray
) -> list[dict[str, Any]]:
    """The sequences that changed, the largest difference first."""
    lines = []
    for index, name in enumerate(names):
        values = after[index] - before[index]
        if np.abs(values).max() <= SAME:
            continue
        line = {
            "sequence": name,
            "objects": int(objects[index]),
            "before": float(before[index].mean()),
            "after": float(after[index].mean()),
            "difference": float(values.mean()),
        }
        lines.append(line | ({"interval": _over_seeds(values)} if len(values) > 1 else {}))
    return sorted(lines, key=lambda line: -abs(line["difference"]))


def _over_seeds(values: np.ndarray) -> list[float]:
    """95 % Student's interval of the mean difference of one sequence over its K seeds."""
    half = stats.t.ppf(1 - LEVEL / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return [float(values.mean() - half), float(values.mean() + half)]
