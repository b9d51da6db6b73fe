"""A table of the paper's: its numbers beside the measured ones, with a verdict per cell."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ttvos.report import quantities as q
from ttvos.report.inputs import Accuracy, ReportInput, Tracked
from ttvos.report.paper import PAPER_FOLDER, read_paper
from ttvos.report.quantities import Extra, Quantity
from ttvos.report.results import timed_on
from ttvos.report.same_sequences import sequence_notes
from ttvos.report.standing import candidates
from ttvos.report.table import Cell, Column, Table
from ttvos.report.trained import selection_cautions, start_notes
from ttvos.report.verdicts import ABSENT, NOT_MEASURED

# From a line of the paper's to who measured it.
Finder = Callable[[ReportInput, dict[str, str]], Accuracy | None]
Extension = Callable[[ReportInput, Table], Table]


@dataclass(frozen=True)
class Comparison:
    """One of the paper's tables. texts: key -> heading; flags the same for ticked columns (1, 0).

    extend: adds to the filled table what this one table has beyond the others.
    """

    number: int
    title: str
    caption: str
    texts: dict[str, str]
    flags: dict[str, str]
    quantities: tuple[Quantity, ...]
    find: Finder
    extras: tuple[Extra, ...] = ()
    notes: tuple[str, ...] = ()
    extend: Extension | None = None


def build(comparison: Comparison, report: ReportInput, folder: Path = PAPER_FOLDER) -> Table:
    """Fill one table: every row of the paper's, whether measured here or not."""
    rows, sources, entries = [], [], []
    for printed in read_paper(f"table{comparison.number}", folder):
        entry = comparison.find(report, printed)
        row = {key: Cell(printed[key]) for key in comparison.texts}
        row |= {key: tick(printed[key]) for key in comparison.flags}
        for quantity in comparison.quantities:
            row |= quantity.cells(report, printed, entry)
        for extra in comparison.extras:
            row[extra.key] = q.measured_cell(extra.take(entry) if entry else None)
        rows.append(row)
        entries.append(entry)
        sources += _sources(comparison, entry)
    columns = _columns(comparison, report)
    table = Table(
        name=f"table{comparison.number}",
        title=f"Table {comparison.number}: {comparison.title}",
        caption=comparison.caption,
        columns=columns,
        rows=tuple(rows),
        profile=report.manifest.profile,
        caution=report.manifest.caution,
        notes=(
            *comparison.notes,
            *_spreads(entries),
            *_of_sequences(comparison, report),
            *(streamed(entries) if q.STREAMING in comparison.extras else ()),
            *_reasons(comparison, rows),
            *start_notes(entries),
            *selection_cautions(report, entries),
        ),
        sources=tuple(dict.fromkeys(sources)),
    )
    return comparison.extend(report, table) if comparison.extend else table


def _columns(comparison: Comparison, report: ReportInput) -> tuple[Column, ...]:
    columns = [Column(key, label) for key, label in comparison.texts.items()]
    columns += [Column(key, label, "flag") for key, label in comparison.flags.items()]
    for quantity in comparison.quantities:
        columns += quantity.columns(report)
    return (*columns, *(extra.column for extra in comparison.extras))


def tick(value: str) -> Cell:
    """A ticked column's cell: the paper's CSV has 1, 0, or a word."""
    return Cell({"1": "✓", "0": "–"}.get(value, value))


def _reasons(comparison: Comparison, rows: list[dict[str, Cell]]) -> list[str]:
    """Why measured numbers are not compared, one note a reason."""
    found: dict[str, list[str]] = {}
    for quantity in comparison.quantities:
        verdicts = [row[f"{quantity.key}_verdict"] for row in rows]
        reasons = [cell.reason for cell in verdicts if cell.value == NOT_MEASURED]
        for reason in dict.fromkeys(reasons):
            if reason != ABSENT:
                found.setdefault(reason, []).append(quantity.label)
    return [f"{', '.join(labels)}: {NOT_MEASURED} ({why})." for why, labels in found.items()]


def _spreads(entries: list[Accuracy | None]) -> list[str]:
    """What stands behind ±, where a row is the mean of several runs."""
    several = any(q.runs(entry) for entry in entries if entry)
    return ["±: sample standard deviation over the runs in the mean."] if several else []


def _of_sequences(comparison: Comparison, report: ReportInput) -> list[str]:
    """What the sequences behind the accuracies can say, of the datasets that stand in the table."""
    scored = [quantity.key for quantity in comparison.quantities if quantity.rule == "accuracy"]
    protocols = [key.removesuffix("_jf") for key in scored]
    datasets = [name for p in protocols for name in candidates(report.manifest, p)]
    return sequence_notes(report, datasets) if datasets else []


def streamed(entries: list[Accuracy | None]) -> list[str]:
    """What the streaming figures were measured on, one note."""
    files = [entry.speed for entry in entries if isinstance(entry, Tracked) and entry.speed]
    found = dict.fromkeys(timed_on(file) for file in files)
    return [f"Streaming FPS: {'; '.join(found)}."] if found else []


def _sources(comparison: Comparison, entry: Accuracy | None) -> list[str]:
    """Names of the files that this table takes from an entry."""
    if entry is None:
        return []
    rules = {quantity.rule for quantity in comparison.quantities}
    files = []
    if "accuracy" in rules:
        files += [result for results in entry.evaluate.values() for result in results]
    if isinstance(entry, Tracked):
        files += [entry.cost] if rules & {"macs", "parameters"} else []
        files += [entry.speed] if "speed" in rules else []
    return [file.name for file in files if file is not None]
