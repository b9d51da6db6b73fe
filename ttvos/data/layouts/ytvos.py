"""YouTube-VOS training videos: masks on every fifth frame, objects that may appear later.

meta.json                            {"videos": {id: {"objects": {"1": {"frames": [...]}}}}}
JPEGImages/<id>/00000.jpg            all frames, or the annotated ones only
Annotations/<id>/00000.png           palette masks of ids, where there are any
"""

from pathlib import Path
from typing import Any

from ttvos.config.run import Stage
from ttvos.core.errors import UserError
from ttvos.core.files import read_json
from ttvos.data.davis import FRAME_SUFFIXES, MASK_SUFFIXES, Sequence, Video, files_by_stem


def training_items(root: str, stage: Stage, heldout: tuple[str, ...] = ()) -> list[Video]:
    """All videos under a root; heldout names DAVIS's sequences, of which none is here."""
    return [Video(sequence, 2017) for sequence in load_sparse_sequences(root)]


def load_sparse_sequences(root: Path | str) -> list[Sequence]:
    """List the videos of `root` (the folder with meta.json, or the one above its `train`).

    A frame without mask has None in `Sequence.masks`. Only headers of folders are read here.
    Raises UserError for a missing or odd meta.json, a video without folder, an annotated frame
    (of meta.json) without frame or mask file, a mask without frame, and a video without masks.
    """
    root = Path(root)
    if (root / "train" / "meta.json").is_file():
        root = root / "train"
    path = root / "meta.json"
    meta = read_json(path)
    videos = meta.get("videos") if isinstance(meta, dict) else None
    if not isinstance(videos, dict) or not videos:
        raise UserError(f"{path}: names no videos; expected YouTube-VOS's meta.json")
    return [
        _load_video(root, name, _annotated(path, name, videos[name])) for name in sorted(videos)
    ]


def _annotated(path: Path, name: str, video: Any) -> list[str]:
    """Names of the frames that show an object, after meta.json."""
    try:
        objects = video["objects"].values()
        return sorted({str(frame) for thing in objects for frame in thing["frames"]})
    except (AttributeError, KeyError, TypeError):
        raise UserError(f"{path}: video {name}: expected objects with lists of frames") from None


def _load_video(root: Path, name: str, annotated: list[str]) -> Sequence:
    frames = files_by_stem(root / "JPEGImages" / name, FRAME_SUFFIXES)
    masks = files_by_stem(root / "Annotations" / name, MASK_SUFFIXES)
    for stem in annotated:
        if stem not in masks:
            raise UserError(f"{root / 'Annotations' / name / stem}.png: missing; meta.json has it")
    for stem, path in masks.items():
        if stem not in frames:
            raise UserError(f"{path}: a mask without a frame of that name; remove or rename")
    return Sequence(name, tuple(frames.values()), tuple(masks.get(stem) for stem in frames))
