"""A table as data: what the HTML page and the CSV, Markdown and LaTeX writers share."""

from dataclasses import dataclass

MEASURED_KINDS = ("measured", "other", "extra")
TEXT_KINDS = ("text", "remark", "flag", "verdict", "finding", "evidence")
Kind = str  # one of these, "count", "paper" or "record"
LEFT_OUT_EMPTY = (*MEASURED_KINDS, "record", "remark", "count")


@dataclass(frozen=True)
class Cell:
    """One value. value: text, number, or None for nothing; spread: over the seeds.

    interval: 95 %, over the sequences. reason: why a verdict is so, why there is no number, or
    where a marked one is from. about: which number of the paper's a verdict is on, the same
    wherever that number is repeated. href: where the page links it to. mark: whose a number is, in
    a word (`ttvos.report.evidence`).
    """

    value: str | float | None = None
    spread: float | None = None
    reason: str = ""
    href: str = ""
    interval: tuple[float, float] | None = None
    about: str = ""
    mark: str = ""


EMPTY = Cell()


@dataclass(frozen=True)
class Column:
    """key: its name in the CSV. group: heading over several columns. digits: after the point.

    kind: "measured" is the paper's quantity; "other" stands beside a number of the paper's but
    is another quantity (other data, other device) and must look so; "extra" was measured where
    the paper has nothing; "record" was published elsewhere; "remark" is text of several words;
    "verdict" is on a number of the paper's, "finding" on a claim of its; "evidence" says whose
    number stands beside the paper's, which the page says in the cell.
    signed: a number is a difference, "+" shown. interval: its cells may have intervals.
    """

    key: str
    label: str
    kind: Kind = "text"
    group: str = ""
    digits: int = 1
    signed: bool = False
    interval: bool = False


@dataclass(frozen=True)
class Table:
    """rows: key -> cell; a missing key is an empty cell. sources: names of result files.

    name: the file's stem. sections: key of the column whose values head groups of rows on the
    page. profile, caution: of the data, written into every file.
    """

    name: str
    title: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[dict[str, Cell], ...]
    profile: str
    caution: str
    notes: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    sections: str = ""

    def __post_init__(self) -> None:
        """Two columns of one key would show one's numbers under the other's heading."""
        keys = [column.key for column in self.columns]
        if twice := sorted({key for key in keys if keys.count(key) > 1}):
            raise ValueError(f"table {self.name}: two columns are called {', '.join(twice)}")

    def shown(self) -> tuple[Column, ...]:
        """Columns for reading: an empty column of numbers or remarks is left out."""
        return tuple(column for column in self.columns if self._is_shown(column))

    def on_page(self) -> tuple[Column, ...]:
        """Columns of the page: cells are marked there, and sections are rows."""
        return tuple(c for c in self.shown() if c.kind != "evidence" and c.key != self.sections)

    def _is_shown(self, column: Column) -> bool:
        if column.kind not in LEFT_OUT_EMPTY:
            return True
        return any(self.cell(row, column) != EMPTY for row in self.rows)

    def cell(self, row: dict[str, Cell], column: Column) -> Cell:
        """The cell of a row in a column."""
        return row.get(column.key, EMPTY)

    def verdicts(self) -> list[str]:
        """Status of every verdict cell."""
        return [str(cell.value) for cell in self.verdict_cells()]

    def verdict_cells(self) -> list[Cell]:
        """The cells that hold a verdict; the paper gives no number where one is empty."""
        columns = [column for column in self.columns if column.kind == "verdict"]
        cells = [self.cell(row, column) for row in self.rows for column in columns]
        return [cell for cell in cells if cell.value]

    @property
    def full_caption(self) -> str:
        """Caption with the data profile, for files that leave the page."""
        return f"{self.title}. {self.caption} Run: {self.profile}. {self.caution}".strip()


def format_cell(cell: Cell, column: Column) -> str:
    """A cell as plain text, with its interval and a finding's reason; "–" for an empty one."""
    reason = f"({cell.reason})" if column.kind == "finding" and cell.reason else ""
    parts = (format_value(cell, column), format_interval(cell, column), reason)
    return " ".join(part for part in parts if part)


def format_value(cell: Cell, column: Column) -> str:
    """A cell without its interval."""
    if cell.value is None:
        return cell.reason or "–"
    if isinstance(cell.value, str):
        return cell.value
    text = f"{cell.value:{'+' if column.signed else ''}.{column.digits}f}"
    return text if cell.spread is None else f"{text} ± {cell.spread:.{column.digits}f}"


def format_interval(cell: Cell, column: Column) -> str:
    """A cell's interval, "[60.1, 74.0]"; "" for none."""
    if cell.interval is None:
        return ""
    sign = "+" if column.signed else ""
    low, high = (f"{end:{sign}.{column.digits}f}" for end in cell.interval)
    return f"[{low}, {high}]"
