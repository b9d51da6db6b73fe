"""The seeds behind a row's numbers: how many, and differences between rows paired by seed."""

from statistics import fmean, stdev

from ttvos.render.inputs import Accuracy, ReportInput, RowResults
from ttvos.render.quantities import Extra
from ttvos.render.results import Measured
from ttvos.render.standing import standing
from ttvos.render.table import Cell
from ttvos.render.untrained import untrained

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


def scores_by_seed(report: ReportInput, row: RowResults, protocol: str) -> dict[int, float]:
    """J&F in points of each seed on the dataset that stands for "davis16" or "davis17".

    Seeds whose file does not say where it comes from are left out.
    """
    dataset = standing(report.manifest, protocol, row)
    files = dict(zip(row.entry.evaluate.get(dataset, ()), row.entry.seeds, strict=False))
    return {
        files[result.name]: 100 * result.data["global"]["J&F-Mean"]
        for result in row.evaluate.get(dataset, ())
        if result.provenance and result.name in files
    }


def difference(
    report: ReportInput, one: RowResults | None, other: RowResults | None, protocol: str
) -> Cell:
    """J&F of one row minus another's, in points, over the seeds that both have; with its spread.

    Nothing where either was not scored; a reason where either is untrained or no seed is shared.
    """
    if one is None or other is None:
        return Cell()
    if why := untrained(one) or untrained(other):
        return Cell(reason=why)
    first, second = (scores_by_seed(report, row, protocol) for row in (one, other))
    if not (first and second):
        return Cell()
    shared = sorted(first.keys() & second.keys())
    if not shared:
        return Cell(reason="no seed in common")
    found = [first[seed] - second[seed] for seed in shared]
    return Cell(fmean(found), stdev(found) if len(found) > 1 else None)
