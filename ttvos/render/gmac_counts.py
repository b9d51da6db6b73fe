"""The several counts of one model's operations, told apart in one line."""

from ttvos.render import quantities as q
from ttvos.render.inputs import ReportInput
from ttvos.render.methods import is_papers_model
from ttvos.render.results import measure
from ttvos.render.table2 import segmentation_gmac, whole_segmentation_gmac

COST = (
    (segmentation_gmac, "of a frame up to the attention map (Table 2)"),
    (whole_segmentation_gmac, "with the refinement (Table 2)"),
    (q.gmac("frame"), "with the update too, the whole frame (Cost by part)"),
    (q.gmac("two_frame_clip"), "of two frames and the start, convolutions only (Table 6)"),
)
LAYERS = "of the whole frame's layers, without norms and resizing (the roofline, ttvos speed)"


def counts_apart(report: ReportInput) -> list[str]:
    """One note on the paper's model, else on the first of TTVOS's rows that was counted."""
    rows = [row for row in report.rows if row.entry.tracker == "ttvos" and row.cost]
    row = next((row for row in rows if is_papers_model(row.entry)), next(iter(rows), None))
    if row is None:
        return []
    found = [(measure((row.cost,), take), words) for take, words in COST]
    found.insert(3, (measure((row.speed,), _layers), LAYERS))
    told = [f"{one.mean:.2f} {words}" for one, words in found if one and one.mean is not None]
    return [f"GMAC of one model, {row.label}: {'; '.join(told)}."] if told else []


def _layers(data: dict) -> float:
    return data["roofline"]["streaming"]["macs"] / 1e9
