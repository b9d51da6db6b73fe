"""A table as CSV, Markdown and LaTeX. Each file says which data its numbers are from."""

import csv
import io

from ttvos.evaluation.judge import DIFFERS, ONE_RUN, REPRODUCED, TOO_NOISY
from ttvos.report.table import MEASURED_KINDS, Cell, Column, Table, format_cell
from ttvos.report.verdicts import AGREES, DISPUTED, NOT_MEASURED

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
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
    NOT_MEASURED: "n.m.",
}


def to_csv(table: Table) -> str:
    """All columns, numbers unrounded; a spread and a reason column where they can occur."""
    keys = ["profile"]
    for column in table.columns:
        keys += [column.key, *_extra_keys(column)]
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, keys, lineterminator="\n")
    writer.writeheader()
    for row in table.rows:
        line: dict[str, str] = {"profile": table.profile}
        for column in table.columns:
            line |= _csv_values(column, table.cell(row, column))
        writer.writerow(line)
    return buffer.getvalue()


def _extra_keys(column: Column) -> list[str]:
    if column.kind in MEASURED_KINDS:
        ends = ("low", "high") if column.interval else ()
        return [f"{column.key}_{part}" for part in ("spread", *ends)]
    return [f"{column.key}_reason"] if column.kind in ("verdict", "finding") else []


def _csv_values(column: Column, cell: Cell) -> dict[str, str]:
    value = cell.value
    if value is None:
        text = "" if column.kind == "verdict" else cell.reason
    else:
        text = value if isinstance(value, str) else f"{value:.10g}"
    low, high = cell.interval or (None, None)
    parts = {"spread": cell.spread, "low": low, "high": high}
    values = {column.key: text}
    for key in _extra_keys(column):
        part = key.removeprefix(f"{column.key}_")
        number = parts.get(part)
        values[key] = cell.reason if part == "reason" else _csv_number(number)
    return values


def _csv_number(number: float | None) -> str:
    return "" if number is None else f"{number:.10g}"


def to_markdown(table: Table) -> str:
    """A pipe table under its caption, notes below."""
    columns = table.shown()
    lines = [f"**{_markdown(table.title)}** {_markdown(table.caption)}", ""]
    lines += [f"Data profile: **{_markdown(table.profile)}**. {_markdown(table.caution)}", ""]
    heads = [
        f"{column.group}: {column.label}" if column.group else column.label for column in columns
    ]
    lines.append("| " + " | ".join(_markdown(head) for head in heads) + " |")
    lines.append("|" + "|".join("---" if is_text(c) else "---:" for c in columns) + "|")
    for row in table.rows:
        cells = [_markdown(format_cell(table.cell(row, c), c)) for c in columns]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", *(f"- {_markdown(note)}" for note in table.notes)]
    return "\n".join(lines).rstrip() + "\n"


def _markdown(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("|", "\\|").replace("*", "\\*")
    return escaped.replace("_", "\\_").replace("<", "&lt;").replace("\n", " ")


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
        heads.append(
            rf"\multicolumn{{{width}}}{{c}}{{{latex(group)}}}" if group else "& " * (width - 1)
        )
        if group:
            rules.append(rf"\cmidrule(lr){{{start}-{start + width - 1}}}")
        start += width
    return [" & ".join(heads) + r" \\", "".join(rules)]


def group_spans(columns: tuple[Column, ...]) -> list[tuple[str, int]]:
    """Neighbouring columns of one group, as (heading, number of columns)."""
    spans: list[tuple[str, int]] = []
    for column in columns:
        if spans and spans[-1][0] == column.group:
            spans[-1] = (column.group, spans[-1][1] + 1)
        else:
            spans.append((column.group, 1))
    return spans


def is_text(column: Column) -> bool:
    """Whether a column is set flush left."""
    return column.kind in ("text", "remark", "flag", "verdict", "finding")


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
