"""What must be known to read the accuracies of a table, told below it: what the rows' weights
started from and were selected on, which datasets stand in a column, and which rows are untrained.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ttvos.records.schema import Selection, Training
from ttvos.report.join import ReportInput
from ttvos.report.quantities import standing
from ttvos.report.results import Entry, File, RowResults
from ttvos.report.verdicts import paper_set, untrained_notes

SEED_NOTE = (
    "A seed fixes the random numbers, not the result: the same seed gives other numbers on "
    "another machine, at another precision, with another number of threads and by another version "
    "of the code. One seed shows no spread."
)
SELECTED_ON = {
    "last": "the last step",
    "heldout": "best step on held-out training sequences",
    "released": "best step on the test set",
}
STARTED_FROM = {
    "random": "random weights",
    "imagenet": "an ImageNet backbone, heads random",
    None: "unknown weights",
}


def accuracy_notes(report: ReportInput, entries: Iterable[Entry]) -> list[str]:
    """Which datasets stand in the columns, what a seed fixes, and which rows are untrained."""
    entries = list(entries)
    rows = [entry for entry in entries if isinstance(entry, RowResults)]
    notes = standing_notes(report, entries)
    notes += [SEED_NOTE] if any(row.is_scored for row in rows) else []
    return notes + untrained_notes(rows)


def standing_notes(report: ReportInput, entries: Iterable[Entry]) -> list[str]:
    """What a column of DAVIS16 or DAVIS17 mixes, and which scores stand in none."""
    scored = {entry.label: entry for entry in entries}
    notes = []
    for protocol in ("davis17", "davis16"):
        used: dict[str, list[str]] = {}
        for label, entry in scored.items():
            if name := standing(report.manifest, protocol, entry):
                used.setdefault(name, []).append(label)
        if len(used) > 1:
            parts = (f"{name} of {', '.join(labels)}" for name, labels in used.items())
            notes.append(f"{protocol.upper()} has scores on several datasets: {'; '.join(parts)}.")
    others = [
        f"{name} (split {data.split} of {data.year})"
        for name, data in report.manifest.datasets.items()
        if paper_set(data) is None and any(entry.evaluate.get(name) for entry in scored.values())
    ]
    if others:
        notes.append(f"Not in these columns, since the paper has no such set: {', '.join(others)}.")
    return notes


# Selection of a step's weights


def selected_on(train: File[Training]) -> str:
    """Which step's weights a training kept, for the table of trainings."""
    selection = train.record.selection
    return SELECTED_ON[selection.by] if selection else "not recorded"


def selection_notes(entries: Iterable[Entry]) -> list[str]:
    """What the rows' weights were selected on, one sentence for rows that were selected alike.

    Nothing is said of weights of the last step.
    """
    return _grouped((entry.label, _selection(by)) for entry, by in _selections(entries))


def selection_cautions(report: ReportInput, entries: Iterable[Entry]) -> list[str]:
    """What must stand beside the rows' scores: that these or the test set selected the weights."""
    found = []
    for entry, selection in _selections(entries):
        if selection.by == "released":
            found.append((entry.label, _selection(selection)))
        chosen_on = set(selection.data["sequences"])
        for dataset in report.manifest.datasets:
            scored = entry.evaluate.get(dataset, ())
            if any(chosen_on & set(result.record.sequences()) for result in scored):
                text = f"the weights were selected on sequences that {dataset} scores: its scores"
                found.append((entry.label, f"{text} are no independent measurement."))
    return _grouped(found)


def _grouped(found: Iterable[tuple[str, str]]) -> list[str]:
    """(row, sentence) pairs as one note a sentence, which names its rows."""
    rows: dict[str, list[str]] = {}
    for row, text in found:
        rows.setdefault(text, []).append(row)
    return [f"{', '.join(dict.fromkeys(names))}: {text}" for text, names in rows.items()]


def _selections(entries: Iterable[Entry]) -> list[tuple[RowResults, Selection]]:
    """Rows with what their trainings recorded of a selection by scores."""
    return [
        (entry, train.record.selection)
        for entry in entries
        if isinstance(entry, RowResults)
        for train in entry.train
        if train.provenance and train.record.selection and train.record.selection.data
    ]


def _selection(selection: Selection) -> str:
    data = selection.data
    names = data["sequences"]
    if selection.by == "released":
        return (
            "test-set selection, as in the authors' code: the step was kept whose weights score "
            f"best on the split {data['split']} of {data['root']} ({len(names)} sequences), so "
            "scores on that split are optimistic."
        )
    return (
        "the step was kept whose weights score best on training sequences that no stage learnt "
        f"from ({', '.join(names)}); no validation sequence had a part in it."
    )


# What a training started from


def start(initial: dict[str, Any] | None) -> str:
    """What a training started from. initial: {"source", ...} of its provenance.

    A file gives its backbone only, whatever else it holds.
    """
    source = (initial or {}).get("source")
    return STARTED_FROM.get(source) or f"the backbone of {Path(source).name}, heads random"


def trained_within(initial: dict[str, Any] | None) -> str:
    """A sentence on the training that the backbone learnt in; "" where that is not recorded."""
    experiment = (initial or {}).get("trained_within")
    if not experiment:
        return ""
    name = Path(initial["source"]).name
    return (
        f"The backbone of {name} learnt within a training of {experiment}: rows that start from it "
        f"go on from what {experiment} needed, and {experiment} has that in its favour."
    )


def start_notes(entries: Iterable[Entry]) -> list[str]:
    """What the rows started from, one note that names those that started alike together, and whose
    training it was, one note a file.
    """
    seeds: dict[tuple[str, str, int | None], list[str]] = {}
    notes: dict[str, None] = {}
    for entry in entries:
        for result in entry.train if isinstance(entry, RowResults) else ():
            initial = result.provenance and result.provenance.initial
            key = (entry.label, start(initial), result.record.steps)
            seeds.setdefault(key, []).append(str(result.record.seed))
            notes[trained_within(initial)] = None
    alike: dict[str, list[str]] = {}
    for (label, words, steps), numbers in seeds.items():
        seed = f"{'seeds' if len(numbers) > 1 else 'seed'} {', '.join(numbers)}"
        alike.setdefault(f"from {words}, {steps} steps, {seed}", []).append(label)
    found = [f"{words}: {', '.join(labels)}" for words, labels in alike.items()]
    told = [f"Trained here: {'; '.join(found)}."] if found else []
    return told + [note for note in notes if note]
