"""Tables of what was measured here, with no number of the paper's beside it."""

from collections.abc import Sequence

from ttvos.plan.manifest import data_label
from ttvos.records.schema import Scoring, Training
from ttvos.report import quantities as q
from ttvos.report.intervals import MEANS, sequence_notes
from ttvos.report.join import ReportInput
from ttvos.report.notes import SEED_NOTE, selected_on, selection_cautions, selection_notes
from ttvos.report.quantities import Extra
from ttvos.report.results import Entry, File, Getter, Measured, measure
from ttvos.report.table import Cell, Column, Table
from ttvos.report.verdicts import untrained, untrained_notes

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
        for kind, item in kinds(report):
            results = item.evaluate.get(dataset, ())
            if results or (dataset in item.evaluate and untrained(item)):
                sources += results
                row = {"dataset": Cell(dataset), "kind": Cell(kind), "entry": Cell(item.label)}
                row |= _scores(item, results, still) | {"runs": Cell(str(len(results)))}
                rows.append(row)
    notes = [
        *sequence_notes(report, report.manifest.datasets),
        *selection_cautions(report, report.rows),
        SEED_NOTE,
    ]
    return report.table(
        _columns(),
        rows,
        sources,
        name="summary",
        title=f"Accuracy on {data_label(report.manifest)}",
        caption="Points (0 to 100) of the DAVIS semi-supervised protocol, mean over objects; "
        "decay: first minus last quarter of a clip, smaller is better; ±: sample standard "
        "deviation over the runs, where there are several.",
        sections="dataset",
        notes=(*notes, *untrained_notes(report.rows)),
    )


def _columns() -> list[Column]:
    scores = [
        Column(key, label, "extra", "" if group == "mean" else group, interval=score in MEANS)
        for key, (score, label, group) in SCORES.items()
    ]
    return [
        *(Column("entry", "Entry"), Column("dataset", "Protocol")),
        *(scores[0], Column("gain", "over held still", "extra"), *scores[1:]),
        *(Column("runs", "Runs"), Column("kind", "Kind")),
    ]


def _scores(item: Entry, results: tuple[File, ...], still: Measured | None) -> dict[str, Cell]:
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
            return measure(item.evaluate.get(dataset, ()), q.points("J&F-Mean"))
    return None


def kinds(report: ReportInput) -> Sequence[tuple[str, Entry]]:
    """Whatever may have been scored, with what it is."""
    groups = {
        "model": report.rows,
        "reference": report.references,
        "foreign masks": report.masks,
        "published masks": report.published,
        "peer, authors' weights": report.peers,
    }
    return [(kind, item) for kind, items in groups.items() for item in items]


def _gain(score: Cell, still: Measured | None) -> Cell:
    """Distance from the mask held still, which is one number: the spread is the score's."""
    if score.value is None or still is None or still.mean is None:
        return Cell()
    return Cell(float(score.value) - still.mean, score.spread)


def training(report: ReportInput) -> Table:
    """Steps, wall time, last losses and selected step of every training run."""
    trained = [(item, result) for item in report.rows for result in item.train]
    rows = []
    for item, result in trained:
        row = {"entry": Cell(item.label), "seed": Cell(str(result.record.seed))}
        row["weights"] = Cell(selected_on(result))
        for extra in TRAINING:
            row |= extra.cell(result)
        rows.append(row)
    texts = {"entry": "Entry", "seed": "Seed", "weights": "Weights kept"}
    return report.table(
        [*(Column(*text) for text in texts.items()), *(extra.column for extra in TRAINING)],
        rows,
        [result for _, result in trained],
        name="training",
        title="Training runs",
        caption="Wall time includes waiting for data. Last loss: sum of all terms, mean over the "
        "last steps of the last stage; experiments have different terms.",
        notes=tuple(selection_notes(report.rows)),
    )


def _scored(training: Training, which: str) -> Scoring | None:
    """Scores of the weights after the "chosen" or "last" step; None where no step was scored."""
    selection = training.selection
    return getattr(selection, which) if selection and selection.by != "last" else None


def _jf(training: Training, which: str) -> float | None:
    return 100 * scored.jf if (scored := _scored(training, which)) else None


def _kept_step(training: Training) -> float | None:
    return scored.step if (scored := _scored(training, "chosen")) else None


def _from_training(key: str, label: str, digits: int, getter: Getter) -> Extra:
    """A column from train.json."""
    return Extra(key, label, digits, lambda result: measure((result,), getter), "")


TRAINING = (
    _from_training("stages", "stages", 0, lambda training: len(training.stages)),
    _from_training("steps", "steps", 0, lambda training: training.steps),
    _from_training("seconds", "seconds", 0, lambda training: training.seconds),
    _from_training("last_loss", "last loss", 3, lambda t: t.stages[-1].losses["total"]),
    _from_training("kept_step", "kept step", 0, _kept_step),
    _from_training("kept_jf", "J&F of the kept step", 1, lambda t: _jf(t, "chosen")),
    _from_training("last_jf", "J&F of the last step", 1, lambda t: _jf(t, "last")),
)
