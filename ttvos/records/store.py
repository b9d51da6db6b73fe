"""Reading and writing result files, and refusing what is none.

scores = read("evaluate/exp8-s0/davis17.json", Scores)
scores.means.jf_mean, scores["global"]["J&F-Mean"]     the same number
cost = read(path, RowCost | TrackerCost)               whichever it is
write(path, scores)
scores.origin                                          None: its numbers do not count
"""

from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import ValidationError

from ttvos.core.errors import UserError
from ttvos.core.files import read_json, write_json
from ttvos.records.schema import Result

T = TypeVar("T", bound=Result)


def write(path: Path | str, record: Result) -> None:
    """Write a record as indented JSON, whole or not at all. NaN and infinity are refused."""
    write_json(path, record.plain())


def read(path: Path | str, kind: type[T], name: str | None = None, sourced: bool = False) -> T:
    """Read a result file of a kind; for one of several kinds give their union.

    name: how to call the file in an error, in place of its path. sourced: refuse a file that does
    not say where its numbers come from. Raises UserError for a missing or damaged file, and for
    one that is not of that kind; it says which key is wrong.
    """
    record = parse(read_json(path), kind, str(name or path))
    if sourced and record.origin is None:
        raise UserError(f"{name or path}: does not say where its numbers come from; make it anew")
    return record


def parse(data: Any, kind: type[T], where: str) -> T:
    """Plain data as a record; where: how to call it in an error."""
    if not isinstance(data, dict):
        raise UserError(f"{where}: a result file is a JSON object; make it anew")
    for chosen in get_args(kind) or (kind,):
        if chosen.fits(data):
            break
    try:
        return chosen.model_validate(data)
    except ValidationError as error:
        raise UserError(f"{where}: {_told(error)}; make it anew with this version") from None


def _told(error: ValidationError) -> str:
    """The first thing that does not fit, in words, with its key."""
    first = error.errors(include_url=False)[0]
    key = ".".join(map(str, first["loc"]))
    if first["type"] == "missing":
        return f"has no {key!r}"
    given = repr(first["input"])
    return f"{key}: {first['msg'].lower()}, not {given if len(given) < 60 else '...'}"
