"""The ledger as a table: where paper, release and public record disagree."""

from pathlib import Path

from ttvos.report.inputs import ReportInput
from ttvos.report.measurements import own_table
from ttvos.report.paper import PAPER_FOLDER, read_paper
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


def ledger(report: ReportInput, folder: Path = PAPER_FOLDER) -> Table:
    """Where paper, release and public record disagree, and what is done here."""
    rows = []
    for line in read_paper("ledger", folder):
        row = {key: Cell(line[key]) for key in LEDGER_COLUMNS}
        if line[SHOWN]:
            text = line[SHOWN].capitalize().replace("Table", "Table ")
            row[SHOWN] = Cell(text, href=f"#{line[SHOWN]}")
        rows.append(row)
    return own_table(
        report,
        "ledger",
        "Ledger",
        "Where the paper, the authors' release and the public record disagree.",
        [*(Column(key, label) for key, label in LEDGER_COLUMNS.items()), Column(SHOWN, "Shown in")],
        rows,
        [],
    )
