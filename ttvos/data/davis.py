"""DAVIS 2016 and 2017, and any data set in their layout.

JPEGImages/<resolution>/<sequence>/00000.jpg
Annotations/<resolution>/<sequence>/00000.png
ImageSets/<year>/<split>.txt            one sequence name a line (DAVIS 2017's archive), or
ImageSets/<resolution>/<split>.txt      image and mask path a line (DAVIS 2016's archive)
"""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from ttvos.errors import UserError
from ttvos.video import VOID, image_size, read_mask

FRAME_SUFFIXES = {".jpg", ".jpeg", ".png"}
MASK_SUFFIXES = {".png"}


@dataclass(frozen=True)
class Sequence:
    """One video: frame files in order and, for each, its mask file.

    A mask is None only in the test splits, which publish the first frame's mask alone.
    """

    name: str
    frames: tuple[Path, ...]
    masks: tuple[Path | None, ...]


def load_sequences(
    root: Path | str,
    year: int,
    split: str,
    resolution: str | None = None,
    only: tuple[str, ...] = (),
) -> list[Sequence]:
    """List the sequences of a split, in the split file's order, checked file by file.

    year: 2016 or 2017. resolution: folder below JPEGImages; None means 480p, or the only one.
    only: names of the wanted sequences; () means all of the split.
    Raises UserError for a missing split file or sequence, a frame without mask or a mask without
    frame (only the test splits may lack masks, save the first), a gap in the frame numbers, a
    file that is no image, and frames or masks of different sizes in a sequence.
    """
    root = Path(root)
    if year not in (2016, 2017):
        raise UserError(f"year {year}: DAVIS has the years 2016 and 2017")
    if not (root / "JPEGImages").is_dir():
        raise UserError(f"{root}: no data set in DAVIS layout (no folder JPEGImages in it)")
    resolution = resolution or only_resolution(root / "JPEGImages")
    names = split_names(root, year, split, resolution)
    if unknown := set(only) - set(names):
        raise UserError(f"{root}: split {split} of {year} has no {', '.join(sorted(unknown))}")
    names = [name for name in names if not only or name in only]
    return [_load_sequence(root, resolution, name, split) for name in names]


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
    """The folder below JPEGImages or Annotations that counts: 480p, or the only one."""
    folders = sorted(p.name for p in folder.iterdir() if p.is_dir())
    if "480p" in folders:
        return "480p"
    if len(folders) == 1:
        return folders[0]
    found = ", ".join(folders) or "none"
    raise UserError(f"{folder}: needs a folder 480p or just one folder, has {found}")


def split_names(root: Path, year: int, split: str, resolution: str) -> list[str]:
    """Sequence names of a split, from a list of names or of image and mask paths."""
    folders = [root / "ImageSets" / str(year)]
    if year == 2016:
        folders.append(root / "ImageSets" / resolution)
    for folder in folders:
        if (folder / f"{split}.txt").is_file():
            return read_split(folder / f"{split}.txt")
    known = sorted({path.stem for folder in folders for path in folder.glob("*.txt")})
    raise UserError(
        f"{folders[0] / f'{split}.txt'}: no such split file "
        f"(splits of {year} here: {', '.join(known) or 'none'})"
    )


def read_split(path: Path) -> list[str]:
    """Sequence names of a split file, of either year's kind; UserError if there are none."""
    try:
        lines = [line.split() for line in path.read_text().splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a readable split file ({error})") from None
    # A path names its sequence by its folder: /JPEGImages/480p/<sequence>/00000.jpg
    names = [Path(words[0]).parent.name if "/" in words[0] else words[0] for words in lines]
    names = list(dict.fromkeys(names))
    if not names or "" in names:
        raise UserError(f"{path}: names no sequences; expected one sequence name a line")
    return names


def _load_sequence(root: Path, resolution: str, name: str, split: str) -> Sequence:
    frames = files_by_stem(root / "JPEGImages" / resolution / name, FRAME_SUFFIXES)
    masks = files_by_stem(root / "Annotations" / resolution / name, MASK_SUFFIXES)
    folder = root / "Annotations" / resolution / name
    needed = list(frames)[:1] if split.startswith("test") else list(frames)
    if missing := [stem for stem in needed if stem not in masks]:
        raise UserError(f"{folder / missing[0]}.png: missing; frame {missing[0]} has no mask")
    if extra := [stem for stem in masks if stem not in frames]:
        raise UserError(f"{masks[extra[0]]}: a mask without a frame of that name; remove or rename")
    _check_numbers(name, list(frames))
    check_sizes([*frames.values(), *masks.values()])
    return Sequence(name, tuple(frames.values()), tuple(masks.get(stem) for stem in frames))


def files_by_stem(folder: Path, suffixes: set[str]) -> dict[str, Path]:
    """Files of a sequence by stem, sorted; hidden files are not ours."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such sequence folder")
    found = [
        path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in suffixes and not path.name.startswith(".")
    ]
    if not found:
        raise UserError(f"{folder}: has no {' or '.join(sorted(suffixes))} files")
    by_stem = {path.stem: path for path in found}
    if len(by_stem) < len(found):
        raise UserError(f"{folder}: has two files for one frame (same name, different suffix)")
    return by_stem


def _check_numbers(name: str, stems: list[str]) -> None:
    """Refuse a gap: numbered frames go up in equal steps (usually of 1)."""
    if len(stems) < 3 or not all(stem.isdecimal() for stem in stems):
        return
    steps = [int(b) - int(a) for a, b in pairwise(stems)]
    usual = min(steps)
    for stem, step in zip(stems, steps, strict=False):
        if step != usual:
            raise UserError(f"{name}: frames are missing after {stem} (next is {step} later)")


def check_sizes(paths: list[Path]) -> None:
    """Refuse frames and masks of different sizes; reads the files' headers only."""
    expected = None
    for path in paths:
        size = image_size(path)
        expected = expected or size
        if size != expected:
            raise UserError(
                f"{path}: {size[0]}x{size[1]}, but {paths[0]} has {expected[0]}x{expected[1]}"
            )
