"""What the counts of MACs lack, told below the table that shows them."""

from typing import Any

from ttvos.render.inputs import ReportInput


def uncounted(report: ReportInput) -> list[str]:
    """A note for each row whose count is not the whole of its work."""
    notes = [(row.label, _told(row.cost.data)) for row in report.rows if row.cost]
    return [f"{label}: {text}" for label, text in notes if text]


def _told(cost: dict[str, Any]) -> str:
    if names := cost.get("uncounted"):
        return f"not in its GMAC, because they cannot be counted: {', '.join(names)}."
    if not cost["macs"]["frame"]:
        return "nothing that PyTorch multiplies ran, so that its GMAC are not known."
    return ""
