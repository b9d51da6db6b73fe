"""The seeds behind a row's numbers: how many, and differences between rows paired by seed."""

from statistics import fmean, stdev

from ttvos.compare import Arms
from ttvos.evaluation.statistics import paired_difference
from ttvos.render.inputs import Accuracy, ReportInput, RowResults
from ttvos.render.intervals import paired_arms
from ttvos.render.quantities import Extra, score
from ttvos.render.results import Measured, Result, measure
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


def difference(
    report: ReportInput, one: RowResults | None, other: RowResults | None, protocol: str
) -> Cell:
    """J&F of one row minus another's, in points, paired by seed and, in its interval, by sequence.

    Nothing where either was not scored; a reason where either is untrained, a file does not say
    where it comes from, or no seed is shared. One seed has no spread, and no interval.
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
    first, second = (
        dict(zip((source.seed for source in found.sources), found.values, strict=True))
        for found in measured
    )
    shared = sorted(first.keys() & second.keys())
    if not shared:
        return Cell(reason="no seed in common")
    found = [first[seed] - second[seed] for seed in shared]
    spread = stdev(found) if len(found) > 1 else None
    return Cell(fmean(found), spread, interval=_interval(paired_arms(*files)))


def arms(
    report: ReportInput, one: RowResults | None, other: RowResults | None, protocol: str
) -> Arms | None:
    """Two rows' paired differences for a claim; None where `difference` gives no number."""
    if one is None or other is None or difference(report, one, other, protocol).value is None:
        return None
    return paired_arms(*(_files(report, row, protocol) for row in (one, other)))


def _interval(arm: Arms | None) -> tuple[float, float] | None:
    """95 %, of the noise of seeds and sequences; None for one of either."""
    if arm is None or min(arm[0].shape) < 2:
        return None
    found = paired_difference(*arm)
    return found.low, found.high


def _files(report: ReportInput, row: RowResults, protocol: str) -> tuple[Result, ...]:
    return row.evaluate.get(standing(report.manifest, protocol, row), ())
