"""Cells of the tables that changed, as the page prints them."""

import re
from collections.abc import Iterable, Iterator

from ttvos.records.comparison import AccuracyChange, CellChange
from ttvos.records.report import CellRecord, ColumnRecord, TableRecord
from ttvos.report.table import Cell, Column, format_cell

WORDS = ("text", "flag", "paper")  # kinds of columns that tell what a row is
# Columns and rows of time, of what the device reached, and of memory: no two runs have the same.
_TIMING = re.compile(r"(^|_)(fps|ms|seconds|minutes|percent|mib|over_released)($|_)")
_COUNTED = re.compile(r"parameters|gmac")  # whose percent are of counts
EMPTY = CellRecord()
Row = dict[str, CellRecord]


class Cells:
    """What two sides' tables have in common, and what changed of it.

    accuracy: what changed of the accuracies, whose interval a cell gets that shows one of them.
    counted: cells that both have. only: names of tables, rows and columns of one side alone.
    """

    def __init__(
        self,
        before: tuple[TableRecord, ...],
        after: tuple[TableRecord, ...],
        accuracy: Iterable[AccuracyChange] = (),
    ) -> None:
        self.counted, self.changed = 0, []
        self._intervals = {_shown(a.before, a.after): a.interval for a in accuracy if a.interval}
        self.only: tuple[list[str], list[str]] = ([], [])
        old, new = ({table.name: table for table in side} for side in (before, after))
        for name in dict.fromkeys([*new, *old]):
            if name in old and name in new:
                self._compare(old[name], new[name])
            else:
                self.only[name in new].append(f"table {name}")

    def _compare(self, old: TableRecord, new: TableRecord) -> None:
        columns = self._columns(old, new)
        for one, other in _paired(old, new, self.only):
            label = _label(new, other)
            for column in columns:
                self.counted += 1
                cells = one.get(column.key, EMPTY), other.get(column.key, EMPTY)
                if change := _change(*cells, column):
                    interval = self._intervals.get(_shown(*(cell.value for cell in cells)))
                    change |= {"interval": interval} if interval else {}
                    place = {"table": new.name, "row": label, "column": _heading(column)}
                    self.changed.append(CellChange.model_validate(place | change))

    def _columns(self, old: TableRecord, new: TableRecord) -> list[ColumnRecord]:
        keys = {column.key for column in old.columns}, {column.key for column in new.columns}
        for side, table, others in ((0, old, keys[1]), (1, new, keys[0])):
            own = [column for column in table.columns if column.key not in others]
            self.only[side].extend(f"table {table.name}, column {_heading(c)}" for c in own)
        return [column for column in new.columns if column.key in keys[0]]


def _paired(
    old: TableRecord, new: TableRecord, only: tuple[list[str], list[str]]
) -> Iterator[tuple[Row, Row]]:
    """The same row of both; first by all its words, then, of the rest, by its first word alone."""
    pairs: list[tuple[int, Row, Row]] = []
    left, right = list(old.rows), list(enumerate(new.rows))
    for words in (_words, _first):
        rest = []
        for index, row in right:
            same = next((one for one in left if words(old, one) == words(new, row)), None)
            if same is None:
                rest.append((index, row))
                continue
            left = [one for one in left if one is not same]
            pairs.append((index, same, row))
        right = rest
    only[0].extend(f"table {old.name}, row {_label(old, row)}" for row in left)
    only[1].extend(f"table {new.name}, row {_label(new, row)}" for _, row in right)
    for _, one, other in sorted(pairs, key=lambda pair: pair[0]):
        yield one, other


def _words(table: TableRecord, row: Row) -> tuple:
    return tuple((c.key, _value(row, c)) for c in table.columns if c.kind in WORDS)


def _first(table: TableRecord, row: Row) -> tuple:
    keys = [table.columns[0].key, *([table.sections] if table.sections else [])]
    return tuple((row.get(key, EMPTY).value or row.get(key, EMPTY).reason) for key in keys)


def _value(row: Row, column: ColumnRecord) -> object:
    return row.get(column.key, EMPTY).value


def _label(table: TableRecord, row: Row) -> str:
    """The row's first texts, enough to find it on the page."""
    texts = [c for c in table.columns if c.kind == "text" and _value(row, c) is not None]
    parts = [str(_value(row, column)) for column in texts[:2]]
    return ", ".join(part if len(part) < 60 else f"{part[:57]}..." for part in parts) or "–"


def _heading(column: ColumnRecord) -> str:
    return f"{column.group}, {column.label}" if column.group else column.label


def _change(before: CellRecord, after: CellRecord, column: ColumnRecord) -> dict | None:
    """What changed in a cell as it is printed; None for the same text."""
    shape = Column(column.key, column.label, column.kind, column.group, column.digits)
    old, new = (format_cell(_cell(of), shape) for of in (before, after))
    if old == new and before.reason == after.reason:
        return None
    if old == new:
        old, new = (f"{of.value}: {of.reason}" for of in (before, after))
    numbers = [of.value for of in (before, after) if isinstance(of.value, float)]
    is_count = _COUNTED.search(column.key)
    change = {"before": old, "after": new}
    change["timing"] = bool(_TIMING.search(column.key)) and not is_count
    if len(numbers) == 2:
        change["difference"] = numbers[1] - numbers[0]
    return change


def _shown(before: object, after: object) -> tuple[str, ...] | None:
    """By what an accuracy's cells are known: both its means, which hardly another number shares."""
    values = (before, after)
    return tuple(f"{v:.6f}" for v in values) if all(isinstance(v, float) for v in values) else None


def _cell(record: CellRecord) -> Cell:
    interval = tuple(record.interval) if record.interval else None
    return Cell(record.value, record.spread, record.reason, interval=interval)
