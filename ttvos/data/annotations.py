"""Ground truth to score masks against: annotations alone, in the layouts in use.

davis        Annotations/<resolution>/<sequence>/00000.png, or without <resolution>, and
             ImageSets/<year>/<split>.txt
youtube-vos  Annotations/<video>/00000.png, perhaps below train/ or valid/ (YouTube-VOS, MOSE)
plain        <sequence>/00000.png
"""

from dataclasses import dataclass
from pathlib import Path

from ttvos.data.davis import Annotation, load_annotation, load_annotations
from ttvos.data.masks_layout import folders, sequence_folders
from ttvos.errors import UserError
from ttvos.files import read_json

DAVIS, YOUTUBE, PLAIN = "davis", "youtube-vos", "plain"
DEPTH = 3  # folders below the one named that are looked into: Annotations/480p


@dataclass(frozen=True)
class Truth:
    """What masks are scored against.

    layout: one of the three above. available: how many sequences it has, of which `annotations`
    are the wanted ones.
    """

    layout: str
    annotations: tuple[Annotation, ...]
    available: int


def dataset_truth(
    root: Path | str, year: int | None, split: str = "val", only: tuple[str, ...] = ()
) -> Truth:
    """The truth of a data set in DAVIS's or YouTube-VOS's layout.

    year: of the masks of DAVIS's layout, 2016 or 2017; the other holds ids. only: names of the
    wanted sequences; () means all. Raises UserError for a folder in neither layout, and for
    damaged data (`ttvos.data.davis.load_annotations`).
    """
    root = Path(root)
    if not root.is_dir():
        raise UserError(f"{root}: no such folder")
    if (root / "ImageSets").is_dir():
        if year is None:
            raise UserError(f"{root}: say which masks it has by year (--year): 2016, 2017 (ids)")
        found, available = load_annotations(root, year, split, only)
        return Truth(DAVIS, tuple(found), available)
    home = _youtube_folder(root, split)
    names = _videos(home)
    masks, frames = home / "Annotations", home / "JPEGImages"
    wanted = _wanted(home, names, only)
    found = [load_annotation(masks / name, name, frames / name) for name in wanted]
    return Truth(YOUTUBE, tuple(found), len(names))


def folder_truth(folder: Path | str, only: tuple[str, ...] = ()) -> Truth:
    """The truth in a plain folder of <sequence>/<frame>.png, or the nearest such folder below it.

    Raises UserError where there is none or more than one, as with a folder for each object.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    level = [folder]
    for _ in range(DEPTH):
        found = [path for path in level if sequence_folders(path)]
        if len(found) > 1:
            raise UserError(
                f"{folder}: several folders with masks of sequences ({found[0]}, {found[1]}); name "
                "one of them. Masks with a folder for each object are not read: merge them to ids"
            )
        if found:
            names = sequence_folders(found[0])
            wanted = _wanted(found[0], names, only)
            annotations = tuple(load_annotation(found[0] / name, name) for name in wanted)
            return Truth(PLAIN, annotations, len(names))
        level = [below for path in level for below in folders(path)]
    raise UserError(f"{folder}: has no masks <sequence>/<frame>.png")


def _youtube_folder(root: Path, split: str) -> Path:
    """The folder that holds Annotations/<video>/: root itself, or its split's."""
    splits = (split, "valid") if split == "val" else (split,)
    for home in (*(root / name for name in splits), root):
        if sequence_folders(home / "Annotations"):
            return home
    others = sorted(path.name for path in folders(root) if sequence_folders(path / "Annotations"))
    if others:
        raise UserError(f"{root}: no split {split}; has {', '.join(others)}")
    raise UserError(
        f"{root}: a data set in neither DAVIS's layout (Annotations and ImageSets) nor "
        "YouTube-VOS's (Annotations/<video>); name a folder of <sequence>/<frame>.png as truth "
        "(--truth) instead"
    )


def _videos(home: Path) -> list[str]:
    """Names of the videos: those of meta.json if it is there, else those with masks."""
    path = home / "meta.json"
    if not path.is_file():
        return sequence_folders(home / "Annotations")
    meta = read_json(path)
    videos = meta.get("videos") if isinstance(meta, dict) else None
    if not isinstance(videos, dict) or not videos:
        raise UserError(f"{path}: names no videos; expected YouTube-VOS's meta.json")
    return sorted(videos)


def _wanted(folder: Path, names: list[str], only: tuple[str, ...]) -> list[str]:
    if unknown := set(only) - set(names):
        raise UserError(f"{folder}: has no {', '.join(sorted(unknown))}")
    return [name for name in names if not only or name in only]
