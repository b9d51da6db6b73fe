"""Table 6: TTVOS with other backbones."""

from typing import ClassVar

from ttvos.report import quantities as q
from ttvos.report.join import ReportInput
from ttvos.report.paper_table import PaperTable
from ttvos.report.results import Entry
from ttvos.report.table import Cell
from ttvos.report.table2 import counts_apart


class Table6(PaperTable):
    """The backbones, and rows that name the table below them."""

    number = 6
    title = "backbones"
    caption = (
        "GMAC of a two-frame clip (initialisation and one tracked frame, as the paper counts), "
        "parameters, accuracy, speed."
    )
    texts: ClassVar = {"backbone": "Backbone"}
    quantities = (
        q.macs("gmac_two_frame_clip", "Two-frame clip, GMAC", 2, q.gmac("two_frame_clip")),
        q.PARAMETERS,
        q.DAVIS17,
        q.DAVIS16,
        q.FPS,
    )
    extras = (
        q.from_cost("frame_gmac", "GMAC a frame", 2, q.gmac("frame")),
        q.from_cost("inference_m", "M for inference", 2, q.millions("inference")),
        q.STREAMING,
        q.SEEDS,
    )
    remarks = ("What a further frame costs is the column “GMAC a frame” (ledger item 1).",)

    def own_cells(self, report: ReportInput, entry: Entry) -> dict[str, Cell]:
        """See `PaperTable.own_cells`."""
        return {"backbone": Cell(entry.label)}

    def notes(self, report: ReportInput) -> list[str]:
        """See `PaperTable.notes`."""
        return counts_apart(report)


TABLE6 = Table6()
