"""What of one method's published masks is there, missing or damaged; changes nothing."""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from ttvos.core.errors import UserError
from ttvos.core.video import read_mask
from ttvos.data.check import Report
from ttvos.data.mask_folders import mask_files
from ttvos.data.published_masks import MaskSet
from ttvos.data.recognise import Found

KIND = "<sequence>/<frame>.png"
_MODES = {"1": "1-bit", "L": "grey", "P": "palette"}


@dataclass(frozen=True)
class _Look:
    """mode: how a file stores its values; highest: of them. trouble: why it cannot be read."""

    mode: str = ""
    highest: int = 0
    trouble: str = ""


def check_masks(masks: MaskSet, root: Path) -> Report:
    """Decode every mask of a set and count them against what was published.

    The report's notes say in which formats the files are, and from where they came.
    """
    folder = masks.folder(root)
    files = {name: mask_files(folder / name) for name in masks.sequences}
    there = [file for found in files.values() for file in found]
    report = Report(
        Found(KIND, folder),
        {"sequences": sum(map(bool, files.values())), "masks": len(there)},
        missing=[str(folder / name) for name, found in files.items() if not found],
    )
    if len(there) < masks.masks:
        lacking = masks.masks - len(there)
        report.missing.append(f"{lacking} of the {masks.masks} masks of DAVIS {masks.year} val")
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        looks = list(pool.map(lambda file: _look(file, masks.year), there))
    report.damaged += [look.trouble for look in looks if look.trouble]
    if formats := describe(looks):
        expected = f" (expected {masks.formats})" if masks.formats not in ("", formats) else ""
        report.notes.append(f"format: {formats}{expected}")
    report.notes.append(f"from {masks.source}; licence: {masks.licence}")
    return report


def describe(looks: list[_Look]) -> str:
    """The formats of some files in words, e.g. "grey 0/255, palette 0/1"."""
    highest: dict[str, int] = {}
    for look in looks:
        if look.mode:
            highest[look.mode] = max(highest.get(look.mode, 0), look.highest)
    parts = []
    for mode, value in sorted(highest.items()):
        values = f" 0/{value}" if value in (1, 255) else f" ids 0 to {value}"
        parts.append("1-bit" if mode == "1-bit" else mode + values)
    return ", ".join(parts)


def _look(path: Path, year: int) -> _Look:
    try:
        read_mask(path, year)
    except UserError as error:
        return _Look(trouble=str(error))
    with Image.open(path) as image:
        return _Look(_MODES.get(image.mode, image.mode), int(np.asarray(image).max()))
