"""Results that the repository keeps, beside the paper's Table 4; this run measured none of them.

How published results were measured, in lines for the page.

What must be known to read a table of results that the repository keeps.

Scores by sequence of results that the repository keeps.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from ttvos.core.errors import UserError
from ttvos.evaluation.compare import NOT_MEASURED
from ttvos.report.claims import BACKBONE, claims, claims_sentence
from ttvos.report.comparisons import tick
from ttvos.report.inputs import ReportInput
from ttvos.report.intervals import LEGEND, SequenceScores, detectable_note, interval
from ttvos.report.paper import PAPER_FOLDER, read_paper
from ttvos.report.paper_lines import PAPER_COLUMNS, paper_accuracy, paper_cells
from ttvos.report.publication.form import SEQUENCES, Published, Score, SequenceScore
from ttvos.report.recipe import (
    other_settings,
    stage_data,
    stage_extras,
    stage_length,
    stage_rate,
)
from ttvos.report.same_sequences import others_on_part
from ttvos.report.table import Cell, Column, Table
from ttvos.report.table4 import PARTS
from ttvos.report.trained import start, within

SCORES = {"jf": "J&F", "j_mean": "J", "f_mean": "F"}


@dataclass(frozen=True)
class Section:
    """One folder of results-published on the page.

    claims: None where too little was trained; claims_sentence: how they fell, "" for none.
    """

    published: Published
    table: Table
    claims: Table | None
    claims_sentence: str = ""

    @property
    def tables(self) -> list[Table]:
        """Its tables, for the files beside the page."""
        return [self.table, *([self.claims] if self.claims else [])]

    @property
    def facts(self) -> list[tuple[str, str]]:
        """How it was measured: label and text."""
        return facts(self.published)


def sections(
    published: Iterable[Published],
    folder: Path = PAPER_FOLDER,
    report: ReportInput | None = None,
) -> list[Section]:
    """What the page shows of each folder. Claims compare experiments, so they need two of them.

    report: the run whose page it is; masks that it scored on the same sequences stand beside.
    """
    found = []
    for one in published:
        has_claims = len(_variants(one)) > 1
        compared = claims(one, folder) if has_claims else None
        fell = claims_sentence(one, folder) if has_claims else ""
        found.append(Section(one, scores(one, folder, report), compared, fell))
    return found


def scores(
    published: Published, folder: Path = PAPER_FOLDER, report: ReportInput | None = None
) -> Table:
    """Tables 4's and 5's lines with the paper's J&F and ours, then whatever else was scored.

    An experiment that is not there is shown as not measured, unless there is only one: then the
    folder is no ablation, and holds the others for no reason.
    """
    measured = _variants(published)
    rows, shown = [], set()
    for printed in read_paper("table4", folder):
        variant = f"exp{printed['exp']}"
        if variant not in measured and len(measured) <= 1:
            continue
        lines = [line for line in _models(published) if line.variant == variant]
        shown |= {line.row for line in lines}
        row = {"exp": Cell(f"Exp {printed['exp']}")}
        row |= {key: tick(printed[key]) for key in PARTS}
        row |= paper_accuracy(printed)
        rows.append(row | _measured(published, lines))
    others = [line for line in published.scores if line.row not in shown]
    for name in dict.fromkeys(line.row for line in others):
        lines = [line for line in others if line.row == name]
        row = {"exp": Cell(lines[0].label)} | paper_cells(lines[0])
        rows.append(row | _measured(published, lines))
    return Table(
        name=f"published-{published.name}",
        title=f"Measured by us on {published.record['data_label']}",
        caption="J&F, J and F in points, mean over objects; over several seeds mean ± sample "
        "standard deviation (of J&F). The paper's numbers (its Tables 4 to 6) are for another "
        "training and for all sequences.",
        columns=_columns(published),
        rows=tuple(rows),
        profile=published.record["profile"],
        caution=published.record["caution"],
        notes=tuple(published_notes(published, report)),
    )


def _models(published: Published) -> list[Score]:
    """The lines that Table 4 has a place for."""
    return [s for s in published.scores if s.kind == "model" and s.backbone == BACKBONE]


def _variants(published: Published) -> set[str]:
    return {line.variant for line in _models(published)}


def _measured(published: Published, lines: list[Score]) -> dict[str, Cell]:
    """The cells of one row: over seeds on each dataset, and the training."""
    row: dict[str, Cell] = {}
    for dataset in published.record["datasets"]:
        here = [line for line in lines if line.dataset == dataset]
        for key in SCORES:
            row[f"{dataset}_{key}"] = _over_seeds(published, here, key)
        seeds = [line.seed for line in here if line.seed is not None]
        row[f"{dataset}_seeds"] = Cell(str(len(seeds)) if seeds or not here else None)
    trainings = {line.seed: line for line in lines if line.seconds is not None}.values()
    if trainings:
        row["steps"] = Cell(fmean(line.steps for line in trainings))
        row["minutes"] = Cell(fmean(line.seconds / 60 for line in trainings))
    return row


def _over_seeds(published: Published, lines: list[Score], key: str) -> Cell:
    """Mean over the seeds, of J&F with its spread, and its interval over the sequences."""
    if not lines:
        return Cell(reason=NOT_MEASURED) if key == "jf" else Cell()
    values = [getattr(line, key) for line in lines]
    spread = stdev(values) if key == "jf" and len(values) > 1 else None
    found = sequence_scores(published, lines[0].row, lines[0].dataset, key)
    return Cell(fmean(values), spread, interval=interval(found))


def _columns(published: Published) -> tuple[Column, ...]:
    columns = [Column("exp", "Experiment")]
    columns += [Column(key, label, "flag") for key, label in PARTS.items()]
    columns += PAPER_COLUMNS
    for name, dataset in published.record["datasets"].items():
        for key, label in SCORES.items():
            kind = "other" if key == "jf" else "extra"
            column = Column(f"{name}_{key}", label, kind, dataset["label"], interval=True)
            columns.append(column)
        columns.append(Column(f"{name}_seeds", "seeds", "count", dataset["label"]))
    columns.append(Column("steps", "steps", "extra", "training", 0))
    columns.append(Column("minutes", "minutes", "extra", "training"))
    return tuple(columns)


def facts(published: Published) -> list[tuple[str, str]]:
    """How it was measured, for the page: label and text."""
    record = published.record
    sources = [file["provenance"] for file in record["files"]]
    times = sorted(source["time"] for source in sources)
    trained = {(line.row, line.seed): line.seconds for line in published.scores if line.seconds}
    initials = [training["initial"] for training in record["trainings"]]
    lines = [
        ("Data profile", f"{record['profile']}. {record['caution']}"),
        ("Trained on", _distinct(line.device for line in published.scores)),
        ("All devices", _distinct(source["device"] for source in sources)),
        ("Precision", _distinct(source["precision"] for source in sources)),
        ("Commit", _distinct(source["commit"] for source in sources)),
        ("Source hash", _distinct(source["source"] for source in sources)),
        ("Measured between", f"{times[0]} and {times[-1]}"),
        ("Trainings", f"{len(trained)}, {sum(trained.values()) / 3600:.1f} hours in all"),
        ("Started from", _distinct(start(initial) for initial in initials)),
        ("Its backbone", _distinct(within(initial) for initial in initials)),
    ]
    for backbone, recipe in record["recipes"].items():
        lines += [
            (f"Stage {stage['name']}, {backbone}", _stage(stage)) for stage in recipe["stages"]
        ]
        text = "; ".join(f"{key} {value}" for key, value in other_settings(recipe))
        lines.append((f"Settings, {backbone}", text))
    return [(label, text) for label, text in lines if text]


def _distinct(values: Iterable[str | None]) -> str:
    return "; ".join(sorted({str(value) for value in values if value}))


def _stage(stage: dict[str, Any]) -> str:
    """A training stage in one line; what is at its default is left out."""
    size = f"{stage['frames']} frames of {stage['height']}×{stage['width']}"
    text = (
        f"{stage_length(stage)} of {stage['batch']} clips of {size}, learning rate "
        f"{stage_rate(stage)}, from {stage_data(stage)}"
    )
    extras = stage_extras(stage)
    return f"{text}; {extras}" if extras else text


def published_notes(published: Published, report: ReportInput | None) -> list[str]:
    """What was scored, what that can show, what others reach on it, and what is missing."""
    notes = [LEGEND] if published.sequences else []
    for dataset in published.record["datasets"].values():
        names = dataset["sequences"]
        scale = dataset["input_scale"]
        seen = "" if scale == 1 else f"; the network saw the frames at {scale:g} of their size"
        what = f"{len(names)} sequences of {dataset['split']}, {dataset['year']}"
        notes.append(f"{dataset['label']}: {what} ({', '.join(names)}){seen}.")
    notes += _sequence_notes(published, report)
    notes += _selection_notes(published)
    codes = {training["code"] for training in published.record["trainings"]}
    if len(codes) > 1:
        notes.append(f"The runs were trained with {len(codes)} versions of the training code.")
    if missing := published.record["missing"]:
        notes.append(f"Not there yet when this was collected: {len(missing)} result files.")
    return notes


def _sequence_notes(published: Published, report: ReportInput | None) -> list[str]:
    """What each dataset's sequences can show, and what others score on them in this run."""
    notes = []
    rows = dict.fromkeys(line.row for line in published.scores)
    for name, dataset in published.record["datasets"].items():
        label, names = dataset["label"], dataset["sequences"]
        found = [sequence_scores(published, row, name) for row in rows]
        notes.append(detectable_note(label, found))
        if report:
            notes.append(others_on_part(report, label, dataset["year"], names))
    return [note for note in notes if note]


def _selection_notes(published: Published) -> list[str]:
    """Datasets whose scores chose weights: they are no independent measurement."""
    chosen_on: set[str] = set()
    for training in published.record["trainings"]:
        chosen_on |= set((training["selection"]["data"] or {}).get("sequences", ()))
    return [
        f"{dataset['label']}: weights were selected on sequences of it, so its scores are no "
        "independent measurement."
        for dataset in published.record["datasets"].values()
        if chosen_on & set(dataset["sequences"])
    ]


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
