"""Ground truth to score masks against: annotations alone, in the layouts in use.

davis        Annotations/<resolution>/<sequence>/00000.png, or without <resolution>, and
             ImageSets/<year>/<split>.txt
youtube-vos  Annotations/<video>/00000.png, perhaps below train/ or valid/ (YouTube-VOS, MOSE), or
             Annotations/<resolution>/<video>/00000.png without ImageSets (own videos)
plain        <sequence>/00000.png

JPEGImages is not needed. Where it is there, it tells which frames there are.
"""

from dataclasses import dataclass
from pathlib import Path

from ttvos.core.errors import UserError
from ttvos.core.files import read_json
from ttvos.data.davis import (
    FRAME_SUFFIXES,
    MASK_SUFFIXES,
    check_sizes,
    files_by_stem,
    only_resolution,
    split_names,
)
from ttvos.data.mask_folders import folders, sequence_folders

DAVIS, YOUTUBE, PLAIN = "davis", "youtube-vos", "plain"
DEPTH = 3  # levels of folders in which those of the sequences are sought: Annotations/480p


@dataclass(frozen=True)
class Annotation:
    """The true masks of one video.

    masks: files in the order of time, one for each annotated frame. frames: the names (stems) of
    all frames in order, where they are known.
    """

    name: str
    masks: tuple[Path, ...]
    frames: tuple[str, ...] | None = None


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
    """The truth of a data set in DAVIS's or YouTube-VOS's layout, in the order of its list.

    year: of the masks of DAVIS's layout, 2016 or 2017; the other holds ids. only: names of the
    wanted sequences; () means all. Raises UserError for a folder in neither layout, a missing
    split file or sequence, a mask without frame, and masks of different sizes in a sequence.
    """
    root = Path(root)
    if not root.is_dir():
        raise UserError(f"{root}: no such folder")
    if (root / "ImageSets").is_dir():
        if year is None:
            raise UserError(f"{root}: say which masks it has by year (--year): 2016, 2017 (ids)")
        return _davis_truth(root, year, split, only)
    home, masks = _youtube_folders(root, split)
    frames = home / "JPEGImages" / masks.relative_to(home / "Annotations")
    return _truth(YOUTUBE, masks, _videos(home, masks), only, frames)


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
            return _truth(PLAIN, found[0], sequence_folders(found[0]), only)
        level = [below for path in level for below in folders(path)]
    raise UserError(f"{folder}: has no masks <sequence>/<frame>.png")


def _davis_truth(root: Path, year: int, split: str, only: tuple[str, ...]) -> Truth:
    if year not in (2016, 2017):
        raise UserError(f"year {year}: DAVIS has the years 2016 and 2017")
    masks = root / "Annotations"
    if not masks.is_dir():
        raise UserError(f"{masks}: no such folder, so there is nothing to score against")
    resolution = "" if sequence_folders(masks) else only_resolution(masks)
    names = split_names(root, year, split, resolution)
    return _truth(DAVIS, masks / resolution, names, only, root / "JPEGImages" / resolution)


def _truth(
    layout: str, folder: Path, names: list[str], only: tuple[str, ...], frames: Path | None = None
) -> Truth:
    """The masks <name>/<frame>.png in a folder. frames: where JPEGImages would have them."""
    if unknown := set(only) - set(names):
        raise UserError(f"{folder}: its list has no {', '.join(sorted(unknown))}")
    wanted = [name for name in names if not only or name in only]
    found = [_annotation(folder / name, name, frames and frames / name) for name in wanted]
    return Truth(layout, tuple(found), len(names))


def _annotation(folder: Path, name: str, frames: Path | None) -> Annotation:
    masks, stems = files_by_stem(folder, MASK_SUFFIXES), None
    if frames is not None and frames.is_dir():
        stems = tuple(files_by_stem(frames, FRAME_SUFFIXES))
        if extra := [stem for stem in masks if stem not in stems]:
            path = masks[extra[0]]
            raise UserError(f"{path}: a mask without a frame of that name; remove or rename")
    check_sizes(list(masks.values()))
    return Annotation(name, tuple(masks.values()), stems)


def _youtube_folders(root: Path, split: str) -> tuple[Path, Path]:
    """The folder that has Annotations, which is root itself or its split's, and where in it the
    folders of the videos lie."""
    splits = (split, "valid") if split == "val" else (split,)
    for home in (*(root / name for name in splits), root):
        if masks := _video_folders(home):
            return home, masks
    if others := [path.name for path in folders(root) if _video_folders(path)]:
        raise UserError(f"{root}: no split {split}; has {', '.join(others)}")
    raise UserError(
        f"{root}: a data set in neither DAVIS's layout (Annotations and ImageSets) nor "
        "YouTube-VOS's (Annotations/<video>); name a folder of <sequence>/<frame>.png as truth "
        "(--truth) instead"
    )


def _video_folders(home: Path) -> Path | None:
    masks = home / "Annotations"
    within = folders(masks)
    places = [masks, masks / "480p", *(within if len(within) == 1 else ())]
    return next((place for place in places if sequence_folders(place)), None)


def _videos(home: Path, masks: Path) -> list[str]:
    """Names of the videos: those of meta.json if it is there, else those with masks."""
    path = home / "meta.json"
    if not path.is_file():
        return sequence_folders(masks)
    meta = read_json(path)
    videos = meta.get("videos") if isinstance(meta, dict) else None
    if not isinstance(videos, dict) or not videos:
        raise UserError(f"{path}: names no videos; expected YouTube-VOS's meta.json")
    return sorted(videos)
