"""What changed, as a page in the report's style: one file, nothing loaded from anywhere."""

from pathlib import Path

from ttvos.core.files import atomic_path
from ttvos.records.comparison import Comparison
from ttvos.report.page import environment


def write_page(found: Comparison, path: Path | str) -> None:
    """Write the page of a comparison."""
    text = (
        environment()
        .get_template("compare.html.j2")
        .render(
            found=found,
            cells=[cell for cell in found.changed_cells if not cell.timing],
            timing=[cell for cell in found.changed_cells if cell.timing],
        )
    )
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
