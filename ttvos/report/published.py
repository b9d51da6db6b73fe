"""Results that the repository keeps, beside the paper's numbers; this run measured none of them.

Their tables, and how they were measured, in lines for the page.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from ttvos.config.experiments import load_rows, load_variants
from ttvos.evaluation.compare import NOT_MEASURED
from ttvos.report.attributes import by_attribute
from ttvos.report.claims import claims
from ttvos.report.intervals import (
    LEGEND,
    detectable_note,
    interval,
    kept_sequences,
    others_on_part,
)
from ttvos.report.join import ReportInput
from ttvos.report.notes import start, trained_within
from ttvos.report.paper import BACKBONE, BACKBONES, FULL, plain, read_paper
from ttvos.report.paper_table import tick
from ttvos.report.publication.form import Published, Score
from ttvos.report.publication.site import site_notes
from ttvos.report.recipe import (
    other_settings,
    stage_data,
    stage_extras,
    stage_length,
    stage_rate,
)
from ttvos.report.table import Cell, Column, Table
from ttvos.report.table4 import PARTS, ticks

# The ending is one that no dataset's columns have, whatever the dataset is called.
PAPER_COLUMNS = (
    Column("davis17_jf_paper", "DAVIS17", "paper", "Paper, J&F"),
    Column("davis16_jf_paper", "DAVIS16", "paper", "Paper, J&F"),
)
SCORES = {"jf": "J&F", "j_mean": "J", "f_mean": "F"}
CAPTION = (
    "J&F, J and F in points, mean over objects; over several seeds mean ± sample standard "
    "deviation (of J&F)."
)
TRAINED = "The paper's numbers are for another training, and for all sequences."


@dataclass(frozen=True)
class Section:
    """One folder of results-published on the page.

    claims: None where too little was trained; claims_sentence: how they fell, "" for none.
    attributes: None where no sequence's attributes were known.
    """

    published: Published
    table: Table
    claims: Table | None = None
    claims_sentence: str = ""
    attributes: Table | None = None

    @property
    def tables(self) -> list[Table]:
        """Its tables, for the files beside the page."""
        return [table for table in (self.table, self.claims, self.attributes) if table]

    @property
    def facts(self) -> list[tuple[str, str]]:
        """How it was measured: label and text."""
        return facts(self.published)


def sections(published: Iterable[Published], report: ReportInput | None = None) -> list[Section]:
    """What the page shows of each folder.

    report: the run whose page it is; masks that it scored on the same sequences stand beside.
    """
    found = []
    for one in published:
        found.append(Section(one, scores(one, report), *claims(one), by_attribute(one)))
    return found


def scores(published: Published, report: ReportInput | None = None) -> Table:
    """Tables 4's and 5's lines with the paper's J&F and ours, then whatever else was scored.

    An experiment that is not there is shown as not measured, unless there is only one: then the
    folder is no ablation, and holds the others for no reason.
    """
    measured = _variants(published)
    rows, shown = [], set()
    for printed in read_paper("table4"):
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
        title=f"Kept: {_title(published)}",
        caption=" ".join([CAPTION, *([TRAINED] if _has_models(published) else [])]),
        columns=_columns(published),
        rows=tuple(rows),
        profile=published.record["profile"],
        caution=published.record["caution"],
        notes=tuple(published_notes(published, report)),
    )


def _title(published: Published) -> str:
    """The folder's own: two of one run have the same title but not the same name."""
    name, title = published.name, published.title
    return title if name in title else f"{title} ({name})"


def paper_accuracy(printed: dict[str, str]) -> dict[str, Cell]:
    """The paper's J&F of one of its lines, by the keys of `PAPER_COLUMNS`."""
    return {c.key: Cell(printed[c.key.removesuffix("_paper")] or None) for c in PAPER_COLUMNS}


def paper_cells(score: Score) -> dict[str, Cell]:
    """Ticks and the paper's J&F of a model outside Table 4; none of what the paper lacks."""
    if score.kind == "published":
        lines = (x for x in read_paper("table3") if plain(x["method"]) == plain(score.label))
        return next((paper_accuracy(line) for line in lines), {})
    if score.kind != "model":
        return {}
    row = load_rows().get(score.row)
    loss = row.transition_loss if row else None
    cells = ticks(load_variants().get(score.variant), loss)
    if score.variant == FULL:
        return cells | _printed("table6", {}, score.backbone)
    if row and row.tracker == "frtm":
        return cells | _printed("table5", {"transition_loss": str(int(bool(loss)))}, score.backbone)
    return cells


def _printed(table: str, wanted: dict[str, str], backbone: str) -> dict[str, Cell]:
    """The paper's J&F in the line of that backbone with the wanted values."""
    for line in read_paper(table):
        if BACKBONES[line["backbone"]] == backbone and wanted.items() <= line.items():
            return paper_accuracy(line)
    return {}


def _models(published: Published) -> list[Score]:
    """The lines that Table 4 has a place for."""
    return [s for s in published.scores if s.kind == "model" and s.backbone == BACKBONE]


def _has_models(published: Published) -> bool:
    return any(line.kind == "model" for line in published.scores)


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
    found = kept_sequences(published, lines[0].row, lines[0].dataset, key)
    return Cell(fmean(values), spread, interval=interval(found))


def _columns(published: Published) -> tuple[Column, ...]:
    has_models = _has_models(published)
    columns = [Column("exp", "Experiment" if has_models else "Method")]
    columns += [Column(key, label, "flag") for key, label in PARTS.items()] * has_models
    columns += PAPER_COLUMNS
    for name, dataset in published.record["datasets"].items():
        for key, label in SCORES.items():
            kind = "other" if key == "jf" and has_models else "extra"
            column = Column(f"{name}_{key}", label, kind, dataset["label"], interval=True)
            columns.append(column)
        columns.append(Column(f"{name}_seeds", "seeds", "count", dataset["label"]))
    columns.append(Column("steps", "steps", "extra", "training", 0))
    columns.append(Column("minutes", "minutes", "extra", "training"))
    return tuple(columns)


def facts(published: Published) -> list[tuple[str, str]]:
    """How it was measured, for the page: label and text."""
    record = published.record
    sources = published.origins
    times = sorted(source["time"] for source in sources)
    trained = {(line.row, line.seed): line.seconds for line in published.scores if line.seconds}
    hours = sum(trained.values()) / 3600
    initials = [training["initial"] for training in record["trainings"]]
    lines = [
        ("Run", f"{record['profile']}. {record['caution']}"),
        ("Trained on", _distinct(line.device for line in published.scores)),
        ("All devices", published.devices),
        ("Precision", _distinct(source["precision"] for source in sources)),
        ("Commit", _distinct(source["commit"] for source in sources)),
        ("Source hash", _distinct(source["source"] for source in sources)),
        ("Measured between", f"{times[0]} and {times[-1]}"),
        ("Trainings", f"{len(trained)}, {hours:.1f} hours in all" if trained else ""),
        ("Started from", _distinct(start(initial) for initial in initials)),
        ("Its backbone", _distinct(trained_within(initial) for initial in initials)),
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
    if without := published.record.get("without_masks"):
        notes.append(f"Not there, because no masks were found: {', '.join(without)}.")
    for row, reasons in published.record.get("not_scored", {}).items():
        notes += [f"Not scored: {row}, {name}: {reason}." for name, reason in reasons.items()]
    notes += site_notes(published)
    if missing := published.record["missing"]:
        notes.append(f"Not there yet when this was collected: {len(missing)} result files.")
    return notes


def _sequence_notes(published: Published, report: ReportInput | None) -> list[str]:
    """What each dataset's sequences can show, and what others score on them in this run."""
    notes = []
    rows = dict.fromkeys(line.row for line in published.scores)
    for name, dataset in published.record["datasets"].items():
        label, names = dataset["label"], dataset["sequences"]
        found = [kept_sequences(published, row, name) for row in rows]
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
