"""Table 5: what the transition loss adds to another method, FRTM-VOS."""

from typing import ClassVar

from ttvos.evaluation.compare import RULE, judge_claims
from ttvos.plan.manifest import data_label
from ttvos.report import quantities as q
from ttvos.report.join import ReportInput
from ttvos.report.paper_table import PaperTable, difference, tick
from ttvos.report.results import RowResults
from ttvos.report.table import Cell, Column

PROTOCOLS = {"davis17": q.DAVIS17, "davis16": q.DAVIS16}
ADDED = "what the loss adds"


class Table5(PaperTable):
    """Three more columns a dataset, filled in the rows with the loss: the paper's difference, ours,
    and whether the loss is shown to be better; all of these claims are one family.
    """

    number = 5
    title = "the transition loss in another method"
    caption = (
        "FRTM-VOS with and without the transition loss, trained here. What the loss adds: J&F with "
        "it minus J&F without, with the same backbone; ours over the seeds that both have."
    )
    texts: ClassVar = {"method": "Method", "backbone": "Backbone"}
    flags: ClassVar = {"transition_loss": "TM loss"}
    quantities = (q.DAVIS17, q.DAVIS16)
    extras = (q.SEEDS,)
    remarks = (RULE,)

    def columns(self, report: ReportInput) -> list[Column]:
        """See `PaperTable.columns`."""
        where, columns = data_label(report.manifest), super().columns(report)
        for p in PROTOCOLS:
            name, more = p.upper(), {"signed": True}
            columns += [
                Column(f"{p}_added_paper", f"{name}, paper", "paper", ADDED, **more),
                Column(f"{p}_added", f"{name}, {where}", "other", ADDED, **more, interval=True),
                Column(f"{p}_added_verdict", f"{name}, is it better?", "finding", ADDED),
            ]
        return columns

    def line_rows(self, report: ReportInput) -> list[dict[str, Cell]]:
        """See `PaperTable.line_rows`."""
        rows, lines = super().line_rows(report), report.lines[self.number]
        without = {x.printed["backbone"]: x for x in lines if x.printed["transition_loss"] == "0"}
        claims = []
        for row, line in zip(rows, lines, strict=True):
            if line.printed["transition_loss"] == "1":
                base = without[line.printed["backbone"]]
                for p, quantity in PROTOCOLS.items():
                    paper = float(line.printed[quantity.key]) - float(base.printed[quantity.key])
                    ours, arms = difference(report, line.entry, base.entry, p)
                    row |= {f"{p}_added_paper": Cell(paper), f"{p}_added": ours}
                    claims.append((row, p, arms))
        tested = judge_claims([arms for _, _, arms in claims])
        for (row, p, _), found in zip(claims, tested, strict=True):
            row[f"{p}_added_verdict"] = Cell(found.verdict, reason=found.reason)
        return rows

    def own_cells(self, report: ReportInput, entry: RowResults) -> dict[str, Cell]:
        """See `PaperTable.own_cells`."""
        loss = entry.entry.transition_loss
        flag = {} if loss is None else {"transition_loss": tick(loss)}
        return {"method": Cell(entry.label), "backbone": Cell(entry.entry.backbone)} | flag


TABLE5 = Table5()
