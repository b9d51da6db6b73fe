"""Scores by sequence of results that the repository keeps."""

from statistics import fmean

from ttvos.errors import UserError
from ttvos.publication.form import SEQUENCES, Published, SequenceScore
from ttvos.render.intervals import SequenceScores


def sequence_scores(
    published: Published, row: str, dataset: str, key: str = "jf"
) -> SequenceScores | None:
    """Scores of a row's sequences, mean over its seeds; None where they were not kept.

    key: "jf", "j_mean" or "f_mean". Raises UserError for sequences that not all seeds have.
    """
    lines = [x for x in published.sequences if (x.row, x.dataset) == (row, dataset)]
    by_name: dict[str, list[SequenceScore]] = {}
    for line in lines:
        by_name.setdefault(line.sequence, []).append(line)
    seeds = {line.seed for line in lines}
    for name, of in by_name.items():
        if {line.seed for line in of} != seeds:
            raise UserError(
                f"results-published/{published.name}/{SEQUENCES}: {row}, {dataset}: not all seeds "
                f"have the sequence {name}; publish the results again"
            )
    if not lines:
        return None
    names = tuple(sorted(by_name))
    means = (fmean(getattr(line, key) for line in by_name[name]) for name in names)
    return SequenceScores(names, tuple(means), tuple(by_name[name][0].objects for name in names))
