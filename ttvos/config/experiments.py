"""Experiments, backbones and other trackers: `data/experiments.tsv`, a checked row each."""

import csv
from dataclasses import dataclass
from pathlib import Path

from ttvos.core.errors import UserError
from ttvos.core.folders import shipped
from ttvos.core.variant import BACKBONES as BACKBONES
from ttvos.core.variant import Variant as Variant

RUNS = shipped("workflow/runs")
EXPERIMENTS = shipped("data") / "experiments.tsv"
FRTM_BACKBONES = ("resnet18", "resnet101")
TABLES = (2, 3, 4, 5, 6)  # of the paper's, that a report has and a row can stand in
FLAGS = ("short_term", "long_term", "adaptive_weight", "update_template", "transition_loss")
COLUMNS = {"row", "tracker", "variant", "backbone", "attention_clue", "tables", *FLAGS}


@dataclass(frozen=True)
class Row:
    """One line of experiments.tsv: a tracker, what it is made of, and the tables it feeds.

    tracker: "ttvos", "frtm" (FRTM-VOS, trained here), or a class, "package.module:Class".
    variant: an experiment of TTVOS, None for other trackers; backbone: "" where the tracker
    says none. transition_loss: whether the training has it; None where the row trains nothing.
    """

    name: str
    variant: Variant | None
    backbone: str
    tables: tuple[int, ...]
    tracker: str = "ttvos"
    transition_loss: bool | None = None

    @property
    def trains(self) -> bool:
        """Whether its weights are trained here."""
        return self.tracker in ("ttvos", "frtm")


def load_rows(path: Path | None = None) -> dict[str, Row]:
    """All rows of experiments.tsv by name; the same variant name must always mean the same parts.

    Tabs separate the columns. No tables are a dash, or nothing. Raises UserError for a line that
    is no row, and a file that is not UTF-8.
    """
    path = path or EXPERIMENTS
    rows: dict[str, Row] = {}
    variants: dict[str, Variant] = {}
    for line in _read_lines(path):
        row = _parse_row(line, f"{path.name}: row {line['row']}")
        if row.variant and variants.setdefault(row.variant.name, row.variant) != row.variant:
            raise UserError(f"{path.name}: variant {row.variant.name} has two meanings")
        if row.name in rows:
            raise UserError(f"{path.name}: row {row.name} stands there twice")
        rows[row.name] = row
    return rows


def _read_lines(path: Path) -> list[dict[str, str]]:
    """The lines below the header, by column; the last column may be left out."""
    try:
        with open(path, newline="", encoding="utf-8-sig") as handle:
            found = [list(map(str.strip, cells)) for cells in csv.reader(handle, delimiter="\t")]
    except UnicodeDecodeError:
        raise UserError(f"{path.name}: not UTF-8 text; save it as UTF-8") from None
    header, *rest = [cells for cells in found if any(cells)] or [[]]
    if set(header) != COLUMNS or len(header) != len(COLUMNS):
        known = ", ".join(sorted(COLUMNS))
        raise UserError(f"{path.name}: its columns must be exactly {known}, separated by tabs")
    for cells in rest:
        if len(cells) == len(header) - 1 and header[-1] == "tables":
            cells.append("")  # editors strip what cannot be seen
        if len(cells) != len(header):
            raise UserError(
                f"{path.name}: row {cells[0]}: {len(cells)} fields, {len(header)} expected, "
                "separated by tabs"
            )
    return [dict(zip(header, cells, strict=True)) for cells in rest]


def load_variants() -> dict[str, Variant]:
    """All experiments by name."""
    variants = (row.variant for row in load_rows().values())
    return {variant.name: variant for variant in variants if variant}


def _parse_row(line: dict, where: str) -> Row:
    tables = _tables(line["tables"], where)
    _check_tables(tables, where)
    tracker, backbone = line["tracker"], line["backbone"]
    if tracker == "ttvos":
        _check_backbone(backbone, BACKBONES, where)
        values = {flag: _flag(line, flag, where) for flag in FLAGS}
        values |= {"name": line["variant"], "attention_clue": line["attention_clue"]}
        variant = Variant.read(values, where)
        _check_parts(variant, where)
        return Row(line["row"], variant, backbone, tables, tracker, variant.transition_loss)
    if tracker == "frtm":
        _check_backbone(backbone, FRTM_BACKBONES, where)
        _check_unused(line, {"variant", "attention_clue", *FLAGS} - {"transition_loss"}, where)
        loss = _flag(line, "transition_loss", where)
        return Row(line["row"], None, backbone, tables, tracker, loss)
    if ":" not in tracker:
        raise UserError(f"{where}: tracker {tracker!r}: ttvos, frtm, or package.module:Class")
    _check_unused(line, {"variant", "backbone", "attention_clue", *FLAGS}, where)
    return Row(line["row"], None, "", tables, tracker)


def _tables(text: str, where: str) -> tuple[int, ...]:
    """Numbers of tables, "3,6"; a dash or nothing means none."""
    if text in ("", "-"):
        return ()
    try:
        return tuple(int(number) for number in text.split(","))
    except ValueError:
        raise UserError(
            f"{where}: tables are numbers with commas between, or a dash for none; not {text!r}"
        ) from None


def _check_tables(tables: tuple[int, ...], where: str) -> None:
    if unknown := [str(number) for number in tables if number not in TABLES]:
        known = ", ".join(map(str, TABLES))
        raise UserError(
            f"{where}: tables: no table {', '.join(unknown)} in a report; known: {known}"
        )


def _check_parts(variant: Variant, where: str) -> None:
    """Refuse combinations of parts of which something would not be built."""
    if not variant.short_term and not variant.long_term:
        raise UserError(
            f"{where}: short_term and long_term are both 0, and without a matching nothing tells "
            "the object from the background: write 1 for one of them"
        )
    for part in ("adaptive_weight", "update_template"):
        if getattr(variant, part) and not variant.long_term:
            raise UserError(
                f"{where}: {part} is 1 but long_term 0: it is a part of the long-term template, "
                "write 0"
            )


def _flag(line: dict, flag: str, where: str) -> bool:
    if line[flag] not in ("0", "1"):
        raise UserError(f"{where}: {flag} must be 0 or 1, not {line[flag]!r}")
    return line[flag] == "1"


def _check_backbone(name: str, known: tuple[str, ...], where: str) -> None:
    if name not in known:
        raise UserError(f"{where}: unknown backbone {name!r}; known: {', '.join(known)}")


def _check_unused(line: dict, columns: set[str], where: str) -> None:
    """What a tracker does not read is a dash, so that no row says what is not done."""
    for column in sorted(columns):
        if line[column] != "-":
            raise UserError(f"{where}: tracker {line['tracker']} has no {column}: write -")


def find_variant(name: str) -> Variant:
    """The experiment of that name; UserError lists the known ones."""
    variants = load_variants()
    if name not in variants:
        raise UserError(f"unknown variant {name!r}; known: {', '.join(variants)}")
    return variants[name]


def find_row(name: str) -> Row:
    """The row of that name; UserError lists the known ones."""
    rows = load_rows()
    if name not in rows:
        raise UserError(f"unknown row {name!r}; experiments.tsv has: {', '.join(rows)}")
    return rows[name]
