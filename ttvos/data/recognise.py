"""Which data sets lie below a folder, recognised by what the folders hold, not by their names.

davis2016, davis2017   JPEGImages/ and ImageSets/, the latter with 2017/ or without
davis                  JPEGImages/ and Annotations/ without lists: MOSE, own videos
ytvos                  meta.json and JPEGImages/ (YouTube-VOS's `train`)
ecssd                  images/ and ground_truth_mask/
hku-is                 imgs/ and gt/
msra10k                .jpg and .png files of the same names
"""

import os
from dataclasses import dataclass
from pathlib import Path

from ttvos.core.errors import UserError
from ttvos.core.files import read_json
from ttvos.data.davis import FRAME_SUFFIXES, all_names, only_resolution, read_split

DEPTH = 3  # folders below the root that are looked into: DAVIS/DAVIS/480p is not unheard of
STILLS = {"ecssd": ("images", "ground_truth_mask"), "hku-is": ("imgs", "gt"), "msra10k": ("", "")}
PHOTO_SUFFIXES = {".jpg", ".jpeg"}


@dataclass(frozen=True)
class Found:
    """A data set on disk. kind: one of the layouts above."""

    kind: str
    folder: Path


def find_sets(root: Path, depth: int = DEPTH) -> list[Found]:
    """All data sets in `root` and up to `depth` folders below it, by path; [] for no folder.

    Hidden folders and `downloads` are left out, and what lies inside a data set.
    """
    if not root.is_dir():
        return []
    kind = recognise(root)
    if kind:
        return [Found(kind, root)]
    if depth == 0:
        return []
    below = sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    return [
        found for path in below if path.name != "downloads" for found in find_sets(path, depth - 1)
    ]


def recognise(folder: Path) -> str | None:
    """The layout that a folder has, if any."""
    names = {entry.name for entry in os.scandir(folder)}
    if {"JPEGImages", "ImageSets"} <= names:
        return "davis2017" if (folder / "ImageSets" / "2017").is_dir() else "davis2016"
    if {"JPEGImages", "meta.json"} <= names:
        return "ytvos"
    if {"JPEGImages", "Annotations"} <= names:
        return "davis"
    for kind in ("ecssd", "hku-is"):
        if set(STILLS[kind]) <= names:
            return kind
    photos = {Path(name).stem for name in names if Path(name).suffix.lower() in PHOTO_SUFFIXES}
    masks = {Path(name).stem for name in names if Path(name).suffix.lower() == ".png"}
    return "msra10k" if photos & masks else None


def count(found: Found) -> dict[str, int]:
    """How much a set holds by its own lists: sequences of each split, videos, or images.

    Raises UserError for an unreadable list.
    """
    if found.kind.startswith("davis"):
        return {split: len(names) for split, names in davis_splits(found).items()}
    if found.kind == "ytvos":
        return {"videos": len(ytvos_videos(found.folder))}
    folder = found.folder / STILLS[found.kind][0]
    suffixes = FRAME_SUFFIXES if found.kind == "hku-is" else PHOTO_SUFFIXES
    images = [p for p in folder.iterdir() if p.suffix.lower() in suffixes]
    return {"images": sum(not path.name.startswith(".") for path in images)}


def davis_splits(found: Found) -> dict[str, list[str]]:
    """Names of the sequences of the splits train and val, as far as there are lists of them.

    A set that has no lists by its layout is one split, "all".
    """
    if found.kind == "davis":
        return {"all": all_names(found.folder, davis_resolution(found.folder))}
    lists = found.folder / "ImageSets"
    years = ("2017",) if found.kind == "davis2017" else ("2016", davis_resolution(found.folder))
    splits = {}
    for split in ("train", "val"):
        for year in years:
            path = lists / year / f"{split}.txt"
            if path.is_file():
                splits[split] = read_split(path)
                break
    return splits


def davis_resolution(folder: Path) -> str:
    """The folder below JPEGImages that counts: 480p, the only one, or the first of several.

    "" where the sequences lie in JPEGImages itself.
    """
    try:
        return only_resolution(folder / "JPEGImages")
    except UserError:
        names = sorted(p.name for p in (folder / "JPEGImages").iterdir() if p.is_dir())
        return names[0] if names else "480p"


def ytvos_videos(folder: Path) -> dict[str, dict]:
    """Videos of YouTube-VOS's meta.json by name; UserError for anything else in the file."""
    meta = read_json(folder / "meta.json")
    videos = meta.get("videos") if isinstance(meta, dict) else None
    if not isinstance(videos, dict) or not all(isinstance(v, dict) for v in videos.values()):
        raise UserError(f"{folder / 'meta.json'}: names no videos")
    return videos
