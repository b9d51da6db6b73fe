"""Frames, masks and maps at the explorer's size, and the script files that it loads them from.

A script calls `ttvosExplorer(KEY, DATA)`: a page that was opened from disk may run scripts, but
may not read files.
"""

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ttvos.core.errors import UserError
from ttvos.core.video import VOID, image_size, read_frame, read_mask
from ttvos.data.davis import Sequence
from ttvos.report.explorer.run_lengths import encode

Size = tuple[int, int]  # width, height
RANGES = ("attention", "transition")


def picture_size(path: Path, longest: int) -> Size:
    """Width and height of a frame's picture, whose longer side has at most `longest` pixels."""
    width, height = image_size(path)
    scale = min(1.0, longest / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def write_frames(sequence: Sequence, size: Size, quality: int, folder: Path) -> None:
    """Write <number>.webp for each frame, numbered from 0."""
    folder.mkdir(parents=True)
    for number, path in enumerate(sequence.frames):
        picture = Image.fromarray(read_frame(path)).resize(size, Image.Resampling.BOX)
        picture.save(folder / f"{number}.webp", quality=quality, method=3)


def masks_data(paths: Iterable[Path | None], year: int, size: Size) -> list[dict[str, str] | None]:
    """For each mask file the run lengths of each object at that size, by its id; no void.

    None stands for a file that is not there.
    """
    return [_runs(path, year, size) if path and path.is_file() else None for path in paths]


def _runs(path: Path, year: int, size: Size) -> dict[str, str]:
    # The first mask, which the scores were made with, has shown that the masks are of ids.
    ids = shrink(read_mask(path, year, void_alone=True), size)
    return {str(number): encode(ids == number) for number in np.unique(ids) if 0 < number < VOID}


def shrink(ids: np.ndarray, size: Size) -> np.ndarray:
    """(H, W) ids -> (height, width): of each new pixel the id in its middle."""
    width, height = size
    rows = ((np.arange(height) + 0.5) * ids.shape[0] / height).astype(int)
    columns = ((np.arange(width) + 0.5) * ids.shape[1] / width).astype(int)
    return ids[np.ix_(rows, columns)]


def maps_data(path: Path) -> dict[str, Any]:
    """What the model saw in a sequence, from the file that `ttvos predict --all-maps` wrote.

    height, width: of a map; by its name range, and frames: bytes of each frame but the first,
    in base 64.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
            found: dict[str, Any] = {}
            for name in (name for name in RANGES if name in arrays):
                _, found["height"], found["width"] = arrays[name].shape
                frames = [base64.b64encode(frame.tobytes()).decode() for frame in arrays[name]]
                ends = [round(float(end), 4) for end in arrays[f"{name}_range"]]
                found[name] = {"range": ends, "frames": frames}
            return found
    except (OSError, KeyError, ValueError) as error:
        raise UserError(f"{path}: not a readable file of maps ({error}); predict anew") from None


def write_script(folder: Path, key: str, data: Any) -> None:
    """Write folder/KEY.js without the data set's name, with which KEY begins."""
    path = folder / f"{key.partition('/')[2]}.js"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    path.write_text(f"ttvosExplorer({json.dumps(key)},{text});\n", encoding="utf-8")
