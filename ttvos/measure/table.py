"""Markdown tables that a terminal shows well too."""

from collections.abc import Container, Sequence


def aligned(
    heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: Container[int] = ()
) -> str:
    """A Markdown table, every column padded to its widest cell.

    numbers: indices of the columns that are set flush right. A bar in a cell is escaped.
    """
    lines = [[cell.replace("|", r"\|") for cell in line] for line in (heads, *rows)]
    widths = [max(3, *(len(line[i]) for line in lines)) for i in range(len(heads))]
    rule = [
        "-" * (width - 1) + (":" if index in numbers else "-") for index, width in enumerate(widths)
    ]
    return "".join(_line(line, widths, numbers) for line in (lines[0], rule, *lines[1:]))


def _line(cells: Sequence[str], widths: Sequence[int], numbers: Container[int]) -> str:
    padded = [
        cell.rjust(width) if index in numbers else cell.ljust(width)
        for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return f"| {' | '.join(padded)} |\n"
