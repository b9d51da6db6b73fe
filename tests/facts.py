"""The tables of docs/facts.md and docs/peers.md: tests hold the code to what stands there."""

import re

from ttvos.core.provenance import REPOSITORY

FACTS = REPOSITORY / "docs" / "facts.md"
PEERS = REPOSITORY / "docs" / "peers.md"


def headings(page) -> set[str]:
    """The numbers of a page's sections: "3", "3.4"."""
    return set(re.findall(r"^#+ ([\d.]*\d)\.? ", page.read_text(), re.MULTILINE))


def section(page, number: str) -> str:
    """A section's text, from its heading to the next one of any depth."""
    found = re.search(
        rf"^#+ {re.escape(number)}\.? .*?(?=^#|\Z)", page.read_text(), re.MULTILINE | re.DOTALL
    )
    assert found, f"{page.name} has no section {number}"
    return found.group()


def table(page, number: str, *columns: str) -> dict[str, dict[str, str]]:
    """The table in a section that has these columns: first cell of a row -> column -> cell.

    Backquotes are taken off, and commas within numbers.
    """
    for lines in re.findall(r"(?:^\|.*\n)+", section(page, number), re.MULTILINE):
        header, _, *rows = (_cells(line) for line in lines.splitlines())
        if set(columns) <= set(header):
            return {row[0]: dict(zip(header, row, strict=True)) for row in rows}
    raise AssertionError(f"{page.name}, section {number}, has no table with {', '.join(columns)}")


def _cells(line: str) -> list[str]:
    cells = (cell.strip().replace("`", "") for cell in line.strip().strip("|").split("|"))
    return [re.sub(r"(?<=\d),(?=\d{3})", "", cell) for cell in cells]


def first_number(cell: str) -> float:
    """The first number in a cell."""
    return float(re.search(r"-?\d+(?:\.\d+)?", cell).group())
