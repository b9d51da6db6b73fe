"""Results that the repository keeps, beside the paper's Table 4; this run measured none of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev

from ttvos.compare import NOT_MEASURED
from ttvos.publication.form import Published, Score
from ttvos.render.claims import BACKBONE, claims, claims_sentence
from ttvos.render.comparisons import tick
from ttvos.render.inputs import ReportInput
from ttvos.render.intervals import interval
from ttvos.render.paper import PAPER_FOLDER, read_paper
from ttvos.render.paper_lines import PAPER_COLUMNS, paper_accuracy, paper_cells
from ttvos.render.published_facts import facts
from ttvos.render.published_notes import published_notes
from ttvos.render.published_sequences import sequence_scores
from ttvos.render.table import Cell, Column, Table
from ttvos.render.table4 import PARTS

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
