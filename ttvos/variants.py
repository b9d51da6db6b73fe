"""The paper's experiments and backbones: `workflow/config/variants.tsv`, one row each, checked."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ttvos.errors import UserError
from ttvos.provenance import REPOSITORY
from ttvos.strict import build

CONFIG_FOLDER = REPOSITORY / "workflow" / "config"
BACKBONES = ("hrnet", "resnet18", "resnet50", "mobilenetv3")


@dataclass(frozen=True)
class Variant:
    """One experiment of the paper's Table 4 (FACTS section 6): which parts the model has."""

    name: str
    short_term: bool = True
    long_term: bool = True
    adaptive_weight: bool = True
    update_template: bool = True
    attention_clue: Literal["full", "none", "reextract"] = "full"
    transition_loss: bool = True


@dataclass(frozen=True)
class Row:
    """One line of variants.tsv: an experiment with a backbone, and the tables it feeds."""

    name: str
    variant: Variant
    backbone: str
    tables: tuple[int, ...]


def load_rows(path: Path | None = None) -> dict[str, Row]:
    """All rows of variants.tsv by name; the same variant name must always mean the same parts."""
    path = path or CONFIG_FOLDER / "variants.tsv"
    rows: dict[str, Row] = {}
    variants: dict[str, Variant] = {}
    with open(path, newline="") as handle:
        for line in csv.DictReader(handle, delimiter="\t"):
            row = _parse_row(line, f"{path.name}: row {line.get('row')}")
            if variants.setdefault(row.variant.name, row.variant) != row.variant:
                raise UserError(f"{path.name}: variant {row.variant.name} has two meanings")
            if row.name in rows:
                raise UserError(f"{path.name}: row {row.name} stands there twice")
            rows[row.name] = row
    return rows


def load_variants() -> dict[str, Variant]:
    """All experiments by name."""
    return {row.variant.name: row.variant for row in load_rows().values()}


def _parse_row(line: dict, where: str) -> Row:
    flags = ("short_term", "long_term", "adaptive_weight", "update_template", "transition_loss")
    known = {"row", "variant", "backbone", "attention_clue", "tables", *flags}
    if set(line) != known:
        raise UserError(f"{where}: columns must be exactly {', '.join(sorted(known))}")
    for flag in flags:
        if line[flag] not in ("0", "1"):
            raise UserError(f"{where}: {flag} must be 0 or 1, not {line[flag]!r}")
    if line["backbone"] not in BACKBONES:
        raise UserError(
            f"{where}: unknown backbone {line['backbone']!r}; known: {', '.join(BACKBONES)}"
        )
    values = {flag: line[flag] == "1" for flag in flags}
    values |= {"name": line["variant"], "attention_clue": line["attention_clue"]}
    tables = tuple(int(number) for number in line["tables"].split(",") if number)
    return Row(line["row"], build(Variant, values, where), line["backbone"], tables)


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
        raise UserError(f"unknown row {name!r}; variants.tsv has: {', '.join(rows)}")
    return rows[name]
