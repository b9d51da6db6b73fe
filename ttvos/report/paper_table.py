"""What the paper's tables share: its numbers beside the measured ones, with a verdict per cell."""

from collections.abc import Iterable
from typing import ClassVar

import numpy as np

from ttvos.evaluation.compare import Arms
from ttvos.evaluation.statistics import paired_difference
from ttvos.report import quantities as q
from ttvos.report.evidence import legend
from ttvos.report.intervals import by_seed, paired, sequence_notes
from ttvos.report.join import Line, ReportInput
from ttvos.report.notes import accuracy_notes, selection_cautions, start_notes
from ttvos.report.quantities import Extra, Quantity
from ttvos.report.results import Entry, File, measure, timed_on
from ttvos.report.table import Cell, Column, Table
from ttvos.report.verdicts import ABSENT, NOT_COMPARED, NOT_MEASURED, untrained

PAPERS = "The paper's table"


class PaperTable:
    """One of the paper's tables, filled from the lines of a report's join.

    texts: key -> heading, as printed; flags: the same for ticked columns (1, 0). own_title: heading
    of the rows that the paper lacks. remarks: notes that always stand below.
    """

    number: int
    title: str
    caption: str
    texts: ClassVar[dict[str, str]]
    flags: ClassVar[dict[str, str]] = {}
    quantities: tuple[Quantity, ...]
    extras: tuple[Extra, ...] = ()
    remarks: tuple[str, ...] = ()
    own_title = "Rows of this run that the paper's table does not have"
    always_sections = False

    def line_cells(self, report: ReportInput, line: Line) -> dict[str, Cell]:
        """Cells of one line of the paper's beyond those of texts, flags, quantities and extras."""
        return {}

    def own_cells(self, report: ReportInput, entry: Entry) -> dict[str, Cell]:
        """Cells of a row that the paper lacks: what it is, in the place of texts and flags."""
        raise NotImplementedError

    def columns(self, report: ReportInput) -> list[Column]:
        """All columns but that of the sections."""
        columns = [Column(key, label) for key, label in self.texts.items()]
        columns += [Column(key, label, "flag") for key, label in self.flags.items()]
        for quantity in self.quantities:
            columns += quantity.columns(report)
        return [*columns, *(extra.column for extra in self.extras)]

    def line_rows(self, report: ReportInput) -> list[dict[str, Cell]]:
        """A row for every line of the paper's, whether measured here or not."""
        return [self._line_row(report, line) for line in report.lines[self.number]]

    def _line_row(self, report: ReportInput, line: Line) -> dict[str, Cell]:
        row = {key: Cell(line.printed[key]) for key in self.texts}
        row |= {key: tick(line.printed[key]) for key in self.flags}
        for quantity in self.quantities:
            row |= quantity.cells(report, line)
        for extra in self.extras:
            row |= extra.cell(line.timed if extra.is_speed else line.entry)
        return row | self.line_cells(report, line)

    def _own_row(self, report: ReportInput, entry: Entry) -> dict[str, Cell]:
        row = self.own_cells(report, entry)
        for quantity in self.quantities:
            row |= quantity.own_cells(report, entry)
        for extra in self.extras:
            row |= extra.cell(entry)
        return row

    def notes(self, report: ReportInput) -> list[str]:
        """What only this table has to tell."""
        return []

    def build(self, report: ReportInput) -> Table:
        """Fill the table: the paper's lines, and below them the rows that it lacks."""
        own = report.own(self.number)
        rows, columns = self.line_rows(report), self.columns(report)
        reasons = [*_evidence(rows), *_reasons(self.quantities, rows)]
        has_sections = bool(own) or self.always_sections
        if has_sections:
            columns.append(Column("section", "Section"))
            rows = [row | {"section": Cell(PAPERS)} for row in rows]
            rows += [self._own_row(report, e) | {"section": Cell(self.own_title)} for e in own]
        return report.table(
            columns,
            rows,
            self._sources(report, own),
            name=f"table{self.number}",
            title=f"Table {self.number}: {self.title}",
            caption=self.caption,
            sections="section" if has_sections else "",
            notes=(*self.remarks, *self._notes(report, own, reasons)),
        )

    def _notes(self, report: ReportInput, own: list[Entry], reasons: list[str]) -> list[str]:
        lines = report.lines[self.number]
        entries = [line.entry for line in lines if line.entry]
        masks = [line.masks for line in lines if line.masks]
        trained = [*entries, *own]
        timed = [*(line.timed for line in lines), *own] if self._is_timed else []
        return [
            *_spreads(trained),
            *_of_sequences(report, self.quantities),
            *_streamed(timed),
            *reasons,
            *start_notes(trained),
            *selection_cautions(report, trained),
            *accuracy_notes(report, [*entries, *masks, *own]),
            *self.notes(report),
        ]

    @property
    def _is_timed(self) -> bool:
        return any(extra.is_speed for extra in self.extras)

    def _sources(self, report: ReportInput, own: list[Entry]) -> list[File | None]:
        """The files that the numbers are from."""
        lines = report.lines[self.number]
        groups = [[getattr(x, who) for x in lines] for who in ("entry", "masks", "timed")]
        groups.append([entry for line in lines for entry in line.kept_entries])
        rules = {quantity.rule for quantity in self.quantities}
        files: list[File | None] = []
        for entry in filter(None, (*(one for group in groups for one in group), *own)):
            files += entry.scores() if "accuracy" in rules else []
            files += [entry.cost] if rules & {"macs", "parameters"} else []
            files += [entry.speed] if "speed" in rules else []
        return files


def tick(value: str | bool) -> Cell:
    """A ticked column's cell: True or "1", False or "0", or a word of the paper's."""
    text = str(int(value)) if isinstance(value, bool) else value
    return Cell({"1": "✓", "0": "–"}.get(text, text))


def difference(
    report: ReportInput, one: Entry | None, other: Entry | None, protocol: str
) -> tuple[Cell, Arms | None]:
    """J&F of one row minus another's, in points, over the seeds and sequences that both have.

    As a cell, and paired as a claim is tested. Nothing where either was not scored; a reason where
    either is untrained, a file does not say where it comes from, or nothing is shared. One seed has
    no spread, and no interval.
    """
    if one is None or other is None:
        return Cell(), None
    if why := untrained(one) or untrained(other):
        return Cell(reason=why), None
    files = [
        row.evaluate.get(q.standing(report.manifest, protocol, row), ()) for row in (one, other)
    ]
    measured = [measure(results, q.points("J&F-Mean")) for results in files]
    if None in measured:
        return Cell(), None
    if refused := [found.refusal for found in measured if found.refusal]:
        return Cell(reason="; ".join(refused)), None
    arms = paired(*map(by_seed, files))
    if arms is None:
        return Cell(reason=_nothing_shared(*files)), None
    seeds = np.average(arms[0], axis=0, weights=arms[1])
    spread = float(seeds.std(ddof=1)) if len(seeds) > 1 else None
    return Cell(float(seeds.mean()), spread, interval=_interval(arms)), arms


def _nothing_shared(one: Iterable[File], other: Iterable[File]) -> str:
    is_shared = {result.seed for result in one} & {result.seed for result in other}
    return "no sequence in common" if is_shared else "no seed in common"


def _interval(arms: Arms) -> tuple[float, float] | None:
    """95 %, of the noise of seeds and sequences; None for one of either."""
    if min(arms[0].shape) < 2:
        return None
    found = paired_difference(*arms)
    return found.low, found.high


def _reasons(quantities: Iterable[Quantity], rows: list[dict[str, Cell]]) -> list[str]:
    """Why numbers are not compared, or not there, one note a reason."""
    found: dict[str, list[str]] = {}
    for quantity in quantities:
        verdicts = [row[f"{quantity.key}_verdict"] for row in rows]
        for cell in verdicts:
            if cell.value in (NOT_COMPARED, NOT_MEASURED) and cell.reason != ABSENT:
                found.setdefault(f"{cell.value} ({cell.reason})", []).append(quantity.label)
    return [f"{', '.join(dict.fromkeys(labels))}: {why}." for why, labels in found.items()]


def _evidence(rows: list[dict[str, Cell]]) -> list[str]:
    """What the marks in the cells mean."""
    return legend(cell for row in rows for cell in row.values())


def _spreads(entries: list[Entry]) -> list[str]:
    """What stands behind ±, where a row is the mean of several runs."""
    several = any(len(found.sources) > 1 for entry in entries if (found := q.runs(entry)))
    return ["±: sample standard deviation over the runs in the mean."] if several else []


def _of_sequences(report: ReportInput, quantities: Iterable[Quantity]) -> list[str]:
    """What the sequences behind the accuracies can say, of the datasets that stand in the table."""
    protocols = [each.key.removesuffix("_jf") for each in quantities if each.rule == "accuracy"]
    return sequence_notes(report, [n for p in protocols for n in q.candidates(report.manifest, p)])


def _streamed(entries: Iterable[Entry | None]) -> list[str]:
    """What the streaming figures were measured on, one note."""
    found = dict.fromkeys(timed_on(entry.speed) for entry in entries if entry and entry.speed)
    return [f"Streaming FPS: {'; '.join(found)}."] if found else []
