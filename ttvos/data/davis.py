"""DAVIS 2016 and 2017, and any data set in their layout.

JPEGImages/<resolution>/<sequence>/00000.jpg
Annotations/<resolution>/<sequence>/00000.png
ImageSets/<year>/<split>.txt            one sequence name a line (DAVIS 2017's archive), or
ImageSets/<resolution>/<split>.txt      image and mask path a line (DAVIS 2016's archive)

The folder for the resolution may be left out, and so may ImageSets: then all there is counts.
The names of DAVIS's validation sequences stand here too, for folders of masks that are looked at
without the data set beside them (docs/peers.md, section 6).
"""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from ttvos.core.errors import UserError
from ttvos.core.video import VOID, image_size, read_mask
from ttvos.data.frame_names import find_gaps, in_order

FRAME_SUFFIXES = {".jpg", ".jpeg", ".png"}
MASK_SUFFIXES = {".png"}
MOST_SHOWN = 5  # names in a message


@dataclass(frozen=True)
class Sequence:
    """One video: frame files in order and, for each, its mask file.

    A mask is None only where no more than the first frame's was asked for, or in the test splits,
    which publish that one alone.
    """

    name: str
    frames: tuple[Path, ...]
    masks: tuple[Path | None, ...]


@dataclass(frozen=True)
class Video:
    """A sequence to train on, and the year that says how its masks are read (2016: ids merged)."""

    sequence: Sequence
    year: int


def load_sequences(
    root: Path | str,
    year: int,
    split: str,
    resolution: str | None = None,
    only: tuple[str, ...] = (),
    first_masks: bool = False,
) -> list[Sequence]:
    """List the sequences of a split, in the split file's order, checked file by file.

    year: 2016 or 2017. resolution: folder below JPEGImages; None means 480p, or the only one, or
    none where the sequences lie in JPEGImages itself.
    only: names of the wanted sequences; () means all of the split.
    first_masks: whether it is enough that the first frame of each sequence has a mask.
    Raises UserError for a missing split file or sequence, a frame without mask or a mask without
    frame (only the test splits may lack masks, save the first), a gap in the frame numbers, a
    file that is no image, and frames or masks of different sizes in a sequence.
    """
    root = Path(root)
    if year not in (2016, 2017):
        raise UserError(f"year {year}: DAVIS has the years 2016 and 2017")
    if not (root / "JPEGImages").is_dir():
        raise UserError(f"{root}: no data set in DAVIS layout (no folder JPEGImages in it)")
    resolution = only_resolution(root / "JPEGImages") if resolution is None else resolution
    names = split_names(root, year, split, resolution)
    if unknown := set(only) - set(names):
        raise UserError(f"{root}: split {split} of {year} has no {', '.join(sorted(unknown))}")
    names = [name for name in names if not only or name in only]
    one_is_enough = first_masks or split.startswith("test")
    return [_load_sequence(root, resolution, name, one_is_enough) for name in names]


def first_mask(sequence: Sequence, year: int) -> np.ndarray:
    """Read the mask that a method is given: frame 0's, (H, W) uint8 ids, see `read_mask`.

    Raises UserError when it is missing or holds no object.
    """
    path = sequence.masks[0]
    if path is None:
        raise UserError(f"{sequence.name}: the first frame has no mask")
    ids = read_mask(path, year)
    if not ((ids > 0) & (ids != VOID)).any():
        raise UserError(f"{path}: the first mask is empty, so there is no object to follow")
    return ids


def only_resolution(folder: Path) -> str:
    """The folder below JPEGImages or Annotations that holds the sequences: 480p, or the only one.

    "" where they lie in `folder` itself. Raises UserError for several, or none.
    """
    folders = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    names = [path.name for path in folders]
    if "480p" in names:
        return "480p"
    if any(map(_holds_frames, folders)):
        return ""
    if len(names) == 1:
        return names[0]
    more = f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
    found = ", ".join(names[:MOST_SHOWN]) or "none"
    raise UserError(
        f"{folder}: needs a folder 480p, just one folder, or folders of frames; has {found}{more}"
    )


def _holds_frames(folder: Path) -> bool:
    files = (path for path in folder.iterdir() if not path.name.startswith("."))
    return any(path.suffix.lower() in FRAME_SUFFIXES for path in files)


def split_names(root: Path, year: int, split: str, resolution: str) -> list[str]:
    """Sequence names of a split, from a list of names or of image and mask paths."""
    folders = [root / "ImageSets" / str(year)]
    if year == 2016:
        folders.append(root / "ImageSets" / resolution)
    for folder in folders:
        if (folder / f"{split}.txt").is_file():
            return read_split(folder / f"{split}.txt")
    if not (root / "ImageSets").is_dir():
        return all_names(root, resolution)
    known = sorted({path.stem for folder in folders for path in folder.glob("*.txt")})
    raise UserError(
        f"{folders[0] / f'{split}.txt'}: no such split file "
        f"(splits of {year} here: {', '.join(known) or 'none'})"
    )


def all_names(root: Path, resolution: str) -> list[str]:
    """The folders of sequences, for a data set without lists."""
    kinds = [root / kind / resolution for kind in ("JPEGImages", "Annotations")]
    folder = next(kind for kind in kinds if kind.is_dir())
    found = (path for path in folder.iterdir() if path.is_dir())
    return sorted(path.name for path in found if not path.name.startswith("."))


def read_split(path: Path) -> list[str]:
    """Sequence names of a split file, of either year's kind.

    A name may have blanks and folders in it. Raises UserError for a file without names, one that
    is not UTF-8, and a name that leads out of the data set.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8 text; save the list as UTF-8") from None
    names = list(dict.fromkeys(_name(line.strip()) for line in lines if line.strip()))
    if not names or not all(names):
        raise UserError(f"{path}: names no sequences; expected one sequence name a line")
    if wrong := [name for name in names if ".." in PurePosixPath(name).parts]:
        raise UserError(f"{path}: {wrong[0]}: a sequence lies in the data set, not above it")
    return names


def _name(line: str) -> str:
    """The sequence that a line names: by itself, or by the path of a frame, and of its mask."""
    path = re.match(r"(.+?)/[^/]+\.(?:jpe?g|png)(?:\s|$)", line, re.IGNORECASE)
    if path is None:
        return "/".join(PurePosixPath(line).relative_to("/" if line[0] == "/" else "").parts)
    below = re.fullmatch(r"/?JPEGImages/[^/]+/(.+)", path[1])
    return below[1] if below else PurePosixPath(path[1]).name


def _load_sequence(root: Path, resolution: str, name: str, one_is_enough: bool) -> Sequence:
    frames = files_by_stem(root / "JPEGImages" / resolution / name, FRAME_SUFFIXES)
    masks = files_by_stem(root / "Annotations" / resolution / name, MASK_SUFFIXES)
    folder = root / "Annotations" / resolution / name
    needed = list(frames)[:1] if one_is_enough else list(frames)
    if missing := [stem for stem in needed if stem not in masks]:
        raise UserError(f"{folder / missing[0]}.png: missing; frame {missing[0]} has no mask")
    if extra := [stem for stem in masks if stem not in frames]:
        raise UserError(f"{masks[extra[0]]}: a mask without a frame of that name; remove or rename")
    _check_numbers(name, list(frames))
    check_sizes([*frames.values(), *masks.values()])
    return Sequence(name, tuple(frames.values()), tuple(masks.get(stem) for stem in frames))


def files_by_stem(folder: Path, suffixes: set[str]) -> dict[str, Path]:
    """Files of a sequence by stem, in the order of time; hidden files are not ours."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such sequence folder")
    found = [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in suffixes and not path.name.startswith(".")
    ]
    if not found:
        raise UserError(f"{folder}: has no {' or '.join(sorted(suffixes))} files")
    by_stem = {path.stem: path for path in found}
    if len(by_stem) < len(found):
        raise UserError(f"{folder}: has two files for one frame (same name, different suffix)")
    return {stem: by_stem[stem] for stem in in_order(by_stem)}


def _check_numbers(name: str, stems: list[str]) -> None:
    """Refuse a gap in the frames' numbers."""
    try:
        gaps = find_gaps(stems)
    except UserError as error:
        raise UserError(f"{name}: {error}") from None
    for before, after in gaps:
        raise UserError(f"{name}: frames are missing after {before} (the next is {after})")


def check_sizes(paths: list[Path]) -> None:
    """Refuse frames and masks of different sizes; reads the files' headers only."""
    expected = None
    for path in paths:
        size = image_size(path)
        expected = expected or size
        if size != expected:
            raise UserError(
                f"{path}: {size[1]}x{size[0]}, but {paths[0]} has {expected[1]}x{expected[0]}"
            )


VAL_2016 = (
    "blackswan",
    "bmx-trees",
    "breakdance",
    "camel",
    "car-roundabout",
    "car-shadow",
    "cows",
    "dance-twirl",
    "dog",
    "drift-chicane",
    "drift-straight",
    "goat",
    "horsejump-high",
    "kite-surf",
    "libby",
    "motocross-jump",
    "paragliding-launch",
    "parkour",
    "scooter-black",
    "soapbox",
)
_FURTHER = (
    "bike-packing",
    "dogs-jump",
    "gold-fish",
    "india",
    "judo",
    "lab-coat",
    "loading",
    "mbike-trick",
    "pigs",
    "shooting",
)
VAL_2017 = tuple(sorted(VAL_2016 + _FURTHER))
VAL = {2016: VAL_2016, 2017: VAL_2017}
FRAMES = {2016: 1376, 2017: 1999}
