"""Table 2: cost of segmentation and of the template update, GC and TTVOS counted alike; and the
several counts of one model's operations, told apart in one line.
"""

from typing import ClassVar

from ttvos.records.schema import RowCost, RowSpeed, TrackerCost
from ttvos.report import quantities as q
from ttvos.report.join import Line, ReportInput, is_papers_model
from ttvos.report.paper_table import PaperTable
from ttvos.report.results import Cost, Entry, PeerResults, Speed, measure
from ttvos.report.table import Cell

# Table 2's two stages of GC by the names of its parts (data/peers/gc.yaml), and what it leaves out.
SEGMENTATION = ("query encoder", "query key/value", "distribution")
UPDATE = ("memory encoder", "memory key/value", "context")
DECODER = "decoder"


def segmentation_gmac(cost: Cost) -> float:
    """Table 2's segmentation: a frame up to the attention map, without refinement and update."""
    if isinstance(cost, TrackerCost):
        return _sum(cost, SEGMENTATION)
    return (cost.macs.features + cost.macs.query + _before_refinement(cost)) / 1e9


def update_gmac(cost: Cost) -> float:
    """What takes a frame into the template, or into GC's context, in 1e9 MACs."""
    return _sum(cost, UPDATE) if isinstance(cost, TrackerCost) else cost.macs.update / 1e9


def refinement_gmac(cost: Cost) -> float:
    """What Table 2's segmentation leaves out: GC's decoder, TTVOS's refinement; in 1e9 MACs."""
    if isinstance(cost, TrackerCost):
        return _sum(cost, (DECODER,))
    return (cost.macs.refine - _before_refinement(cost)) / 1e9


def whole_segmentation_gmac(cost: Cost) -> float:
    """Segmentation with the decoder or refinement, in 1e9 MACs."""
    return segmentation_gmac(cost) + refinement_gmac(cost)


def _sum(cost: TrackerCost, parts: tuple[str, ...]) -> float:
    return sum(cost.macs.parts[part] for part in parts) / 1e9


def _before_refinement(cost: RowCost) -> int:
    """MACs of short-term matching and attention map, where the file counts them by themselves."""
    return (cost.macs.short_term or 0) + (cost.macs.attention or 0)


class Table2(PaperTable):
    """GC and TTVOS, with links to the peers' pages; rows that name the table below them."""

    number = 2
    title = "cost of segmentation and of the template update"
    caption = (
        "Multiply-accumulate operations (the paper's FLOPs) of one frame without its decoder or "
        "refinement, of one update, and parameters; under “also measured” the same with it."
    )
    texts: ClassVar = {"method": "Method", "input": "Input"}
    quantities = (
        q.macs("segmentation_gmac", "Segmentation, GMAC", 2, segmentation_gmac),
        q.macs("update_gmac", "Update, GMAC", 3, update_gmac),
        q.PARAMETERS,
        q.DAVIS16,
    )
    extras = (
        q.from_cost("refine_gmac", "decoder or refinement, GMAC", 2, refinement_gmac),
        q.from_cost("whole_segmentation_gmac", "segmentation with it", 2, whole_segmentation_gmac),
        q.from_cost("frame_gmac", "whole frame, GMAC", 2, q.gmac("frame")),
        q.SEEDS,
    )
    remarks = (
        "Segmentation measured. TTVOS: backbone features, both matchings and the attention map, "
        "that is all of a frame before the refinement. GC: " + ", ".join(SEGMENTATION) + "; its "
        "update is " + ", ".join(UPDATE) + ". A whole frame is segmentation, decoder or "
        "refinement, and update (ledger item 12).",
    )

    def line_cells(self, report: ReportInput, line: Line) -> dict[str, Cell]:
        """The method, with a link to its page."""
        href = f"peers/{line.record.name}.html" if line.record else ""
        return {"method": Cell(line.printed["method"], href=href)}

    def own_cells(self, report: ReportInput, entry: Entry) -> dict[str, Cell]:
        """See `PaperTable.own_cells`."""
        return {"method": Cell(entry.label)}

    def notes(self, report: ReportInput) -> list[str]:
        """What was counted of each peer."""
        peers = [line.record for line in report.lines[2] if isinstance(line.entry, PeerResults)]
        return [f"{record.method}: {record.status}. {record.reason}" for record in peers]


def counts_apart(report: ReportInput) -> list[str]:
    """One note on the paper's model, else on the first of TTVOS's rows that was counted."""
    rows = [row for row in report.rows if row.entry.tracker == "ttvos" and row.cost]
    row = next((row for row in rows if is_papers_model(row.entry)), next(iter(rows), None))
    if row is None:
        return []
    frame, layers = measure((row.cost,), q.gmac("frame")), measure((row.speed,), _layers)
    is_one = bool(frame and layers and frame.values == layers.values)
    also = ", the roofline, ttvos speed" if is_one else ""
    found = [
        (measure((row.cost,), segmentation_gmac), "of a frame up to the attention map (Table 2)"),
        (measure((row.cost,), whole_segmentation_gmac), "with the refinement (Table 2)"),
        (frame, f"with the update too, the whole frame (Cost by part{also})"),
        (None if is_one else layers, "of the whole frame as the roofline and ttvos speed count it"),
        (
            measure((row.cost,), q.gmac("two_frame_clip")),
            "of two frames and the start, convolutions only (Table 6)",
        ),
    ]
    told = [f"{one.mean:.2f} {words}" for one, words in found if one and one.mean is not None]
    return [f"GMAC of one model, {row.label}: {'; '.join(told)}."] if told else []


def _layers(speed: Speed) -> float | None:
    return speed.roofline["streaming"].macs / 1e9 if isinstance(speed, RowSpeed) else None


TABLE2 = Table2()
