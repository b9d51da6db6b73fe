"""Table 4: the experiments on what each part of TTVOS contributes."""

from typing import ClassVar

from ttvos.config.experiments import Variant, load_variants
from ttvos.plan.manifest import data_label
from ttvos.report import quantities as q
from ttvos.report.join import Line, ReportInput
from ttvos.report.paper import FULL
from ttvos.report.paper_table import PaperTable, difference, tick
from ttvos.report.results import RowResults
from ttvos.report.table import Cell, Column

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
PROTOCOLS = ("davis17", "davis16")


def ticks(variant: Variant | None, transition_loss: bool | None = None) -> dict[str, Cell]:
    """The parts of an experiment; of another tracker (None) only whether its training has the loss.

    Nothing is said of parts that a tracker cannot have.
    """
    if variant is None:
        return {} if transition_loss is None else {"transition_map": tick(transition_loss)}
    return {
        "short_term": tick(variant.short_term),
        "long_term": tick(variant.long_term),
        "adaptive_weight": tick(variant.adaptive_weight),
        "update_long_term": tick(variant.update_template),
        "attention_clue": tick(CLUES[variant.attention_clue]),
        "transition_map": tick(variant.transition_loss),
    }


class Table4(PaperTable):
    """The experiments, rows that name the table below them, and what each has over Exp 8."""

    number = 4
    title = "what each part contributes"
    caption = (
        "TTVOS with HRNet. ST, LT: short- and long-term matching; AW: adaptive weight; Upd: the "
        "template is updated; Clue: attention clue; TM: transition loss. Minus Exp 8: J&F here "
        "minus that of the full model on the same backbone, over the seeds that both have."
    )
    texts: ClassVar = {"exp": "Exp"}
    flags = PARTS
    quantities = (q.DAVIS17, q.DAVIS16)
    extras = (q.SEEDS,)

    def columns(self, report: ReportInput) -> list[Column]:
        """See `PaperTable.columns`."""
        group = f"minus Exp 8, {data_label(report.manifest)}"
        return super().columns(report) + [
            Column(f"{p}_to_full", p.upper(), "extra", group, signed=True, interval=True)
            for p in PROTOCOLS
        ]

    def line_cells(self, report: ReportInput, line: Line) -> dict[str, Cell]:
        """The differences."""
        return _to_full(report, line.entry)

    def own_cells(self, report: ReportInput, entry: RowResults) -> dict[str, Cell]:
        """Name, parts and differences; no parts of an experiment that the table no longer has."""
        variant = load_variants().get(entry.entry.variant)
        parts = ticks(variant, entry.entry.transition_loss)
        return {"exp": Cell(entry.label)} | parts | _to_full(report, entry)


def _to_full(report: ReportInput, row: RowResults | None) -> dict[str, Cell]:
    """J&F minus that of the full model on the same backbone, paired by seed."""
    if row is None or row.entry.variant == FULL:
        return {}
    same = (r for r in report.rows if r.entry.backbone == row.entry.backbone)
    full = next((r for r in same if r.entry.variant == FULL), None)
    return {f"{p}_to_full": difference(report, row, full, p)[0] for p in PROTOCOLS}


TABLE4 = Table4()
