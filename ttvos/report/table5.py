"""Table 5: what the transition loss adds to another method, FRTM-VOS."""

from dataclasses import replace

from ttvos.evaluation.compare import RULE, judge_claims
from ttvos.plan.manifest import data_label
from ttvos.report import quantities as q
from ttvos.report.accuracy_notes import accuracy_notes
from ttvos.report.comparisons import Comparison, tick
from ttvos.report.inputs import ReportInput, RowResults
from ttvos.report.own_rows import own_rows, with_own_rows
from ttvos.report.paper import BACKBONES, read_paper
from ttvos.report.table import Cell, Column, Table
from ttvos.report.trained import SEEDS, arms, difference

QUANTITIES = {"davis17": q.DAVIS17, "davis16": q.DAVIS16}
ADDED = "what the loss adds"


def _find(report: ReportInput, printed: dict[str, str]) -> RowResults | None:
    backbone, loss = BACKBONES[printed["backbone"]], printed["transition_loss"] == "1"
    for row in report.rows:
        is_meant = row.entry.backbone == backbone and row.entry.transition_loss is loss
        if is_meant and row.entry.tracker == "frtm" and 5 in row.entry.tables:
            return row
    return None


def _with_differences(report: ReportInput, table: Table) -> Table:
    """Three columns a dataset, filled in the rows with the loss: the paper's difference, ours, and
    whether the loss is shown to be better; all of these claims are one family.

    Rows that the paper lacks stand below.
    """
    lines = read_paper("table5")
    without = {line["backbone"]: line for line in lines if line["transition_loss"] == "0"}
    rows, compared = list(table.rows), []
    for index, line in enumerate(lines):
        if line["transition_loss"] == "1":
            base = without[line["backbone"]]
            pair = (_find(report, line), _find(report, base))
            for dataset, quantity in QUANTITIES.items():
                paper = float(line[quantity.key]) - float(base[quantity.key])
                ours = difference(report, *pair, dataset)
                rows[index] |= {f"{dataset}_added_paper": Cell(paper), f"{dataset}_added": ours}
                compared.append((index, dataset, arms(report, *pair, dataset)))
    tested = judge_claims([arm for _, _, arm in compared])
    for (index, dataset, _), found in zip(compared, tested, strict=True):
        rows[index] |= {f"{dataset}_added_verdict": Cell(found.verdict, reason=found.reason)}
    where = data_label(report.manifest)
    columns = [*table.columns]
    for dataset in QUANTITIES:
        name = dataset.upper()
        columns += [
            Column(f"{dataset}_added_paper", f"{name}, paper", "paper", ADDED, signed=True),
            Column(
                f"{dataset}_added", f"{name}, {where}", "other", ADDED, signed=True, interval=True
            ),
            Column(f"{dataset}_added_verdict", f"{name}, is it better?", "finding", ADDED),
        ]
    taken = [_find(report, line) for line in lines]
    own = own_rows(report, 5, taken)
    notes = [RULE, *accuracy_notes(report, [*taken, *own])]
    table = replace(table, rows=tuple(rows), columns=tuple(columns), notes=(*table.notes, *notes))
    return with_own_rows(report, table, own, QUANTITIES.values(), (SEEDS,), _named)


def _named(row: RowResults) -> dict[str, Cell]:
    loss = row.entry.transition_loss
    flag = {} if loss is None else {"transition_loss": tick(str(int(loss)))}
    return {"method": Cell(row.label), "backbone": Cell(row.entry.backbone)} | flag


TABLE5 = Comparison(
    5,
    "the transition loss in another method",
    "FRTM-VOS with and without the transition loss, trained here. What the loss adds: J&F with it "
    "minus J&F without, with the same backbone; ours over the seeds that both have.",
    {"method": "Method", "backbone": "Backbone"},
    {"transition_loss": "TM loss"},
    (q.DAVIS17, q.DAVIS16),
    _find,
    (SEEDS,),
    extend=_with_differences,
)
