"""A table as CSV, Markdown and LaTeX. Each file says which data its numbers are from."""

import csv
import io
from collections.abc import Iterable
from itertools import groupby

from ttvos.core.text import markdown_table
from ttvos.evaluation.judge import DIFFERS, ONE_RUN, REPRODUCED, TOO_NOISY
from ttvos.report.table import (
    EMPTY,
    MEASURED_KINDS,
    TEXT_KINDS,
    Cell,
    Column,
    Table,
    format_cell,
)
from ttvos.report.verdicts import AGREES, DISPUTED, NOT_COMPARED, NOT_MEASURED

_LATEX = {
    **{character: rf"\{character}" for character in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "−": r"$-$",
    "–": "--",
    "—": "---",
    "→": r"$\rightarrow$",
    "✓": "yes",
    "…": r"\dots{}",
}
_PROSE, _WORD = 40, 12  # characters: from where text is prose, and up to where it is a word
_WIDE = 8  # columns: more do not fit beside paragraphs
# LaTeX tables are narrow: verdicts shrink to these, explained below the table.
_SHORT = {
    REPRODUCED: "rep.",
    DIFFERS: "diff.",
    TOO_NOISY: "noisy",
    ONE_RUN: "1 run",
    AGREES: "rec. agrees",
    DISPUTED: "rec. disp.",
    NOT_COMPARED: "n.c.",
    NOT_MEASURED: "n.m.",
}


def to_csv(table: Table) -> str:
    """All columns, numbers unrounded; a spread and a reason column where they can occur."""
    buffer = io.StringIO()
    heads = [key for column in table.columns for key in _csv_values(column, EMPTY)]
    writer = csv.DictWriter(buffer, ["profile", *heads], lineterminator="\n")
    writer.writeheader()
    for row in table.rows:
        cells = [_csv_values(column, table.cell(row, column)) for column in table.columns]
        line = {key: value for cell in cells for key, value in cell.items()}
        writer.writerow({"profile": table.profile, **line})
    return buffer.getvalue()


def _csv_values(column: Column, cell: Cell) -> dict[str, str]:
    """What a cell has in the CSV, by the columns' names there."""
    key, value = column.key, cell.value
    if value is None:
        value = "" if column.kind == "verdict" else cell.reason
    values: dict[str, str | float | None] = {key: value}
    if column.kind in MEASURED_KINDS:
        values[f"{key}_spread"] = cell.spread
        if column.interval:
            values[f"{key}_low"], values[f"{key}_high"] = cell.interval or (None, None)
    elif column.kind in ("verdict", "finding", "evidence"):
        values[f"{key}_reason"] = cell.reason
    return {name: _csv_text(value) for name, value in values.items()}


def _csv_text(value: str | float | None) -> str:
    return value or "" if value is None or isinstance(value, str) else f"{value:.10g}"


def to_markdown(table: Table) -> str:
    """A pipe table under its caption, notes below."""
    columns = table.shown()
    heads = [f"{c.group}: {c.label}" if c.group else c.label for c in columns]
    rows = [
        [format_cell(table.cell(row, column), column) for column in columns] for row in table.rows
    ]
    lines = [
        f"**{_markdown(table.title)}** {_markdown(table.caption)}\n",
        f"Run: **{_markdown(table.profile)}**. {_markdown(table.caution)}\n",
        markdown_table(
            [_markdown(head) for head in heads],
            [[_markdown(cell) for cell in row] for row in rows],
            [index for index, column in enumerate(columns) if not is_text(column)],
        ),
        *(f"- {_markdown(note)}" for note in table.notes),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _markdown(text: str) -> str:
    """Text without what Markdown would take for emphasis or HTML."""
    escaped = text.replace("\\", "\\\\").replace("*", "\\*").replace("_", "\\_")
    return escaped.replace("<", "&lt;").replace("\n", " ")


def to_latex(table: Table) -> str:
    """A booktabs table; long text is set in paragraphs; without it, or too wide, it is shrunk."""
    columns = table.shown()
    is_prose = any(_is_long(table, column, _PROSE) for column in columns)
    is_shrunk = not is_prose or len(columns) > _WIDE
    lines = [
        r"% Needs \usepackage{array,booktabs,graphicx} in the preamble.",
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{latex(_latex_caption(table))}}}",
        rf"\label{{tab:{table.name}}}",
        r"\resizebox{\textwidth}{!}{%" if is_shrunk else r"\scriptsize",
        rf"\begin{{tabular}}{{{_latex_layout(table, columns, is_prose)}}}",
        r"\toprule",
        *_latex_groups(columns),
        " & ".join(latex(column.label) for column in columns) + r" \\",
        r"\midrule",
    ]
    for row in table.rows:
        cells = (format_cell(table.cell(row, column), column) for column in columns)
        lines.append(" & ".join(latex(_SHORT.get(cell, cell)) for cell in cells) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}%", *(["}"] if is_shrunk else [])]
    lines += [_latex_note(note) for note in _latex_notes(table)]
    return "\n".join([*lines, r"\end{table}"]) + "\n"


def latex(text: str) -> str:
    """Escape text for LaTeX."""
    return "".join(_LATEX.get(character, character) for character in text)


def _latex_groups(columns: tuple[Column, ...]) -> list[str]:
    """The line of spanning headings with its rules; nothing when no column has one."""
    spans = group_spans(columns)
    if not any(group for group, _ in spans):
        return []
    heads, rules, start = [], [], 1
    for group, width in spans:
        head = rf"\multicolumn{{{width}}}{{c}}{{{latex(group)}}}"
        heads.append(head if group else "& " * (width - 1))
        if group:
            rules.append(rf"\cmidrule(lr){{{start}-{start + width - 1}}}")
        start += width
    return [" & ".join(heads) + r" \\", "".join(rules)]


def group_spans(columns: Iterable[Column]) -> list[tuple[str, int]]:
    """Neighbouring columns of one group, as (heading, number of columns)."""
    groups = groupby(columns, key=lambda column: column.group)
    return [(group, len(list(of))) for group, of in groups]


def is_text(column: Column) -> bool:
    """Whether a column is set flush left."""
    return column.kind in TEXT_KINDS


def _latex_layout(table: Table, columns: tuple[Column, ...], is_prose: bool) -> str:
    """Column types: paragraphs of equal width for the longer texts of a table of prose."""
    long = [is_prose and _is_long(table, column, _WORD) for column in columns]
    width = 0.82 / max(1, sum(long))
    paragraph = rf">{{\raggedright\arraybackslash}}p{{{width:.3f}\textwidth}}"
    return "".join(
        paragraph if is_paragraph else "l" if is_text(column) else "r"
        for column, is_paragraph in zip(columns, long, strict=True)
    )


def _is_long(table: Table, column: Column, limit: int) -> bool:
    texts = (format_cell(table.cell(row, column), column) for row in table.rows)
    return column.kind in ("text", "remark") and any(len(text) > limit for text in texts)


def _latex_caption(table: Table) -> str:
    """LaTeX numbers tables itself, so the paper's number must not pass for it."""
    caption = table.full_caption
    return f"The paper's {caption}" if caption.startswith("Table ") else caption


def _latex_notes(table: Table) -> list[str]:
    if not table.verdicts():
        return list(table.notes)
    legend = ", ".join(f"{short} = {status}" for status, short in _SHORT.items())
    return [f"Verdicts: {legend}.", *table.notes]


def _latex_note(note: str) -> str:
    return rf"\par\smallskip{{\footnotesize {latex(note)}\par}}"
