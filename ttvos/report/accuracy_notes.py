"""What must be known to read the accuracies of a table: datasets, seeds, rows without a result."""

from collections.abc import Iterable

from ttvos.report import trained as seeds
from ttvos.report.inputs import Accuracy, ReportInput, RowResults
from ttvos.report.standing import standing_notes
from ttvos.report.untrained import RULE, untrained


def accuracy_notes(report: ReportInput, entries: Iterable[Accuracy | None]) -> list[str]:
    """Which datasets stand in the columns, what a seed fixes, and which rows are untrained."""
    found = [entry for entry in entries if entry]
    rows = [entry for entry in found if isinstance(entry, RowResults)]
    notes = standing_notes(report, found)
    notes += [seeds.NOTE] if any(any(row.evaluate.values()) for row in rows) else []
    return notes + ([RULE] if any(untrained(row) for row in rows) else [])
