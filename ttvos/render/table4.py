"""Table 4: the experiments on what each part of TTVOS contributes."""

from ttvos.render import quantities as q
from ttvos.render.comparisons import Comparison, tick
from ttvos.render.inputs import Accuracy, ReportInput
from ttvos.render.table import Cell
from ttvos.variants import Variant

# Of the experiments of Table 4: key -> heading.
PARTS = {
    "short_term": "ST",
    "long_term": "LT",
    "adaptive_weight": "AW",
    "update_long_term": "Upd",
    "attention_clue": "Clue",
    "transition_map": "TM",
}

CLUES = {"full": "1", "none": "0", "reextract": "reextract"}  # ours -> as the paper's CSV has it
FULL = "exp8"  # the experiment with all parts: the paper's model


def ticks(variant: Variant | None, transition_loss: bool | None = None) -> dict[str, Cell]:
    """The parts of an experiment; of another tracker (None) only whether its training has the loss.

    Nothing is said of parts that a tracker cannot have.
    """
    if variant is None:
        return {} if transition_loss is None else {"transition_map": _tick(transition_loss)}
    return {
        "short_term": _tick(variant.short_term),
        "long_term": _tick(variant.long_term),
        "adaptive_weight": _tick(variant.adaptive_weight),
        "update_long_term": _tick(variant.update_template),
        "attention_clue": tick(CLUES[variant.attention_clue]),
        "transition_map": _tick(variant.transition_loss),
    }


def _tick(is_on: bool) -> Cell:
    return tick("1" if is_on else "0")


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
