"""The ledger as a table: where paper, release and public record disagree."""

from ttvos.report.join import ReportInput
from ttvos.report.paper import read_paper
from ttvos.report.table import Cell, Column, Table

LEDGER_COLUMNS = {
    "id": "No.",
    "topic": "Topic",
    "paper": "Paper",
    "release": "Release or public record",
    "default": "Default here",
    "option": "Option",
}
SHOWN = "shown"  # where a row's numbers are: the id of a part of the page, "" for none


def ledger(report: ReportInput) -> Table:
    """Where paper, release and public record disagree, and what is done here."""
    rows = []
    for line in read_paper("ledger"):
        row = {key: Cell(line[key]) for key in LEDGER_COLUMNS}
        if line[SHOWN]:
            text = line[SHOWN].capitalize().replace("Table", "Table ")
            row[SHOWN] = Cell(text, href=f"#{line[SHOWN]}")
        rows.append(row)
    columns = [*(Column(*heading) for heading in LEDGER_COLUMNS.items()), Column(SHOWN, "Shown in")]
    return report.table(
        columns,
        rows,
        name="ledger",
        title="Ledger",
        caption="Where the paper, the authors' release and the public record disagree.",
    )
