"""Table 6: TTVOS with other backbones."""

from ttvos.render import quantities as q
from ttvos.render.comparisons import Comparison
from ttvos.render.inputs import Accuracy, ReportInput
from ttvos.render.paper import BACKBONES

INFERENCE = q.from_cost("inference_m", "M for inference", 2, q.millions("inference"))


def _find(report: ReportInput, printed: dict[str, str]) -> Accuracy | None:
    backbone = BACKBONES[printed["backbone"]]
    rows = (row for row in report.rows if 6 in row.entry.tables)
    return next((row for row in rows if row.entry.backbone == backbone), None)


TABLE6 = Comparison(
    6,
    "backbones",
    "GMAC of a two-frame clip (initialisation and one tracked frame, as the paper counts), "
    "parameters, accuracy, speed.",
    {"backbone": "Backbone"},
    {},
    (
        q.macs("gmac_two_frame_clip", "Two-frame clip, GMAC", 2, q.gmac("two_frame_clip")),
        q.PARAMETERS,
        q.DAVIS17,
        q.DAVIS16,
        q.FPS,
    ),
    _find,
    (q.FRAME, INFERENCE, q.STREAMING, q.RUNS),
    ("What a further frame costs is the column “GMAC a frame” (ledger item 1).",),
)
