"""What the page needs to know of a table beside its cells: its groups of rows, their anchors, the
columns that hold no number, and its texts for the clipboard.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from ttvos.report.evidence import KEPT, MEANING, RUN
from ttvos.report.table import MEASURED_KINDS, Cell, Column, Table, format_cell
from ttvos.report.verdicts import NOT_MEASURED

NUMBERS = (*MEASURED_KINDS, "record", "count", "paper")
FIRST_NOTES = 3  # that are never folded; nor is what explains the cells' marks, or spoils a number
NEVER_FOLDED = (
    *(f"{RUN}: {MEANING[RUN]}", f"{KEPT}: {MEANING[KEPT]}"),
    *("do not use these figures", "no independent measurement", "test-set selection"),
    "not against the paper's numbers",
)
Row = dict[str, Cell]


@dataclass(frozen=True)
class Group:
    """Neighbouring rows under one heading, "" for none; each row after its anchor on the page."""

    heading: str
    rows: tuple[tuple[str, Row], ...]


def row_groups(table: Table) -> list[Group]:
    """The rows of a table, by the column that heads groups of them."""
    pairs = zip(row_anchors(table), table.rows, strict=True)
    groups = groupby(pairs, key=lambda pair: _heading(table, pair[1]))
    return [Group(heading, tuple(of)) for heading, of in groups]


def row_anchors(table: Table) -> list[str]:
    """An HTML id for each row, "table3-stm", from its first cell.

    Rows that begin alike have the heading of their group behind it, and a number where that is
    not enough.
    """
    first = table.on_page()[0] if table.rows else None
    short = [
        f"{table.name}-{slug(format_cell(table.cell(row, first), first))}" for row in table.rows
    ]
    longer = [
        anchor if short.count(anchor) == 1 else f"{anchor}-{slug(_heading(table, row))}".rstrip("-")
        for anchor, row in zip(short, table.rows, strict=True)
    ]
    seen: Counter[str] = Counter()
    anchors = []
    for anchor in longer:
        seen[anchor] += 1
        anchors.append(anchor if seen[anchor] == 1 else f"{anchor}-{seen[anchor]}")
    return anchors


def slug(text: str) -> str:
    """Text as a part of an anchor: small letters, digits and single dashes."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _heading(table: Table, row: Row) -> str:
    return str(row[table.sections].value) if table.sections else ""


def without_number(table: Table) -> set[str]:
    """Keys of the columns that are there for numbers or verdicts, and have none in any row.

    The first column never counts: it says what a row is about.
    """
    return {column.key for column in table.on_page()[1:] if _is_bare(table, column)}


def _is_bare(table: Table, column: Column) -> bool:
    values = [table.cell(row, column).value for row in table.rows]
    if column.kind == "verdict":
        return all(value in (None, "", NOT_MEASURED) for value in values)
    return column.kind in NUMBERS and all(value is None for value in values)


def split_notes(notes: Sequence[str]) -> tuple[list[str], list[str]]:
    """The notes that stand below a table, and those that the page folds.

    Fewer than two are not worth folding.
    """
    rest = notes[FIRST_NOTES:]
    folded = [note for note in rest if not any(text in note for text in NEVER_FOLDED)]
    if len(folded) < 2:
        return list(notes), []
    return [note for note in notes if note not in folded], folded


def clipboard_script(texts: dict[str, dict[str, str]]) -> str:
    """The script that the page loads when something is first copied.

    texts: by the table's name and the file's ending, the text of that file.
    """
    return f"window.ttvosTexts = {json.dumps(texts, ensure_ascii=False)};\n"
