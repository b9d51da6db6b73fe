"""Results that the repository keeps, beside the paper's Table 4; this run measured none of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev

from ttvos.publication.form import Published, Score
from ttvos.render.claims import BACKBONE, NOT_MEASURED, claims
from ttvos.render.comparisons import tick
from ttvos.render.paper import PAPER_FOLDER, read_paper
from ttvos.render.paper_lines import PAPER_COLUMNS, paper_accuracy, paper_cells
from ttvos.render.published_facts import facts
from ttvos.render.table import Cell, Column, Table
from ttvos.render.table4 import PARTS

SCORES = {"jf": "J&F", "j_mean": "J", "f_mean": "F"}


@dataclass(frozen=True)
class Section:
    """One folder of results-published on the page. claims: None where too little was trained."""

    published: Published
    table: Table
    claims: Table | None

    @property
    def tables(self) -> list[Table]:
        """Its tables, for the files beside the page."""
        return [self.table, *([self.claims] if self.claims else [])]

    @property
    def facts(self) -> list[tuple[str, str]]:
        """How it was measured: label and text."""
        return facts(self.published)


def sections(published: Iterable[Published], folder: Path = PAPER_FOLDER) -> list[Section]:
    """What the page shows of each folder. Claims compare experiments, so they need two of them."""
    found = []
    for one in published:
        compared = claims(one, folder) if len(_variants(one)) > 1 else None
        found.append(Section(one, scores(one, folder), compared))
    return found


def scores(published: Published, folder: Path = PAPER_FOLDER) -> Table:
    """Table 4's experiments with the paper's J&F and ours, then whatever else was scored.

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
        notes=_notes(published),
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
        row[f"{dataset}_jf"] = _over_seeds([line.jf for line in here])
        if here:
            row[f"{dataset}_j_mean"] = Cell(fmean(line.j_mean for line in here))
            row[f"{dataset}_f_mean"] = Cell(fmean(line.f_mean for line in here))
        seeds = [line.seed for line in here if line.seed is not None]
        row[f"{dataset}_seeds"] = Cell(str(len(seeds)) if seeds or not here else None)
    trainings = {line.seed: line for line in lines if line.seconds is not None}.values()
    if trainings:
        row["steps"] = Cell(fmean(line.steps for line in trainings))
        row["minutes"] = Cell(fmean(line.seconds / 60 for line in trainings))
    return row


def _over_seeds(values: list[float]) -> Cell:
    if not values:
        return Cell(reason=NOT_MEASURED)
    return Cell(fmean(values), stdev(values) if len(values) > 1 else None)


def _columns(published: Published) -> tuple[Column, ...]:
    columns = [Column("exp", "Experiment")]
    columns += [Column(key, label, "flag") for key, label in PARTS.items()]
    columns += PAPER_COLUMNS
    for name, dataset in published.record["datasets"].items():
        for key, label in SCORES.items():
            kind = "other" if key == "jf" else "extra"
            columns.append(Column(f"{name}_{key}", label, kind, dataset["label"]))
        columns.append(Column(f"{name}_seeds", "seeds", "count", dataset["label"]))
    columns.append(Column("steps", "steps", "extra", "training", 0))
    columns.append(Column("minutes", "minutes", "extra", "training"))
    return tuple(columns)


def _notes(published: Published) -> tuple[str, ...]:
    notes = []
    for dataset in published.record["datasets"].values():
        names = dataset["sequences"]
        scale = dataset["input_scale"]
        seen = "" if scale == 1 else f"; the network saw the frames at {scale:g} of their size"
        what = f"{len(names)} sequences of {dataset['split']}, {dataset['year']}"
        notes.append(f"{dataset['label']}: {what} ({', '.join(names)}){seen}.")
    notes += _selection_notes(published)
    codes = {training["code"] for training in published.record["trainings"]}
    if len(codes) > 1:
        notes.append(f"The runs were trained with {len(codes)} versions of the training code.")
    if missing := published.record["missing"]:
        notes.append(f"Not there yet when this was collected: {len(missing)} result files.")
    return tuple(notes)


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
