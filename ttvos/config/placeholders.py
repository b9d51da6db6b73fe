"""`{davis}`, `{results}`, `{davis2017}` in a profile's paths: what stands in them, filled in."""

from pathlib import Path
from typing import Any

from ttvos.core.errors import UserError
from ttvos.core.folders import expand
from ttvos.data.sources import NAMES, SOURCES

FOLDERS = ("results", "davis", "davis_train", "stills")  # keys whose {name} stands in paths
DATA = "data"  # the profile's folder of published data, where it names none


def fill(value: Any, profile: dict, where: str) -> Any:
    """Fill in every string of plain data, `~` at its start too (`ttvos.core.folders`).

    profile: its keys FOLDERS stand for themselves; its `data` is the folder that the names of
    `ttvos data fetch` refer to (`ttvos.data.places`). where: how to name the profile in an error.
    Raises UserError for a folder that the profile lacks.
    """
    if isinstance(value, dict):
        return {key: fill(item, profile, where) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [fill(item, profile, where) for item in value]
    if not isinstance(value, str):
        return value
    for name in FOLDERS:
        if "{" + name + "}" in value:
            if not isinstance(profile.get(name), str):
                raise UserError(f"{where}: {value!r} needs a folder: add --config {name}=FOLDER")
            value = value.replace("{" + name + "}", profile[name])
    for name in NAMES:
        if "{" + name + "}" in value:
            value = value.replace("{" + name + "}", _place(name, profile, where))
    try:
        return expand(value)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None


def _place(name: str, profile: dict, where: str) -> str:
    from ttvos.data.places import place

    root = profile.get("data", DATA)
    if not isinstance(root, str):
        raise UserError(f"{where}.data: expected a folder, got {root!r}")
    return str(place(SOURCES[name], Path(expand(root))))
