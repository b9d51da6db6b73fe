"""Rows of variants.tsv that name a table of the paper's which has no line for them."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from ttvos.report import quantities as q
from ttvos.report.inputs import Accuracy, ReportInput, RowResults
from ttvos.report.quantities import Extra, Quantity
from ttvos.report.table import Cell, Column, Table
from ttvos.report.trained import selection_cautions, start_notes
from ttvos.report.untrained import untrained

PAPERS, OWN = "The paper's table", "Rows of this run that the paper's table does not have"


def own_rows(
    report: ReportInput, number: int, taken: Iterable[Accuracy | None]
) -> list[RowResults]:
    """Rows that name table `number` and are no line of it. taken: who stands in its lines."""
    names = {entry.name for entry in taken if isinstance(entry, RowResults)}
    return [row for row in report.rows if number in row.entry.tables and row.name not in names]


def with_own_rows(
    report: ReportInput,
    table: Table,
    own: Iterable[RowResults],
    quantities: Iterable[Quantity],
    extras: Iterable[Extra],
    named: Callable[[RowResults], dict[str, Cell]],
) -> Table:
    """The table with these rows in a section below the paper's; itself where there are none.

    named: the cells of a row's first columns, which say what it is.
    """
    own = list(own)
    if not own:
        return table
    cautions = selection_cautions(report, own)
    rows = [row | {"section": Cell(PAPERS)} for row in table.rows]
    for entry in own:
        row = named(entry) | {"section": Cell(OWN)}
        for quantity in quantities:
            row |= measured_cells(report, quantity, entry)
        row |= {extra.key: q.measured_cell(extra.take(entry)) for extra in extras}
        rows.append(row)
    return replace(
        table,
        rows=tuple(rows),
        columns=(*table.columns, Column("section", "Section")),
        sections="section",
        notes=tuple(dict.fromkeys((*table.notes, *start_notes(own), *cautions))),
        sources=tuple(dict.fromkeys((*table.sources, *_files(own)))),
    )


def measured_cells(report: ReportInput, quantity: Quantity, entry: Accuracy) -> dict[str, Cell]:
    """A quantity of a row that the paper does not have: no number of its, no verdict."""
    if quantity.rule == "accuracy" and (why := untrained(entry)):
        return {f"{quantity.key}_not_comparable": Cell(reason=why)}
    measured, obstacle = quantity.take(report, entry)
    place = "not_comparable" if obstacle else "measured"
    return {f"{quantity.key}_{place}": q.measured_cell(measured)} if measured else {}


def _files(rows: Iterable[RowResults]) -> list[str]:
    files = [
        result
        for row in rows
        for results in (*row.evaluate.values(), (row.cost, row.speed))
        for result in results
    ]
    return [file.name for file in files if file is not None]
