"""The form of results kept in the repository: results-published/NAME, small text files.

`scores.csv` has a line for each row, seed and dataset, `sequences.csv` one for each sequence of
it, `published.json` says what was done, with what, and where every file came from. Where the scores
were compared with those of the DAVIS site, `site.json` holds the differences, by dataset, and
`attributes.csv` the means over the sequences with an attribute.
`ttvos.report.publication.publish` writes them, the report reads them.
"""

import csv
import io
import types
import typing
from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from ttvos.core.errors import UserError
from ttvos.core.files import read_json, write_json
from ttvos.core.provenance import REPOSITORY
from ttvos.records.schema import SiteCheck
from ttvos.records.store import parse

FOLDER = REPOSITORY / "results-published"
SCORES, SEQUENCES, RECORD = "scores.csv", "sequences.csv", "published.json"
SITE, ATTRIBUTES = "site.json", "attributes.csv"
UNITS = "scores and decays in points of 100; recalls in percent; seconds of training"

Line = TypeVar("Line", "Score", "SequenceScore", "AttributeScore")


@dataclass(frozen=True)
class Score:
    """One line of scores.csv: means over the objects of a dataset, in points of 100.

    kind: "model", "reference", "published" (masks that a method of Table 3 published) or "masks"
    (somebody's); all but models have no variant, backbone, seed and training. label: in words; of
    a published method as Table 3 prints it. steps, seconds, device: of the training, where its
    record is there.
    """

    row: str
    kind: str
    label: str
    variant: str
    backbone: str
    seed: int | None
    dataset: str
    dataset_label: str
    sequences: int
    objects: int
    jf: float
    j_mean: float
    j_recall: float
    j_decay: float
    f_mean: float
    f_recall: float
    f_decay: float
    steps: int | None
    seconds: float | None
    device: str


@dataclass(frozen=True)
class SequenceScore:
    """One line of sequences.csv: means over a sequence's objects, in points of 100."""

    row: str
    seed: int | None
    dataset: str
    sequence: str
    objects: int
    jf: float
    j_mean: float
    f_mean: float


@dataclass(frozen=True)
class AttributeScore:
    """One line of attributes.csv: means over the objects of so many sequences, in points of 100.

    attribute: of DAVIS-2016's sequences, e.g. "OCC" for occlusion.
    """

    row: str
    label: str
    dataset: str
    attribute: str
    sequences: int
    jf: float
    j_mean: float
    f_mean: float


@dataclass(frozen=True)
class Published:
    """One folder of results-published. record: published.json; site: site.json, by dataset."""

    name: str
    record: dict[str, Any]
    scores: tuple[Score, ...]
    sequences: tuple[SequenceScore, ...] = ()
    site: dict[str, SiteCheck] = field(default_factory=dict)
    attributes: tuple[AttributeScore, ...] = ()

    @property
    def title(self) -> str:
        """What the results are, in a few words."""
        return str(self.record["title"])

    @property
    def where(self) -> str:
        """The folder's name, from the repository on."""
        return f"{FOLDER.name}/{self.name}"

    @property
    def origins(self) -> list[dict[str, Any]]:
        """Provenance of every file that the numbers are from."""
        return [file["provenance"] for file in self.record["files"]]

    @property
    def devices(self) -> str:
        """Names of the devices that measured it."""
        return "; ".join(sorted({str(source["device"]) for source in self.origins}))

    @property
    def date(self) -> str:
        """The day of the last measurement, as 2026-11-22."""
        return max((str(source["time"])[:10] for source in self.origins), default="no date")


def to_csv(kind: type[Line], lines: Iterable[Line]) -> str:
    """Lines as CSV, scores with four decimals (a ten-thousandth of a point)."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(each.name for each in fields(kind))
    writer.writerows([_text(value) for value in astuple(line)] for line in lines)
    return buffer.getvalue()


def _text(value: str | float | None) -> str:
    if value is None:
        return ""
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def read_lines(kind: type[Line], path: Path) -> tuple[Line, ...]:
    """Read what `to_csv` wrote; UserError names file and line of whatever does not fit."""
    hints = typing.get_type_hints(kind)
    try:
        with open(path, newline="", encoding="utf-8") as handle:
            rows = list(csv.DictReader(handle))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; publish the results again") from None
    lines = []
    for number, row in enumerate(rows, start=2):
        if set(row) != set(hints) or None in row.values():
            raise UserError(f"{path}: line {number}: columns must be exactly {', '.join(hints)}")
        try:
            lines.append(kind(**{name: _value(hints[name], row[name]) for name in hints}))
        except ValueError as error:
            raise UserError(f"{path}: line {number}: {error}") from None
    return tuple(lines)


def _value(hint: Any, text: str) -> Any:
    if isinstance(hint, types.UnionType):
        return _value(typing.get_args(hint)[0], text) if text else None
    return hint(text)


def read_published(folder: Path | None = None) -> list[Published]:
    """All folders of published results, by name; none where there is no such folder.

    folder: None means the repository's.
    """
    return [read_folder(path.parent) for path in sorted((folder or FOLDER).glob(f"*/{RECORD}"))]


def read_folder(folder: Path) -> Published:
    """One folder of published results. Raises UserError for a file that is missing or damaged."""
    record = read_json(folder / RECORD)
    needed = ("title", "caution", "profile", "datasets", "recipes", "files", "missing")
    if not isinstance(record, dict) or not set(needed) <= set(record):
        text = "not a record of published results; publish them again"
        raise UserError(f"{folder / RECORD}: {text}")
    scores = read_lines(Score, folder / SCORES)
    sequences = read_lines(SequenceScore, folder / SEQUENCES)
    _check_runs(folder, scores, sequences)
    return Published(folder.name, record, scores, sequences, *_compared(folder))


def write_tables(
    folder: Path,
    record: dict[str, Any],
    scores: Iterable[Score],
    sequences: Iterable[SequenceScore],
) -> None:
    """Write the record and its tables into a folder that is there."""
    (folder / SCORES).write_text(to_csv(Score, scores), encoding="utf-8")
    (folder / SEQUENCES).write_text(to_csv(SequenceScore, sequences), encoding="utf-8")
    write_json(folder / RECORD, record)


def _compared(folder: Path) -> tuple[dict[str, SiteCheck], tuple[AttributeScore, ...]]:
    """What stands in a folder of the DAVIS site and of attributes; nothing in most."""
    path, table = folder / SITE, folder / ATTRIBUTES
    plain = read_json(path) if path.is_file() else {}
    site = {name: parse(one, SiteCheck, f"{path}: {name}") for name, one in plain.items()}
    return site, read_lines(AttributeScore, table) if table.is_file() else ()


def _check_runs(
    folder: Path, scores: tuple[Score, ...], sequences: tuple[SequenceScore, ...]
) -> None:
    """Raise UserError unless each line of scores.csv has all its sequences, and they a line."""
    counted = Counter((line.row, line.seed, line.dataset) for line in sequences)
    wanted = {(line.row, line.seed, line.dataset): line.sequences for line in scores}
    for run in wanted.keys() | counted.keys():
        if counted[run] != wanted.get(run, 0):
            row, seed, dataset = run
            where = f"{row}{'' if seed is None else f', seed {seed}'}, {dataset}"
            raise UserError(
                f"{folder / SEQUENCES}: {where}: {counted[run]} sequences, but {SCORES} has "
                f"{wanted.get(run, 0)}; publish the results again"
            )
