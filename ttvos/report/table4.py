"""Table 4: the experiments on what each part of TTVOS contributes."""

from dataclasses import replace

from ttvos.config.experiments import Variant, load_variants
from ttvos.plan.manifest import data_label
from ttvos.report import quantities as q
from ttvos.report import trained as seeds
from ttvos.report.accuracy_notes import accuracy_notes
from ttvos.report.comparisons import Comparison, tick
from ttvos.report.inputs import ReportInput, RowResults
from ttvos.report.methods import BACKBONE, FULL
from ttvos.report.own_rows import own_rows, with_own_rows
from ttvos.report.table import Cell, Column, Table

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
QUANTITIES, EXTRAS = (q.DAVIS17, q.DAVIS16), (seeds.SEEDS,)
PROTOCOLS = ("davis17", "davis16")


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


def _find(report: ReportInput, printed: dict[str, str]) -> RowResults | None:
    wanted = (f"exp{printed['exp']}", BACKBONE)
    rows = (row for row in report.rows if 4 in row.entry.tables)
    return next((row for row in rows if (row.entry.variant, row.entry.backbone) == wanted), None)


def _complete(report: ReportInput, table: Table) -> Table:
    """Adds rows that the paper lacks, with their parts, and what each row has over Exp 8."""
    found = [_find(report, {"exp": str(row["exp"].value)}) for row in table.rows]
    own = own_rows(report, 4, found)
    where = data_label(report.manifest)
    columns = [
        Column(
            f"{p}_to_full", p.upper(), "extra", f"minus Exp 8, {where}", signed=True, interval=True
        )
        for p in PROTOCOLS
    ]
    table = replace(table, columns=(*table.columns, *columns))
    table = with_own_rows(report, table, own, QUANTITIES, EXTRAS, _named)
    entries = [*found, *own]
    rows = [
        row | {f"{p}_to_full": _to_full(report, entry, p) for p in PROTOCOLS}
        for row, entry in zip(table.rows, entries, strict=True)
    ]
    return replace(table, rows=tuple(rows), notes=(*table.notes, *accuracy_notes(report, entries)))


def _named(row: RowResults) -> dict[str, Cell]:
    """An own row's name and parts; parts of an experiment that variants.tsv no longer has: none."""
    variant = load_variants().get(row.entry.variant)
    return {"exp": Cell(row.label)} | ticks(variant, row.entry.transition_loss)


def _to_full(report: ReportInput, row: RowResults | None, protocol: str) -> Cell:
    """J&F minus that of the full model on the same backbone, paired by seed."""
    if row is None or row.entry.variant == FULL:
        return Cell()
    same = (r for r in report.rows if r.entry.backbone == row.entry.backbone)
    full = next((r for r in same if r.entry.variant == FULL), None)
    return seeds.difference(report, row, full, protocol)


TABLE4 = Comparison(
    4,
    "what each part contributes",
    "TTVOS with HRNet. ST, LT: short- and long-term matching; AW: adaptive weight; Upd: the "
    "template is updated; Clue: attention clue; TM: transition loss. Minus Exp 8: J&F here minus "
    "that of the full model on the same backbone, over the seeds that both have.",
    {"exp": "Exp"},
    PARTS,
    QUANTITIES,
    _find,
    EXTRAS,
    extend=_complete,
)
