"""Text for people: Markdown tables, counted nouns, numbers with three digits."""

from collections.abc import Container, Iterable, Sequence


def markdown_table(
    heads: Sequence[str],
    rows: Iterable[Sequence[str]],
    numbers: Container[int] = (),
    padded: bool = False,
) -> str:
    """A Markdown table; every line ends in a newline.

    numbers: indices of the columns that are set flush right. padded: every column is as wide as
    its widest cell, for a table that is read as it is too. A bar in a cell is escaped, a line
    break becomes a space.
    """
    lines = [[_one_line(cell) for cell in line] for line in (heads, *rows)]
    widths = [max(3, *map(len, column)) if padded else 3 for column in zip(*lines, strict=True)]
    rule = ["-" * (w - 1) + (":" if i in numbers else "-") for i, w in enumerate(widths)]
    lines.insert(1, rule)
    if padded:
        lines = [
            [f"{cell:{'>' if i in numbers else '<'}{widths[i]}}" for i, cell in enumerate(line)]
            for line in lines
        ]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _one_line(cell: str) -> str:
    return cell.replace("|", r"\|").replace("\n", " ")


def counted(number: int, noun: str) -> str:
    """A number with its noun: "1 frame", "3 frames"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def three_digits(number: float) -> str:
    """A number with three digits and no exponent, six decimals at most: 0.0123, 1.23, 1,230."""
    decimals = next((n for n in range(6) if abs(number) * 10**n >= 100), 6) if number else 0
    return f"{number:,.{decimals}f}"
