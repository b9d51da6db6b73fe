"""What a number of sequences can say: intervals of accuracies, differences that can be shown, and
what others reach on the same sequences.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from statistics import fmean

import numpy as np

from ttvos.core.errors import UserError
from ttvos.data.davis import VAL
from ttvos.evaluation.compare import Arms
from ttvos.evaluation.statistics import detectable_by_sequences, fewest_sequences, mean_interval
from ttvos.report.join import ReportInput
from ttvos.report.paper import plain
from ttvos.report.publication.form import SEQUENCES, Published
from ttvos.report.results import Entry, File
from ttvos.report.verdicts import untrained

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


def sequence_scores(results: Sequence[File], score: str = "J&F-Mean") -> SequenceScores | None:
    """Scores by sequence, mean over the seeds; None without a file that says where it is from.

    results: evaluations of one row on one dataset. score: a key of `MEANS`.
    Raises UserError for files that scored different objects, and for objects without scores.
    """
    return over_seeds({r.name: _of_sequences(r, score) for r in results if r.provenance})


def over_seeds(scored: Mapping[str, SequenceScores]) -> SequenceScores | None:
    """The mean over the seeds, sequence by sequence; None for no scores.

    scored: by what an error calls them. Raises UserError for scores of different objects.
    """
    if not scored:
        return None
    (first, one), *others = scored.items()
    objects = dict(zip(one.names, one.objects, strict=True))
    for name, other in others:
        differing = objects.items() ^ zip(other.names, other.objects, strict=True)
        if differing:
            names = ", ".join(sorted({name for name, _ in differing}))
            raise UserError(f"{name}: scores other objects than {first}: {names}; evaluate again")
    means = map(fmean, zip(*(found.scores for found in scored.values()), strict=True))
    return SequenceScores(one.names, tuple(means), one.objects)


def _of_sequences(result: File, score: str) -> SequenceScores:
    """The scores of one file; sequences by name."""
    grouped: dict[str, list[float]] = {}
    for name, scores in sorted(result.record.objects.items()):
        mean = 100 * fmean(scores[key] for key in MEANS[score])
        grouped.setdefault(name.rpartition("_")[0], []).append(mean)
    if not grouped:
        raise UserError(f"{result.name}: has no scores of objects; evaluate again")
    objects = tuple(len(values) for values in grouped.values())
    return SequenceScores(tuple(grouped), tuple(map(fmean, grouped.values())), objects)


def kept_by_seed(
    published: Published, row: str, dataset: str, key: str = "jf"
) -> dict[int | None, SequenceScores]:
    """Scores of a row's sequences, as kept. key: "jf", "j_mean" or "f_mean"."""
    lines: dict[int | None, list[tuple[str, float, int]]] = {}
    for line in published.sequences:
        if (line.row, line.dataset) == (row, dataset):
            values = (line.sequence, getattr(line, key), line.objects)
            lines.setdefault(line.seed, []).append(values)
    return {seed: SequenceScores(*zip(*sorted(of), strict=True)) for seed, of in lines.items()}


def kept_sequences(
    published: Published, row: str, dataset: str, key: str = "jf"
) -> SequenceScores | None:
    """The same, mean over the seeds; None where they were not kept.

    Raises UserError for sequences that not all seeds have.
    """
    where = f"{published.where}/{SEQUENCES}: {row}, {dataset}"
    scored = kept_by_seed(published, row, dataset, key)
    return over_seeds({f"{where}: seed {seed}": scores for seed, scores in scored.items()})


def by_seed(results: Iterable[File]) -> dict[int | None, SequenceScores]:
    """J&F of each evaluation that says where it is from, by its seed."""
    return {r.seed: _of_sequences(r, "J&F-Mean") for r in results if r.provenance}


def paired(
    one: Mapping[int | None, SequenceScores], other: Mapping[int | None, SequenceScores]
) -> Arms | None:
    """Differences of two rows on one dataset, for `ttvos.evaluation.compare.judge_claims`.

    one, other: scores by seed. Only seeds and sequences that both have enter, matched by seed and
    by name; None where there are none. (S, K) in points, and (S,) objects.
    """
    shared = sorted(one.keys() & other.keys())
    scored = [arm[seed] for seed in shared for arm in (one, other)]
    names = sorted(set.intersection(*(set(scores.names) for scores in scored)) if scored else ())
    if not names:
        return None
    pairs = [(one[seed].part(names), other[seed].part(names)) for seed in shared]
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


def sequence_notes(report: ReportInput, datasets: Iterable[str]) -> list[str]:
    """What stands under a table of accuracies on these datasets; nothing where none was scored."""
    notes = []
    for dataset in datasets:
        scored = [_scores(entry, dataset) for entry in _trained(report)]
        if any(scored):
            notes += [LEGEND, detectable_note(dataset, scored), peers_on_the_part(report, dataset)]
    return list(dict.fromkeys(note for note in notes if note))


def _trained(report: ReportInput) -> list[Entry]:
    """Whatever may have an accuracy in a run; an untrained row's is none."""
    rows = [row for row in report.rows if not untrained(row)]
    return [*rows, *report.references, *report.masks, *report.published, *report.peers]


def peers_on_the_part(report: ReportInput, dataset: str) -> str | None:
    """Others' scores on the part of a validation set that the rows were scored on, in a sentence.

    None where the rows were scored on the whole set, or on no part of it, or nobody else was.
    """
    rows = next((found for row in report.rows if (found := _scores(row, dataset))), None)
    if rows is None:
        return None
    year = report.manifest.datasets[dataset].year
    return others_on_part(report, dataset, year, rows.names)


def others_on_part(report: ReportInput, label: str, year: int, names: Sequence[str]) -> str | None:
    """A sentence on what others, whose masks this run scored, reach on some validation sequences.

    label: of the data in whose table it stands. None where the sequences are no part of that
    year's validation set, or all of it, and where nobody else was scored on all of them.
    """
    whole = VAL.get(year, ())
    others = _means(report, year, names) if set(names) < set(whole) else {}
    if not others:
        return None
    ranked = sorted(others, key=others.get, reverse=True)
    listed = ", ".join(f"{name} {others[name]:.1f}" for name in ranked)
    ends = dict.fromkeys(f"{end(others.values()):.1f}" for end in (min, max))
    return (
        f"{label}: {len(names)} of the validation set's {len(whole)} sequences. On the same ones "
        f"score, in J&F: {listed}. Read a score in this table against {' to '.join(ends)}, not "
        "against the paper's numbers, which are for the whole set."
    )


def _means(report: ReportInput, year: int, names: Sequence[str]) -> dict[str, float]:
    """J&F of others on those sequences, by their label."""
    found = {}
    for entry in (*report.published, *report.masks, *report.peers):
        for dataset in entry.evaluate:
            scores = _scores(entry, dataset)
            is_same_year = report.manifest.datasets[dataset].year == year
            if scores and is_same_year and (same := scores.part(names)):
                found.setdefault(entry.label, same.mean)
    scored = {plain(entry.name) for entry in (*report.published, *report.masks)}
    kept = (one for one in report.kept.scores() if one.is_masks and one.data["year"] == year)
    for one in (one for one in kept if plain(one.row.label) not in scored):
        scores = kept_sequences(one.published, one.row.row, one.row.dataset)
        if same := scores.part(names):
            found.setdefault(f"{one.row.label} (kept)", same.mean)
    return found


def _scores(entry: Entry, dataset: str) -> SequenceScores | None:
    return sequence_scores(entry.evaluate.get(dataset, ()))
