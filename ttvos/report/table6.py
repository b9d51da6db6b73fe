"""Table 6: TTVOS with other backbones."""

from dataclasses import replace

from ttvos.report import quantities as q
from ttvos.report.accuracy_notes import accuracy_notes
from ttvos.report.comparisons import Comparison
from ttvos.report.inputs import ReportInput, RowResults
from ttvos.report.methods import FULL
from ttvos.report.own_rows import own_rows, with_own_rows
from ttvos.report.paper import BACKBONES
from ttvos.report.table import Cell, Table
from ttvos.report.table2 import counts_apart
from ttvos.report.trained import SEEDS

INFERENCE = q.from_cost("inference_m", "M for inference", 2, q.millions("inference"))


QUANTITIES = (
    q.macs("gmac_two_frame_clip", "Two-frame clip, GMAC", 2, q.gmac("two_frame_clip")),
    q.PARAMETERS,
    q.DAVIS17,
    q.DAVIS16,
    q.FPS,
)
EXTRAS = (q.FRAME, INFERENCE, q.STREAMING, SEEDS)


def _find(report: ReportInput, printed: dict[str, str]) -> RowResults | None:
    wanted = (FULL, BACKBONES[printed["backbone"]])
    rows = (row for row in report.rows if 6 in row.entry.tables)
    return next((row for row in rows if (row.entry.variant, row.entry.backbone) == wanted), None)


def _complete(report: ReportInput, table: Table) -> Table:
    """Adds rows that the paper lacks."""
    taken = [_find(report, {"backbone": str(row["backbone"].value)}) for row in table.rows]
    own = own_rows(report, 6, taken)
    notes = [*counts_apart(report), *accuracy_notes(report, [*taken, *own])]
    table = replace(table, notes=(*table.notes, *notes))
    return with_own_rows(
        report, table, own, QUANTITIES, EXTRAS, lambda row: {"backbone": Cell(row.label)}
    )


TABLE6 = Comparison(
    6,
    "backbones",
    "GMAC of a two-frame clip (initialisation and one tracked frame, as the paper counts), "
    "parameters, accuracy, speed.",
    {"backbone": "Backbone"},
    {},
    QUANTITIES,
    _find,
    EXTRAS,
    ("What a further frame costs is the column “GMAC a frame” (ledger item 1).",),
    _complete,
)
