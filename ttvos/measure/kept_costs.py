"""Costs of peers that the repository keeps: counted once, taken again while the code is the same.

They do not depend on the device. A kept file names what it was counted with; any difference, and
the cost is counted anew.
"""

from importlib.metadata import version
from pathlib import Path
from typing import Any

from ttvos.files import read_json
from ttvos.imports import code_hash
from ttvos.trackers import tracker_code

COUNTING = ("measure/tracker_cost.py", "trackers.py")


def counted_with(name: str, height: int, width: int, objects: int) -> dict[str, Any]:
    """All that a cost hangs on: the tracker's code and options, the counting's, the sizes."""
    return {
        "tracker": tracker_code(name),
        "counting": code_hash(*COUNTING),
        "libraries": {library: version(library) for library in ("torch", "torchvision")},
        "height": height,
        "width": width,
        "objects": objects,
    }


def find_kept(folder: Path | str, name: str, key: dict[str, Any]) -> dict[str, Any] | None:
    """The kept cost of a tracker, if it was counted with just that; its provenance says so.

    folder: of files NAME.json as `ttvos cost --trackers` writes them. key: `counted_with`.
    """
    path = Path(folder) / f"{name}.json"
    if not path.is_file():
        return None
    cost = read_json(path)
    if cost.get("counted_with") != key:
        return None
    return {**cost, "provenance": {**cost["provenance"], "kept": f"{path.parent.name}/{path.name}"}}
