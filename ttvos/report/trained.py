"""How the weights of each trained row were selected, in words and from its train.json.

What the trainings behind a table's rows started from, in words and from their train.json.

The seeds behind a row's numbers: how many, and differences between rows paired by seed.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ttvos.evaluation.compare import Arms
from ttvos.evaluation.statistics import paired_difference
from ttvos.report.inputs import Accuracy, ReportInput, RowResults
from ttvos.report.intervals import paired_arms
from ttvos.report.quantities import Extra, score
from ttvos.report.results import Measured, Result, measure
from ttvos.report.standing import standing
from ttvos.report.table import Cell
from ttvos.report.untrained import untrained
from ttvos.report.verdicts import sequences

WAYS = {
    "last": "the last step",
    "heldout": "best step on held-out training sequences",
    "released": "best step on the test set",
}


def way(train: Result) -> str:
    """Which step's weights a training kept, for the table of trainings."""
    by = (train.data.get("selection") or {}).get("by")
    return WAYS.get(by, "not recorded")


def selection_notes(entries: Iterable[Accuracy | None]) -> list[str]:
    """What the rows' weights were selected on, one sentence for rows that were selected alike.

    Nothing is said of weights of the last step.
    """
    return _grouped((entry.label, _sentence(by)) for entry, by in _selections(entries))


def selection_cautions(report: ReportInput, entries: Iterable[Accuracy | None]) -> list[str]:
    """What must stand beside the rows' scores: that these or the test set selected the weights."""
    found = []
    for entry, selection in _selections(entries):
        if selection["by"] == "released":
            found.append((entry.label, _sentence(selection)))
        for dataset in report.manifest.datasets:
            if _overlaps(entry, dataset, selection):
                text = f"the weights were selected on sequences that {dataset} scores: its scores"
                found.append((entry.label, f"{text} are no independent measurement."))
    return _grouped(found)


def _grouped(found: Iterable[tuple[str, str]]) -> list[str]:
    """(row, sentence) pairs as one note a sentence, which names its rows."""
    rows: dict[str, list[str]] = {}
    for row, text in found:
        rows.setdefault(text, []).append(row)
    return [f"{', '.join(dict.fromkeys(names))}: {text}" for text, names in rows.items()]


def _selections(
    entries: Iterable[Accuracy | None],
) -> list[tuple[RowResults, dict[str, Any]]]:
    """Rows with what their trainings recorded of a selection by scores."""
    return [
        (entry, train.data["selection"])
        for entry in entries
        if isinstance(entry, RowResults)
        for train in entry.train
        if train.provenance and (train.data.get("selection") or {}).get("data")
    ]


def _sentence(selection: dict[str, Any]) -> str:
    data = selection["data"]
    names = data["sequences"]
    if selection["by"] == "released":
        return (
            "test-set selection, as in the authors' code: the step was kept whose weights score "
            f"best on the split {data['split']} of {data['root']} ({len(names)} sequences), so "
            "scores on that split are optimistic."
        )
    return (
        "the step was kept whose weights score best on training sequences that no stage learnt "
        f"from ({', '.join(names)}); no validation sequence had a part in it."
    )


def _overlaps(entry: RowResults, dataset: str, selection: dict[str, Any]) -> bool:
    """Whether a dataset's scores cover sequences that selected the row's weights."""
    seen = set(selection["data"]["sequences"])
    return any(seen & set(sequences(result)) for result in entry.evaluate.get(dataset, ()))


WORDS = {
    "random": "random weights",
    "imagenet": "an ImageNet backbone, heads random",
    None: "unknown weights",
}


def start(initial: dict[str, Any] | None) -> str:
    """What a training started from. initial: {"source", ...} of its provenance.

    A file gives its backbone only, whatever else it holds.
    """
    source = (initial or {}).get("source")
    return WORDS.get(source) or f"the backbone of {Path(source).name}, heads random"


def within(initial: dict[str, Any] | None) -> str:
    """A sentence on the training that the backbone learnt in; "" where that is not recorded."""
    experiment = (initial or {}).get("trained_within")
    if not experiment:
        return ""
    name = Path(initial["source"]).name
    return (
        f"The backbone of {name} learnt within a training of {experiment}: rows that start from it "
        f"go on from what {experiment} needed, and {experiment} has that in its favour."
    )


def start_notes(entries: Iterable[Accuracy | None]) -> list[str]:
    """What the rows started from, one note, and whose training it was, one note a file."""
    seeds: dict[tuple[str, str, int | None], list[str]] = {}
    notes: dict[str, None] = {}
    for entry in entries:
        for result in entry.train if isinstance(entry, RowResults) else ():
            initial = (result.provenance or {}).get("initial")
            key = (entry.label, start(initial), result.data.get("steps"))
            seeds.setdefault(key, []).append(str(result.data["seed"]))
            notes[within(initial)] = None
    found = [
        f"{label} ({'seeds' if len(numbers) > 1 else 'seed'} {', '.join(numbers)}) "
        f"from {words}, {steps} steps"
        for (label, words, steps), numbers in seeds.items()
    ]
    told = [f"Trained here: {'; '.join(found)}."] if found else []
    return told + [note for note in notes if note]


NOTE = (
    "A seed fixes the random numbers, not the result: the same seed gives other numbers on "
    "another machine, at another precision, with another number of threads and by another version "
    "of the code. One seed shows no spread."
)


def _count(entry: Accuracy) -> Measured | None:
    if not isinstance(entry, RowResults):
        return None
    results = max(entry.evaluate.values(), key=len, default=())
    sources = tuple(result for result in results if result.provenance)
    return Measured((float(len(sources)),), sources) if sources else None


# Masks and the authors' weights have no seed.
SEEDS = Extra("runs", "seeds in the mean", 0, _count)


def difference(
    report: ReportInput, one: RowResults | None, other: RowResults | None, protocol: str
) -> Cell:
    """J&F of one row minus another's, in points, over the seeds and sequences that both have.

    Nothing where either was not scored; a reason where either is untrained, a file does not say
    where it comes from, or nothing is shared. One seed has no spread, and no interval.
    """
    if one is None or other is None:
        return Cell()
    if why := untrained(one) or untrained(other):
        return Cell(reason=why)
    files = [_files(report, row, protocol) for row in (one, other)]
    measured = [measure(results, score("J&F-Mean")) for results in files]
    if None in measured:
        return Cell()
    if refused := [found.refusal for found in measured if found.refusal]:
        return Cell(reason="; ".join(refused))
    arm = paired_arms(*files)
    if arm is None:
        seeds = set.intersection(*({result.seed for result in results} for results in files))
        return Cell(reason="no sequence in common" if seeds else "no seed in common")
    by_seed = np.average(arm[0], axis=0, weights=arm[1])
    spread = float(by_seed.std(ddof=1)) if len(by_seed) > 1 else None
    return Cell(float(by_seed.mean()), spread, interval=_interval(arm))


def arms(
    report: ReportInput, one: RowResults | None, other: RowResults | None, protocol: str
) -> Arms | None:
    """Two rows' paired differences for a claim; None where `difference` gives no number."""
    if one is None or other is None or difference(report, one, other, protocol).value is None:
        return None
    return paired_arms(*(_files(report, row, protocol) for row in (one, other)))


def _interval(arm: Arms) -> tuple[float, float] | None:
    """95 %, of the noise of seeds and sequences; None for one of either."""
    if min(arm[0].shape) < 2:
        return None
    found = paired_difference(*arm)
    return found.low, found.high


def _files(report: ReportInput, row: RowResults, protocol: str) -> tuple[Result, ...]:
    return row.evaluate.get(standing(report.manifest, protocol, row), ())
