"""Accuracies of this run beside others' on the same sequences, and what these can show."""

from collections.abc import Iterable, Iterator, Sequence

from ttvos.data.davis import VAL
from ttvos.report.inputs import Accuracy, ReportInput
from ttvos.report.intervals import LEGEND, SequenceScores, detectable_note, sequence_scores
from ttvos.report.untrained import untrained


def sequence_notes(report: ReportInput, datasets: Iterable[str]) -> list[str]:
    """What stands under a table of accuracies on these datasets; nothing where none was scored."""
    notes = []
    for dataset in datasets:
        scored = [_scores(entry, dataset) for entry in entries(report)]
        if any(scored):
            notes += [LEGEND, detectable_note(dataset, scored), peers_on_the_part(report, dataset)]
    return list(dict.fromkeys(note for note in notes if note))


def entries(report: ReportInput) -> Iterator[Accuracy]:
    """Whatever may have an accuracy in a run; an untrained row's is none."""
    yield from (row for row in report.rows if not untrained(row))
    yield from (*report.references, *report.masks, *report.published, *report.peers)


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
    return found


def _scores(entry: Accuracy, dataset: str) -> SequenceScores | None:
    return sequence_scores(entry.evaluate.get(dataset, ()))
