"""The first screen: what was measured, on what, and with which scores."""

from dataclasses import dataclass

from ttvos.report import quantities as q
from ttvos.report.intervals import peers_on_the_part
from ttvos.report.join import ReportInput
from ttvos.report.measurements import STILL, still_score
from ttvos.report.results import Entry

MAIN_ROW = "exp8-hrnet"  # the paper's model


@dataclass(frozen=True)
class Score:
    """A line of the first screen. jf: J&F in points; gain: over the mask held still.

    interval: 95 %, over the sequences.
    """

    label: str
    jf: float
    gain: float | None
    spread: float | None = None
    main: bool = False
    interval: tuple[float, float] | None = None


@dataclass(frozen=True)
class DataFacts:
    """One dataset: how much of it was scored, and the scores that matter most.

    label: its own words for the heading; "" where the data have one label for all. others: what
    others score on the same part of a validation set, in a sentence, or None.
    """

    name: str
    label: str
    year: int
    split: str
    sequences: int
    objects: int
    scores: tuple[Score, ...]
    others: str | None = None


def data_facts(report: ReportInput) -> list[DataFacts]:
    """The datasets of this run that anything was scored on."""
    found = []
    for name, entry in report.manifest.datasets.items():
        items = [*report.rows, *report.references, *report.masks]
        results = [result for item in items for result in item.evaluate.get(name, ())]
        if results:
            objects = max(len(result.record.objects) for result in results)
            count = max(len(result.record.sequences()) for result in results)
            scores = _scores(report, name)
            found.append(
                DataFacts(
                    name,
                    entry.label,
                    entry.year,
                    entry.split,
                    count,
                    objects,
                    scores,
                    peers_on_the_part(report, name),
                )
            )
    return found


def _scores(report: ReportInput, dataset: str) -> tuple[Score, ...]:
    """The main row (else the best one), the references and foreign masks; best first."""
    rows = [row for row in report.rows if row.name == MAIN_ROW] or list(report.rows[:1])
    scores = []
    for item in (*rows, *report.references, *report.masks):
        if score := _score(report, item, dataset, main=item in rows):
            scores.append(score)
    return tuple(sorted(scores, key=lambda score: -score.jf))


def _score(report: ReportInput, item: Entry, dataset: str, main: bool) -> Score | None:
    measured = q.measure_score(item.evaluate.get(dataset, ()))
    if measured is None or measured.mean is None:
        return None
    still = still_score(report, dataset)
    gain = None
    if item.name != STILL and still is not None and still.mean is not None:
        gain = measured.mean - still.mean
    return Score(item.label, measured.mean, gain, measured.spread, main, measured.interval)
