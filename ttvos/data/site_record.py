"""What the DAVIS site printed of published results, and the attributes of DAVIS-2016's sequences.

<folder>/2016/<method>_davis.json   {"id": METHOD, SEQUENCE: {"J": ["0.948", ...], "F": [...]}}
<folder>/2017/<method>_davis.json   {"id": METHOD, SEQUENCE_OBJECT: {"J": "0.5942", "F": "0.6840"}}
<folder>/db_info.yml                {"sequences": [{"name": SEQUENCE, "attributes": [AC, ...]}]}

2016: J and F of each scored frame, with three digits; 2017: an object's means, with four. The
first two are of the site's repository (`ttvos.data.published_masks`), the last of DAVIS-2016's
archive, Annotations/db_info.yml. Facts: docs/published-masks.md.
"""

from pathlib import Path
from typing import Any

import numpy as np

from ttvos.core.errors import UserError
from ttvos.core.files import read_json, read_yaml

ATTRIBUTES = "db_info.yml"
DIGITS = {2016: 3, 2017: 4}  # that the site prints after the point
# J and F of an object: one value a scored frame (2016), or one, its mean (2017); fractions.
Printed = tuple[np.ndarray, np.ndarray]


def record_name(method: str, year: int) -> str:
    """The path of a method's file in the folder of the record."""
    return f"{year}/{method}_davis.json"


def recorded_methods(folder: Path | str, year: int) -> list[str]:
    """The methods that the record has for a year; UserError where it has none."""
    files = sorted(Path(folder).glob(record_name("*", year)))
    if not files:
        raise UserError(
            f"{folder}: no record of the DAVIS site for {year} in it; it holds "
            f"{record_name('NAME', year)}: ttvos data fetch davis-record"
        )
    return [path.name.removesuffix("_davis.json") for path in files]


def read_printed(folder: Path | str, year: int, method: str) -> dict[str, Printed]:
    """J and F of each object, "<sequence>_<id>", as the site printed them; in 2016 the id is 1.

    Raises UserError for a file that is missing, damaged, of another method or of another form.
    """
    path = Path(folder) / record_name(method, year)
    values = read_json(path)
    if not isinstance(values, dict) or values.get("id") != method:
        raise UserError(f"{path}: not the DAVIS site's record of {method}")
    found = {name: own for name, own in values.items() if name != "id"}
    ending = "_1" if year == 2016 else ""
    return {
        f"{name}{ending}": _printed(own, year, f"{path}: {name}") for name, own in found.items()
    }


def _printed(own: Any, year: int, where: str) -> Printed:
    """J and F, of one length, all between 0 and 1."""
    if not isinstance(own, dict) or not {"J", "F"} <= set(own):
        raise UserError(f"{where}: expected J and F")
    try:
        j, f = (np.array(own[key] if year == 2016 else [own[key]], dtype=float) for key in "JF")
    except (TypeError, ValueError) as error:
        raise UserError(f"{where}: J and F are not numbers ({error})") from None
    if j.ndim != 1 or j.shape != f.shape:
        raise UserError(f"{where}: expected as many values of F as of J, in a list")
    if not all(((values >= 0) & (values <= 1)).all() for values in (j, f)):
        raise UserError(f"{where}: J and F lie between 0 and 1")
    return j, f


def read_attributes(folder: Path | str) -> dict[str, tuple[str, ...]]:
    """The attributes of each sequence of DAVIS-2016, e.g. ("AC", "OCC"); {} without the file.

    Raises UserError for a folder that is not there, a damaged file and one of another form.
    """
    if not Path(folder).is_dir():
        raise UserError(f"{folder}: no such folder; name the one that holds {ATTRIBUTES}")
    path = Path(folder) / ATTRIBUTES
    if not path.exists():
        return {}
    values = read_yaml(path)
    try:
        return {each["name"]: tuple(map(str, each["attributes"])) for each in values["sequences"]}
    except (KeyError, TypeError):
        raise UserError(f"{path}: names no sequences with their attributes") from None
