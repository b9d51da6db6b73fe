"""What a number of sequences can say: intervals of accuracies, differences that can be shown."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from statistics import fmean

import numpy as np

from ttvos.core.errors import UserError
from ttvos.evaluation.statistics import detectable_by_sequences, fewest_sequences, mean_interval
from ttvos.report.results import Result

MEANS = {"J&F-Mean": ("J-Mean", "F-Mean"), "J-Mean": ("J-Mean",), "F-Mean": ("F-Mean",)}
LEGEND = (
    "[ ]: 95 % interval over the sequences (bootstrap of whole sequences; Student's for fewer than "
    f"{fewest_sequences()})."
)


@dataclass(frozen=True)
class SequenceScores:
    """Scores of a dataset's sequences in points, each the mean over its objects."""

    names: tuple[str, ...]
    scores: tuple[float, ...]
    objects: tuple[int, ...]

    @property
    def mean(self) -> float:
        """The mean over all objects, as the protocol takes it."""
        pairs = zip(self.scores, self.objects, strict=True)
        return sum(score * count for score, count in pairs) / sum(self.objects)

    def part(self, names: Iterable[str]) -> "SequenceScores | None":
        """Only these sequences; None where one of them was not scored."""
        found = {name: index for index, name in enumerate(self.names)}
        names = sorted(names)
        if not set(names) <= set(found):
            return None
        chosen = [found[name] for name in names]
        return SequenceScores(
            tuple(names),
            tuple(self.scores[index] for index in chosen),
            tuple(self.objects[index] for index in chosen),
        )


def sequence_scores(results: Sequence[Result], score: str = "J&F-Mean") -> SequenceScores | None:
    """Scores by sequence, mean over the seeds; None without a file that says where it is from.

    results: evaluations of one row on one dataset. score: a key of `MEANS`.
    Raises UserError for files that scored different objects, and for objects without scores.
    """
    results = [result for result in results if result.provenance]
    if not results:
        return None
    found = [_of_sequences(result, score) for result in results]
    first = {name: len(values) for name, values in found[0].items()}
    for result, other in zip(results, found, strict=True):
        if {name: len(values) for name, values in other.items()} != first:
            raise UserError(
                f"{result.name}: scores other objects than {results[0].name}; evaluate again"
            )
    scores = (fmean(fmean(one[name]) for one in found) for name in first)
    return SequenceScores(tuple(first), tuple(scores), tuple(first.values()))


def _of_sequences(result: Result, score: str) -> dict[str, list[float]]:
    """The objects' scores in points, by sequence; sequences by name."""
    grouped: dict[str, list[float]] = {}
    for name, values in sorted(result.data.get("objects", {}).items()):
        try:
            mean = 100 * fmean(values[key] for key in MEANS[score])
        except KeyError as error:
            raise UserError(
                f"{result.name}: object {name} has no {error}; evaluate again"
            ) from None
        grouped.setdefault(name.rpartition("_")[0], []).append(mean)
    if not grouped:
        raise UserError(f"{result.name}: has no scores of objects; evaluate again")
    return grouped


def paired_arms(
    one: Sequence[Result], other: Sequence[Result]
) -> tuple[np.ndarray, np.ndarray] | None:
    """Differences in J&F of two rows on one dataset, as `ttvos.evaluation.compare.judge_claims`
    takes them.

    one, other: evaluations, each with its seed. Only seeds and sequences that both have enter,
    matched by seed and by name; None where there are none. (S, K) in points, and (S,) objects.
    """
    first, second = (
        {result.seed: sequence_scores((result,)) for result in results if result.provenance}
        for results in (one, other)
    )
    shared = sorted(first.keys() & second.keys())
    scored = [arm[seed] for seed in shared for arm in (first, second)]
    names = sorted(set.intersection(*(set(scores.names) for scores in scored)) if scored else ())
    if not names:
        return None
    pairs = [(first[seed].part(names), second[seed].part(names)) for seed in shared]
    values = [np.subtract(better.scores, worse.scores) for better, worse in pairs]
    return np.transpose(values), np.array(pairs[0][0].objects, dtype=float)


def interval(scores: SequenceScores | None) -> tuple[float, float] | None:
    """95 % interval of the mean over the sequences; None for fewer than 2."""
    return _interval(scores.scores, scores.objects) if scores else None


@cache
def _interval(scores: tuple[float, ...], objects: tuple[int, ...]) -> tuple[float, float] | None:
    return mean_interval(scores, objects)


def detectable_note(dataset: str, entries: Iterable[SequenceScores | None]) -> str | None:
    """The difference between two of the entries that their sequences can show, in a sentence.

    Taken from the spread of the paired differences between entries that were scored on the same
    sequences, its median over all pairs; None where no two were.
    """
    groups: dict[tuple[str, ...], list[SequenceScores]] = {}
    for entry in entries:
        if entry is not None and len(entry.names) > 1:
            groups.setdefault(entry.names, []).append(entry)
    names = max(groups, key=lambda key: len(groups[key]), default=())
    pairs = list(combinations([entry.scores for entry in groups.get(names, ())], 2))
    if not pairs:
        return None
    count = len(names)
    if count < fewest_sequences():
        return (
            f"{dataset}: {count} sequences cannot show that one entry is better than another, "
            f"however far apart they are; {fewest_sequences()} or more can."
        )
    spreads = np.diff(np.array(pairs), axis=1)[:, 0].std(axis=1, ddof=1)
    spread = float(np.median(spreads))
    least = detectable_by_sequences(spread, count)
    return (
        f"{dataset}: {count} sequences can show that one entry is better than another if they "
        f"truly differ by {least:.1f} points or more (paired over the sequences, 80 % power, "
        f"two-sided 5 %; standard deviation of a sequence's difference {spread:.1f}, the median "
        "over pairs of entries)."
    )
