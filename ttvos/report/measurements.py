"""Tables of what was measured here, with no number of the paper's beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ttvos.plan.manifest import data_label
from ttvos.report import quantities as q
from ttvos.report import trained as seeds
from ttvos.report.inputs import Accuracy, ReportInput
from ttvos.report.intervals import MEANS
from ttvos.report.results import Measured, Result, measure
from ttvos.report.same_sequences import sequence_notes
from ttvos.report.table import Cell, Column, Table
from ttvos.report.trained import selection_cautions, selection_notes, way
from ttvos.report.untrained import RULE, untrained

STILL = "still"  # name of the reference that every accuracy is set against

SCORES = {
    "jf": ("J&F-Mean", "J&F", "mean"),
    "j": ("J-Mean", "J mean", "region similarity J"),
    "j_recall": ("J-Recall", "J recall", "region similarity J"),
    "j_decay": ("J-Decay", "J decay", "region similarity J"),
    "f": ("F-Mean", "F mean", "contour accuracy F"),
    "f_recall": ("F-Recall", "F recall", "contour accuracy F"),
    "f_decay": ("F-Decay", "F decay", "contour accuracy F"),
}


def summary(report: ReportInput) -> Table:
    """Accuracy of every row, reference and foreign mask folder on this run's data."""
    rows, sources = [], []
    for dataset in report.manifest.datasets:
        still = still_score(report, dataset)
        for kind, items in _kinds(report):
            for item in items:
                results = item.evaluate.get(dataset, ())
                if not results:
                    continue
                sources += [result.name for result in results]
                row = {"dataset": Cell(dataset), "kind": Cell(kind), "entry": Cell(item.label)}
                row |= _scores(item, results, still)
                row["runs"] = Cell(str(len(results)))
                rows.append(row)
    columns = [Column("entry", "Entry"), Column("dataset", "Protocol")]
    columns += [
        Column(key, label, "extra", "" if group == "mean" else group, interval=score in MEANS)
        for key, (score, label, group) in SCORES.items()
    ]
    columns.insert(3, Column("gain", "over held still", "extra"))
    columns += [Column("runs", "Runs"), Column("kind", "Kind")]
    table = own_table(
        report,
        "summary",
        f"Accuracy on {data_label(report.manifest)}",
        "Points (0 to 100) of the DAVIS semi-supervised protocol, mean over objects; "
        "decay: first minus last quarter of a clip, smaller is better; ±: sample standard "
        "deviation over the runs, where there are several.",
        columns,
        rows,
        sources,
    )
    notes = [
        *sequence_notes(report, report.manifest.datasets),
        *selection_cautions(report, report.rows),
        seeds.NOTE,
    ]
    notes += [RULE] if any(untrained(row) for row in report.rows) else []
    return replace(table, sections="dataset", notes=tuple(notes))


def _scores(item: Accuracy, results: tuple[Result, ...], still: Measured | None) -> dict[str, Cell]:
    """An entry's scores on one dataset, and its gain; of an untrained row only that it is one."""
    if why := untrained(item):
        return {"jf": Cell(reason=why)}
    cells = {
        key: q.measured_cell(q.measure_score(results, name)) for key, (name, _, _) in SCORES.items()
    }
    return cells | {"gain": Cell() if item.name == STILL else _gain(cells["jf"], still)}


def still_score(report: ReportInput, dataset: str) -> Measured | None:
    """J&F of the first mask held still, in points."""
    for item in report.references:
        if item.name == STILL:
            return measure(item.evaluate.get(dataset, ()), q.score("J&F-Mean"))
    return None


def _kinds(report: ReportInput) -> Sequence[tuple[str, Sequence[Accuracy]]]:
    return (
        ("model", report.rows),
        ("reference", report.references),
        ("foreign masks", report.masks),
        ("published masks", report.published),
        ("peer, authors' weights", report.peers),
    )


def _gain(score: Cell, still: Measured | None) -> Cell:
    """Distance from the mask held still, which is one number: the spread is the score's."""
    if score.value is None or still is None or still.mean is None:
        return Cell()
    return Cell(float(score.value) - still.mean, score.spread)


def training(report: ReportInput) -> Table:
    """Steps, wall time, last losses and selected step of every training run."""
    rows, sources = [], []
    for item in report.rows:
        for result in item.train:
            sources.append(result.name)
            row = {"entry": Cell(item.label), "seed": Cell(str(result.data.get("seed", "–")))}
            row["weights"] = Cell(way(result))
            for extra in TRAINING_EXTRAS:
                row[extra.key] = q.measured_cell(measure((result,), extra.take))
            rows.append(row)
    columns = [Column("entry", "Entry"), Column("seed", "Seed")]
    columns += [Column(e.key, e.label, "extra", digits=e.digits) for e in TRAINING_EXTRAS]
    columns.insert(2, Column("weights", "Weights kept"))
    table = own_table(
        report,
        "training",
        "Training runs",
        "Wall time includes waiting for data. Last loss: sum of all terms, mean over the last "
        "steps of the last stage; experiments have different terms.",
        columns,
        rows,
        sources,
    )
    return replace(table, notes=tuple(selection_notes(report.rows)))


@dataclass(frozen=True)
class TrainingExtra:
    """A column from train.json."""

    key: str
    label: str
    digits: int
    take: q.Getter


def selected(data: dict[str, Any], step: str, key: str) -> float | None:
    """What a selection by scores says of the "chosen" or "last" step; None where none was made."""
    selection = data.get("selection")
    if selection is None or selection["by"] == "last":
        return None
    return selection[step][key]


TRAINING_EXTRAS = (
    TrainingExtra("stages", "stages", 0, lambda data: len(data["stages"])),
    TrainingExtra("steps", "steps", 0, lambda data: data["steps"]),
    TrainingExtra("seconds", "seconds", 0, lambda data: data["seconds"]),
    TrainingExtra("last_loss", "last loss", 3, lambda data: data["stages"][-1]["losses"]["total"]),
    TrainingExtra("kept_step", "kept step", 0, lambda data: selected(data, "chosen", "step")),
    TrainingExtra(
        "kept_jf", "J&F of the kept step", 1, lambda data: 100 * selected(data, "chosen", "J&F")
    ),
    TrainingExtra(
        "last_jf", "J&F of the last step", 1, lambda data: 100 * selected(data, "last", "J&F")
    ),
)


def own_table(
    report: ReportInput,
    name: str,
    title: str,
    caption: str,
    columns: list[Column],
    rows: list[dict[str, Cell]],
    sources: list[str],
) -> Table:
    """A table without the paper's numbers beside its own."""
    return Table(
        name=name,
        title=title,
        caption=caption,
        columns=tuple(columns),
        rows=tuple(rows),
        profile=report.manifest.profile,
        caution=report.manifest.caution,
        sources=tuple(dict.fromkeys(sources)),
    )
