"""`{davis}`, `{results}`, `{davis2017}` in a run's paths: what stands in them, filled in."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ttvos.core.errors import UserError
from ttvos.core.folders import expand

# Keys whose {name} stands in paths.
FOLDERS = ("results", "davis", "davis_train", "stills", "stills_extra", "backbones")
DATA = "data"  # the run's folder of published data, where it names none
# Where published data of a name lie below a folder, or go to; None for a name that is none.
Place = Callable[[str, Path], Path | None]
_NAME = re.compile(r"\{([\w-]+)\}")


def fill(value: Any, run: dict, where: str, place: Place) -> Any:
    """Fill in every string of plain data, `~` at its start too (`ttvos.core.folders`).

    run: its keys FOLDERS stand for themselves; its `data` is the folder that `place` looks below
    for the other names, those of `ttvos data fetch`. where: how to name the run in an error.
    Raises UserError for a folder that the run lacks.
    """
    if isinstance(value, dict):
        return {key: fill(item, run, where, place) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [fill(item, run, where, place) for item in value]
    if not isinstance(value, str):
        return value

    for name in FOLDERS:
        if "{" + name + "}" in value:
            if not isinstance(run.get(name), str):
                raise UserError(f"{where}: {value!r} needs a folder: add --config {name}=FOLDER")
            value = value.replace("{" + name + "}", run[name])
    try:
        return expand(_NAME.sub(lambda found: _published(found, run, place), value))
    except UserError as error:
        raise UserError(f"{where}: {error}") from None


def _published(found: re.Match[str], run: dict, place: Place) -> str:
    root = run.get("data", DATA)
    if not isinstance(root, str):
        raise UserError(f"data: expected a folder, got {root!r}")
    return str(place(found[1], Path(expand(root))) or found[0])
