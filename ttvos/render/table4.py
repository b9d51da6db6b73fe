"""Table 4: the experiments on what each part of TTVOS contributes."""

from ttvos.render import quantities as q
from ttvos.render.comparisons import Comparison
from ttvos.render.inputs import Accuracy, ReportInput

# Of the experiments of Table 4: key -> heading.
PARTS = {
    "short_term": "ST",
    "long_term": "LT",
    "adaptive_weight": "AW",
    "update_long_term": "Upd",
    "attention_clue": "Clue",
    "transition_map": "TM",
}


def _find(report: ReportInput, printed: dict[str, str]) -> Accuracy | None:
    variant = f"exp{printed['exp']}"
    rows = (row for row in report.rows if 4 in row.entry.tables)
    return next((row for row in rows if row.entry.variant == variant), None)


TABLE4 = Comparison(
    4,
    "what each part contributes",
    "TTVOS with HRNet. ST, LT: short- and long-term matching; AW: adaptive weight; Upd: the "
    "template is updated; Clue: attention clue; TM: transition loss.",
    {"exp": "Exp"},
    PARTS,
    (q.DAVIS17, q.DAVIS16),
    _find,
    (q.RUNS,),
)
