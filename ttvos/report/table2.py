"""Table 2: cost of segmentation and of the template update, GC and TTVOS counted alike.

The several counts of one model's operations, told apart in one line.
"""

from dataclasses import replace
from typing import Any

from ttvos.report import quantities as q
from ttvos.report.accuracy_notes import accuracy_notes
from ttvos.report.comparisons import Comparison
from ttvos.report.inputs import Accuracy, PeerResults, ReportInput
from ttvos.report.methods import is_papers_model
from ttvos.report.own_rows import own_rows, with_own_rows
from ttvos.report.results import measure
from ttvos.report.table import Cell, Table
from ttvos.report.trained import SEEDS

# Table 2's two stages of GC by the names of its parts (data/peers/gc.yaml), and what it leaves out.
SEGMENTATION = ("query encoder", "query key/value", "distribution")
UPDATE = ("memory encoder", "memory key/value", "context")
DECODER = "decoder"


def is_of_parts(data: dict[str, Any]) -> bool:
    """Whether a cost file is a tracker's, by its own parts, and not one of TTVOS's stages."""
    return "parts" in data["macs"]


def segmentation_gmac(data: dict[str, Any]) -> float:
    """Table 2's segmentation: a frame up to the attention map, without refinement and update."""
    if is_of_parts(data):
        return _sum(data, SEGMENTATION)
    return (data["macs"]["features"] + data["macs"]["query"] + _before_refinement(data)) / 1e9


def update_gmac(data: dict[str, Any]) -> float:
    """What takes a frame into the template, or into GC's context, in 1e9 MACs."""
    return _sum(data, UPDATE) if is_of_parts(data) else data["macs"]["update"] / 1e9


def refinement_gmac(data: dict[str, Any]) -> float:
    """What Table 2's segmentation leaves out: GC's decoder, TTVOS's refinement; in 1e9 MACs."""
    if is_of_parts(data):
        return _sum(data, (DECODER,))
    return (data["macs"]["refine"] - _before_refinement(data)) / 1e9


def whole_segmentation_gmac(data: dict[str, Any]) -> float:
    """Segmentation with the decoder or refinement, in 1e9 MACs."""
    return segmentation_gmac(data) + refinement_gmac(data)


def _sum(data: dict[str, Any], parts: tuple[str, ...]) -> float:
    return sum(data["macs"]["parts"][part] for part in parts) / 1e9


def _before_refinement(data: dict[str, Any]) -> int:
    """MACs of short-term matching and attention map, where the file counts them by themselves."""
    return sum(data["macs"].get(part, 0) for part in ("short_term", "attention"))


def _find(report: ReportInput, printed: dict[str, str]) -> Accuracy | None:
    method = printed["method"].casefold()
    rows = [row for row in report.rows if 2 in row.entry.tables and is_papers_model(row.entry)]
    found = [row for row in rows if row.entry.method.casefold() == method]
    found += [peer for peer in report.peers if peer.record.method.casefold() == method]
    return next(iter(found), None)


def _complete(report: ReportInput, table: Table) -> Table:
    """Links to the pages of peers, what was counted of each, and rows that the paper lacks."""
    notes = []
    for row in table.rows:
        record = next((r for r in report.records.values() if r.method == row["method"].value), None)
        if record:
            row["method"] = replace(row["method"], href=f"peers/{record.name}.html")
            entry = _find(report, {"method": record.method})
            if isinstance(entry, PeerResults):
                notes.append(f"{record.method}: {record.status}. {record.reason}")
    taken = [_find(report, {"method": str(row["method"].value)}) for row in table.rows]
    return with_own_rows(
        report,
        replace(table, notes=(*table.notes, *accuracy_notes(report, taken), *notes)),
        own_rows(report, 2, taken),
        QUANTITIES,
        EXTRAS,
        lambda row: {"method": Cell(row.label)},
    )


REFINE = q.from_cost("refine_gmac", "decoder or refinement, GMAC", 2, refinement_gmac)
WHOLE = q.from_cost("whole_segmentation_gmac", "segmentation with it", 2, whole_segmentation_gmac)
FRAME = q.from_cost("frame_gmac", "whole frame, GMAC", 2, q.gmac("frame"))

QUANTITIES = (
    q.macs("segmentation_gmac", "Segmentation, GMAC", 2, segmentation_gmac),
    q.macs("update_gmac", "Update, GMAC", 3, update_gmac),
    q.PARAMETERS,
    q.DAVIS16,
)
EXTRAS = (REFINE, WHOLE, FRAME, SEEDS)

TABLE2 = Comparison(
    2,
    "cost of segmentation and of the template update",
    "Multiply-accumulate operations (the paper's FLOPs) of one frame without its decoder or "
    "refinement, of one update, and parameters; under “also measured” the same with it.",
    {"method": "Method", "input": "Input"},
    {},
    QUANTITIES,
    _find,
    EXTRAS,
    (
        "Segmentation measured. TTVOS: backbone features, both matchings and the attention map, "
        "that is all of a frame before the refinement. GC: " + ", ".join(SEGMENTATION) + "; its "
        "update is " + ", ".join(UPDATE) + ". A whole frame is segmentation, decoder or "
        "refinement, and update (ledger item 12).",
    ),
    _complete,
)


COST = (
    (segmentation_gmac, "of a frame up to the attention map (Table 2)"),
    (whole_segmentation_gmac, "with the refinement (Table 2)"),
)
FRAME_gmac_counts = "with the update too, the whole frame (Cost by part{also})"
LAYERS = "of the whole frame as the roofline and ttvos speed count it"
CLIP = "of two frames and the start, convolutions only (Table 6)"


def counts_apart(report: ReportInput) -> list[str]:
    """One note on the paper's model, else on the first of TTVOS's rows that was counted."""
    rows = [row for row in report.rows if row.entry.tracker == "ttvos" and row.cost]
    row = next((row for row in rows if is_papers_model(row.entry)), next(iter(rows), None))
    if row is None:
        return []
    frame, layers = measure((row.cost,), q.gmac("frame")), measure((row.speed,), _layers)
    is_one = bool(frame and layers and frame.values == layers.values)
    found = [
        *((measure((row.cost,), take), words) for take, words in COST),
        (frame, FRAME_gmac_counts.format(also=", the roofline, ttvos speed" if is_one else "")),
        (None if is_one else layers, LAYERS),
        (measure((row.cost,), q.gmac("two_frame_clip")), CLIP),
    ]
    told = [f"{one.mean:.2f} {words}" for one, words in found if one and one.mean is not None]
    return [f"GMAC of one model, {row.label}: {'; '.join(told)}."] if told else []


def _layers(data: dict) -> float:
    return data["roofline"]["streaming"]["macs"] / 1e9
