"""The several counts of one model's operations, told apart in one line."""

from ttvos.render import quantities as q
from ttvos.render.inputs import ReportInput
from ttvos.render.methods import is_papers_model
from ttvos.render.results import measure
from ttvos.render.table2 import segmentation_gmac, whole_segmentation_gmac

COST = (
    (segmentation_gmac, "of a frame up to the attention map (Table 2)"),
    (whole_segmentation_gmac, "with the refinement (Table 2)"),
)
FRAME = "with the update too, the whole frame (Cost by part{also})"
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
        (frame, FRAME.format(also=", the roofline, ttvos speed" if is_one else "")),
        (None if is_one else layers, LAYERS),
        (measure((row.cost,), q.gmac("two_frame_clip")), CLIP),
    ]
    told = [f"{one.mean:.2f} {words}" for one, words in found if one and one.mean is not None]
    return [f"GMAC of one model, {row.label}: {'; '.join(told)}."] if told else []


def _layers(data: dict) -> float:
    return data["roofline"]["streaming"]["macs"] / 1e9
