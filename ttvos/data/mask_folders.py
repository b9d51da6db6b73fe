"""Where in a folder somebody's result masks lie: <sequence>/<frame>.png, at the top or below."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ttvos.core.errors import UserError
from ttvos.core.files import read_json

DEPTH = 4  # folders below the one named that are looked into: method/results/Annotations/480p


def masks_folder(folder: Path, sequences: Iterable[str]) -> Path | None:
    """The folder that holds these sequences' masks: `folder`, or the nearest one below it.

    A top folder, or Annotations/480p, are found so; __MACOSX and hidden folders are left out.
    None where no sequence has a PNG file. Raises UserError when two folders of one depth do.
    """
    names, level = set(sequences), [folder]
    for _ in range(DEPTH + 1):
        found = [path for path in level if _holds(path, names)]
        if len(found) > 1:
            shown = " and ".join(str(path) for path in found[:2])
            raise UserError(f"{folder}: masks of the same sequences in {shown}; name one of them")
        if found:
            return found[0]
        level = [below for path in level for below in folders(path)]
    return None


def masks_origin(folder: Path) -> dict[str, Any]:
    """Where the masks in a folder are from, for the provenance; {} for all but published ones."""
    path = folder / "origin.json"
    return {"masks_origin": read_json(path)} if path.is_file() else {}


def sequence_folders(folder: Path) -> list[str]:
    """Names of the folders in a folder that hold masks, sorted."""
    return [path.name for path in folders(folder) if mask_files(path)]


def mask_files(folder: Path) -> list[Path]:
    """The mask files of one sequence, sorted; what file managers hide there is not ours."""
    return sorted(path for path in folder.glob("*.png") if not path.name.startswith("."))


def _holds(folder: Path, names: set[str]) -> bool:
    """Whether it has a folder of masks by one of these names, which may be nested (a/b)."""
    return any((folder / name).is_dir() and mask_files(folder / name) for name in names)


def folders(folder: Path) -> list[Path]:
    """The folders in a folder, sorted, without hidden ones and __MACOSX; [] if there is none."""
    if not folder.is_dir():
        return []
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_dir() and not path.name.startswith(".") and path.name != "__MACOSX"
    )
