"""`ttvos data check`: what of a data set is there, missing or damaged, file by file.

Every image and mask is decoded; nothing is ever written. What the published sets have by nature
is no damage: DAVIS-2016's `bear/00077.png` has two channels, sequences such as bmx-bumps and
surf have empty masks, and saliency masks may differ from their image by a pixel.
"""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ttvos.core.errors import UserError
from ttvos.core.video import read_frame, read_mask
from ttvos.data.davis import FRAME_SUFFIXES, MASK_SUFFIXES
from ttvos.data.frame_names import find_gaps, in_order, missing_between
from ttvos.data.recognise import (
    PHOTO_SUFFIXES,
    STILLS,
    Found,
    count,
    davis_resolution,
    davis_splits,
    ytvos_videos,
)


@dataclass
class Report:
    """What was found out about a data set; `missing` and `damaged` name files or folders."""

    found: Found
    holds: dict[str, int]
    missing: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def complete(self) -> bool:
        """Whether nothing is missing or damaged."""
        return not self.missing and not self.damaged

    def lines(self) -> list[str]:
        """The report as text, a line for each file with trouble."""
        holds = ", ".join(f"{number} {what}" for what, number in self.holds.items())
        state = "complete" if self.complete else "NOT COMPLETE"
        return [
            f"{self.found.folder}: {self.found.kind} layout, {holds or 'no lists'}: {state}",
            *(f"  missing: {text}" for text in self.missing),
            *(f"  damaged: {text}" for text in self.damaged),
            *(f"  note: {text}" for text in self.notes),
        ]


@dataclass(frozen=True)
class _Pair:
    """A frame and its mask, if it has one. group: the sequence, whose frames have one size."""

    frame: Path
    mask: Path | None
    group: str = ""


@dataclass(frozen=True)
class _Verdict:
    pair: _Pair
    size: tuple[int, int] | None
    trouble: tuple[str, ...]
    empty: bool
    differs: bool


def check_set(found: Found, expected: dict[str, int] | None = None) -> Report:
    """Check a data set against its own lists, and against `expected` counts if given.

    expected: what the published set holds, e.g. {"train": 60, "val": 30} sequences.
    """
    try:
        report = Report(found, count(found))
    except UserError as error:
        return Report(found, {}, damaged=[str(error)])
    for what, number in (expected or {}).items():
        lacking = number - report.holds.get(what, 0)
        if lacking > 0:
            noun = f"{what} sequences" if found.kind.startswith("davis") else what
            report.missing.append(f"{lacking} of the {number} {noun} of the published set")
    if found.kind in STILLS:
        pairs, read, tolerance = _still_pairs(report), _read_still_mask, 1
    else:
        year = 2016 if found.kind == "davis2016" else 2017
        whole = expected is not None
        pairs = _ytvos_pairs(report) if found.kind == "ytvos" else _davis_pairs(report, whole)
        read, tolerance = partial(read_mask, year=year), 0
    _judge(report, _decode(pairs, read, tolerance, found.folder.name))
    return report


def _davis_pairs(report: Report, whole: bool) -> list[_Pair]:
    """whole: whether each frame must have its mask; else it is enough that each first one has."""
    root, pairs, only_first = report.found.folder, [], 0
    resolution = davis_resolution(root)
    splits = davis_splits(report.found)
    if not splits:
        report.missing.append(f"{root / 'ImageSets'}: no train.txt or val.txt for the year")
    for name in dict.fromkeys(name for names in splits.values() for name in names):
        folders = (root / kind / resolution / name for kind in ("JPEGImages", "Annotations"))
        frames, masks = (_by_stem(folder, report) for folder in folders)
        _find_gaps(report, root / "JPEGImages" / resolution / name, list(frames))
        has_only_first = len(frames) > 1 and list(masks) == list(frames)[:1] and not whole
        needed = list(frames)[:1] if has_only_first else list(frames)
        only_first += has_only_first
        _compare(report, frames, masks, root / "Annotations" / resolution / name, needed)
        pairs += [_Pair(path, masks.get(stem), name) for stem, path in frames.items()]
    if only_first:
        report.notes.append(f"sequences with the first frame's mask alone: {only_first}")
    return pairs


def _ytvos_pairs(report: Report) -> list[_Pair]:
    root, pairs = report.found.folder, []
    for name, video in sorted(ytvos_videos(root).items()):
        folders = (root / kind / name for kind in ("JPEGImages", "Annotations"))
        frames, masks = (_by_stem(folder, report) for folder in folders)
        try:
            stems = sorted({str(f) for o in video["objects"].values() for f in o["frames"]})
        except (AttributeError, KeyError, TypeError):
            report.damaged.append(f"{root / 'meta.json'}: video {name}: no lists of frames")
            stems = []
        _compare(report, frames, masks, root / "Annotations" / name, stems)
        pairs += [_Pair(path, masks.get(stem), name) for stem, path in frames.items()]
    return pairs


def _still_pairs(report: Report) -> list[_Pair]:
    kind, root = report.found.kind, report.found.folder
    photos = FRAME_SUFFIXES if kind == "hku-is" else PHOTO_SUFFIXES
    images, masks = (root / name for name in STILLS[kind])
    images_by, masks_by = _by_stem(images, report, photos), _by_stem(masks, report, MASK_SUFFIXES)
    _compare(report, images_by, masks_by, masks, list(images_by))
    return [_Pair(path, masks_by.get(stem)) for stem, path in images_by.items()]


def _by_stem(
    folder: Path, report: Report, suffixes: Iterable[str] = FRAME_SUFFIXES
) -> dict[str, Path]:
    """Files of a folder by stem; a missing or empty folder is noted."""
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    files = [p for p in files if p.suffix.lower() in suffixes and not p.name.startswith(".")]
    if not files:
        report.missing.append(f"{folder}: no such folder, or no images in it")
    by_stem = {path.stem: path for path in files}
    return {stem: by_stem[stem] for stem in in_order(by_stem)}


def _compare(
    report: Report,
    frames: dict[str, Path],
    masks: dict[str, Path],
    folder: Path,
    needed: Iterable[str],
) -> None:
    """Note masks that `needed` frames lack, and masks of no frame."""
    if masks:
        lacking = (stem for stem in needed if stem not in masks)
        report.missing += [f"{folder / stem}.png" for stem in lacking]
    if frames:
        extra = (path for stem, path in masks.items() if stem not in frames)
        report.missing += [f"the frame of the mask {path}" for path in extra]


def _find_gaps(report: Report, folder: Path, stems: list[str]) -> None:
    """Note frames that the row of numbers lacks."""
    try:
        gaps = find_gaps(stems)
    except UserError as error:
        report.damaged.append(f"{folder}: {error}")
        return
    for gap in gaps:
        names = missing_between(gap, stems)
        between = [f"{folder}: frames between {gap[0]} and {gap[1]}"]
        report.missing += [f"{folder / name}.jpg" for name in names] if names else between


def _decode(pairs: list[_Pair], read, tolerance: int, label: str) -> list[_Verdict]:
    """Read all images; decoding releases Python's lock, so threads share the processors."""
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        verdicts = pool.map(lambda pair: _look_at(pair, read, tolerance), pairs)
        return list(tqdm(verdicts, total=len(pairs), desc=f"check {label}", disable=None))


def _look_at(pair: _Pair, read, tolerance: int) -> _Verdict:
    frame, trouble = _try(read_frame, pair.frame)
    mask, more = _try(read, pair.mask) if pair.mask else (None, ())
    trouble += more
    differs = frame is not None and mask is not None and mask.shape != frame.shape[:2]
    if differs:
        height, width = frame.shape[:2]
        if max(abs(mask.shape[0] - height), abs(mask.shape[1] - width)) > tolerance:
            size = f"{mask.shape[0]}x{mask.shape[1]}"
            trouble += (f"{pair.mask}: {size}, but its frame is {height}x{width}",)
    size = None if frame is None else frame.shape[:2]
    empty = mask is not None and not mask.any()
    return _Verdict(pair, size, trouble, empty, differs)


def _try(read, path: Path) -> tuple[np.ndarray | None, tuple[str, ...]]:
    try:
        return read(path), ()
    except UserError as error:
        return None, (str(error),)


def _read_still_mask(path: Path) -> np.ndarray:
    return read_frame(path)[..., 0]


def _judge(report: Report, verdicts: list[_Verdict]) -> None:
    """Collect the troubles, sizes that differ within a sequence, and what is only worth a note."""
    first: dict[str, tuple[int, int]] = {}
    for verdict in verdicts:
        report.damaged += verdict.trouble
        group, size = verdict.pair.group, verdict.size
        if group and size and first.setdefault(group, size) != size:
            report.damaged.append(f"{verdict.pair.frame}: not of the size of {group}'s first frame")
    if empty := sum(verdict.empty for verdict in verdicts):
        report.notes.append(f"empty masks (no object in the frame): {empty}")
    if report.found.kind in STILLS:
        fine = sum(verdict.differs and not verdict.trouble for verdict in verdicts)
        if fine:
            report.notes.append(f"masks a pixel larger or smaller than their image: {fine}")
