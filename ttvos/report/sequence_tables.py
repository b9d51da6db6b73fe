"""J&F of everything that was scored, sequence by sequence: where two methods differ."""

from statistics import fmean, stdev

from ttvos.core.text import counted
from ttvos.report import quantities as q
from ttvos.report.intervals import SequenceScores, by_seed, over_seeds
from ttvos.report.join import ReportInput
from ttvos.report.measurements import kinds
from ttvos.report.results import Entry, File
from ttvos.report.table import Cell, Column, Table
from ttvos.report.verdicts import untrained, untrained_notes

PREFIX = "sequences-"  # of the tables' names, before the dataset's
TOTAL = Column("jf", "J&F", "extra", interval=True)
Scored = dict[str, Cell]  # J&F of an entry by sequence


def sequences(report: ReportInput) -> list[Table]:
    """A table for each dataset of the run."""
    return [_of_dataset(report, dataset) for dataset in report.manifest.datasets]


def _of_dataset(report: ReportInput, dataset: str) -> Table:
    """Rows are what was scored, columns the sequences, the hardest first."""
    rows, sources = [], []
    scored: list[Scored] = []
    for kind, item in kinds(report):
        results = item.evaluate.get(dataset, ())
        cells = {} if untrained(item) else _scores(results)
        if cells:
            sources += results
            scored.append(cells)
            texts = {"entry": Cell(item.label), "kind": Cell(kind), "jf": _mean(item, dataset)}
            rows.append(texts | {_key(name): cell for name, cell in cells.items()})
    names = by_difficulty(scored)
    heads = [Column(_key(name), name, "extra", "J&F by sequence") for name in names]
    return report.table(
        [Column("entry", "Entry"), Column("kind", "Kind"), TOTAL, *heads],
        rows,
        sources,
        name=PREFIX + dataset,
        title=f"J&F by sequence: {dataset}",
        caption=f"Points (0 to 100), mean over a sequence's objects; ±: sample standard deviation "
        f"over the runs, where there are several. {counted(len(names), 'sequence')}, hardest first "
        "by the mean over the lines. J&F in all is the mean over the objects of all sequences.",
        notes=tuple(untrained_notes(report.rows)),
    )


def by_difficulty(scored: list[Scored]) -> list[str]:
    """Names of the sequences, those with the lowest mean over all entries first."""
    names = dict.fromkeys(name for cells in scored for name in cells)
    mean = {name: fmean(cells[name].value for cells in scored if name in cells) for name in names}
    return sorted(names, key=lambda name: (mean[name], name))


def _key(sequence: str) -> str:
    return f"{sequence}_jf"


def _mean(item: Entry, dataset: str) -> Cell:
    return q.measured_cell(q.measure_score(item.evaluate[dataset]))


def _scores(results: tuple[File, ...]) -> Scored:
    """Mean and spread over the seeds, by sequence; nothing where a file hides its origin."""
    if not all(result.provenance for result in results):
        return {}
    seeds: list[SequenceScores] = list(by_seed(results).values())
    mean = over_seeds({str(index): scores for index, scores in enumerate(seeds)})
    if mean is None:
        return {}
    columns = zip(*(scores.scores for scores in seeds), strict=True)
    spreads = [stdev(values) if len(values) > 1 else None for values in columns]
    return {
        name: Cell(score, spread)
        for name, score, spread in zip(mean.names, mean.scores, spreads, strict=True)
    }
