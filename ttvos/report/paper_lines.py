"""Where the paper gives the accuracy of a model that we trained: its Tables 4, 5 and 6."""

from ttvos.config.experiments import load_rows, load_variants
from ttvos.report.methods import FULL, Line
from ttvos.report.paper import BACKBONES, PAPER_FOLDER, read_paper
from ttvos.report.publication.form import Score
from ttvos.report.table import Cell, Column
from ttvos.report.table4 import ticks

# The ending is one that no dataset's columns have, whatever the dataset is called.
PAPER_COLUMNS = (
    Column("davis17_jf_paper", "DAVIS17", "paper", "Paper, J&F"),
    Column("davis16_jf_paper", "DAVIS16", "paper", "Paper, J&F"),
)


def paper_accuracy(printed: Line) -> dict[str, Cell]:
    """The paper's J&F of one of its lines, by the keys of `PAPER_COLUMNS`."""
    return {c.key: Cell(printed[c.key.removesuffix("_paper")] or None) for c in PAPER_COLUMNS}


def paper_cells(score: Score) -> dict[str, Cell]:
    """Ticks and the paper's J&F of a model outside Table 4; none of what the paper lacks."""
    if score.kind != "model":
        return {}
    row = load_rows().get(score.row)
    loss = row.transition_loss if row else None
    cells = ticks(load_variants().get(score.variant), loss)
    if score.variant == FULL:
        return cells | _found("table6", {}, score.backbone)
    if row and row.tracker == "frtm":
        return cells | _found("table5", {"transition_loss": str(int(bool(loss)))}, score.backbone)
    return cells


def _found(table: str, wanted: Line, backbone: str) -> dict[str, Cell]:
    """The paper's J&F in the line of that backbone with the wanted values."""
    for line in read_paper(table, PAPER_FOLDER):
        if BACKBONES[line["backbone"]] == backbone and wanted.items() <= line.items():
            return paper_accuracy(line)
    return {}
