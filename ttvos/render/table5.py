"""Table 5: what the transition loss adds to another method, FRTM-VOS."""

from dataclasses import replace
from statistics import fmean, stdev

from ttvos.render import quantities as q
from ttvos.render.comparisons import Comparison
from ttvos.render.inputs import Accuracy, ReportInput, RowResults
from ttvos.render.manifest import data_label
from ttvos.render.paper import BACKBONES, read_paper
from ttvos.render.table import Cell, Column, Table

QUANTITIES = {"davis17": q.DAVIS17, "davis16": q.DAVIS16}
ADDED = "what the loss adds"


def _find(report: ReportInput, printed: dict[str, str]) -> RowResults | None:
    backbone, loss = BACKBONES[printed["backbone"]], printed["transition_loss"] == "1"
    for row in report.rows:
        is_meant = row.entry.backbone == backbone and row.entry.transition_loss is loss
        if is_meant and 5 in row.entry.tables:
            return row
    return None


def added(with_loss: Accuracy | None, without: Accuracy | None, dataset: str) -> Cell:
    """J&F with the loss minus without, in points, paired over the seeds that both have."""
    one, other = (q.take_scores(e, dataset) if e else {} for e in (with_loss, without))
    differences = [one[seed] - other[seed] for seed in one if seed in other]
    if not differences:
        return Cell()
    return Cell(fmean(differences), stdev(differences) if len(differences) > 1 else None)


def _with_differences(report: ReportInput, table: Table) -> Table:
    """Two columns a dataset, filled in the rows with the loss: the paper's difference and ours."""
    lines = read_paper("table5")
    without = {line["backbone"]: line for line in lines if line["transition_loss"] == "0"}
    rows = []
    for line, row in zip(lines, table.rows, strict=True):
        if line["transition_loss"] == "1":
            base = without[line["backbone"]]
            for dataset, quantity in QUANTITIES.items():
                paper = float(line[quantity.key]) - float(base[quantity.key])
                ours = added(_find(report, line), _find(report, base), dataset)
                row = row | {f"{dataset}_added_paper": Cell(paper), f"{dataset}_added": ours}
        rows.append(row)
    where = data_label(report.manifest)
    columns = [*table.columns]
    for dataset in QUANTITIES:
        name = dataset.upper()
        columns += [
            Column(f"{dataset}_added_paper", f"{name}, paper", "paper", ADDED, signed=True),
            Column(f"{dataset}_added", f"{name}, {where}", "other", ADDED, signed=True),
        ]
    return replace(table, rows=tuple(rows), columns=tuple(columns))


TABLE5 = Comparison(
    5,
    "the transition loss in another method",
    "FRTM-VOS with and without the transition loss, trained here. What the loss adds: J&F with it "
    "minus J&F without, with the same backbone; ours paired over the seeds.",
    {"method": "Method", "backbone": "Backbone"},
    {"transition_loss": "TM loss"},
    (q.DAVIS17, q.DAVIS16),
    _find,
    (q.RUNS,),
    extend=_with_differences,
)
