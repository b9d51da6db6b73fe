"""The built-in clips (`mini`): DAVIS-layout clips, stills with masks and a sparse video set.

All is drawn from random numbers: the same settings give the same bytes, and clip i does not
depend on how many clips are made (its generator is seeded with seed, set and i).

Written under the output folder:
  davis/   JPEGImages/<H>p/<clip>/00000.jpg, Annotations/<H>p/<clip>/00000.png (palette),
           ImageSets/{2016,2017}/{train,val}.txt
  stills/  images/0001.jpg, ground_truth_mask/0001.png (0/255)
  ytvos/   train/JPEGImages/<id>/00000.jpg (all), train/Annotations/<id>/00000.png (every 5th),
           train/meta.json
  mini.json  the settings
"""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from ttvos.config.run import MiniConfig
from ttvos.core.errors import UserError
from ttvos.core.files import atomic_directory, write_json
from ttvos.core.video import write_mask
from ttvos.data.builtin.recipe import KINDS, compose, compose_late, compose_still
from ttvos.data.builtin.scene import Scene

QUALITY = 95
ANNOTATED_EVERY = 5
SETS = {"train": 0, "val": 1, "stills": 2, "ytvos": 3}


def generate(out: Path, settings: MiniConfig) -> None:
    """Write the built-in data to the folder `out`, whole or not at all.

    Raises UserError for sizes or counts that make no clips, and for a folder of other things.
    """
    _check(settings)
    with atomic_directory(out, marker="mini.json") as folder:
        _write_davis(folder / "davis", settings)
        _write_stills(folder / "stills", settings)
        _write_ytvos(folder / "ytvos" / "train", settings)
        write_json(folder / "mini.json", {"profile": "mini", **asdict(settings)})


def clip_name(split: str, index: int) -> str:
    """What happens in the clip, and its number: "grow-one-00" ... for training clips; the
    first six validation clips bear the bare names."""
    kind = KINDS[index % len(KINDS)]
    if split == "train":
        return f"{kind}-{index:02d}"
    return kind if index < len(KINDS) else f"{kind}-val-{index:02d}"


def _check(settings: MiniConfig) -> None:
    if min(settings.height, settings.width) < 64 or settings.frames < 2:
        raise UserError("mini: clips need at least 64x64 pixels and 2 frames")
    counts = (settings.train_clips, settings.val_clips, settings.stills, settings.ytvos_clips)
    if min(counts) < 0 or settings.seed < 0:
        raise UserError("mini: seed and counts of clips must not be negative")


def _rng(settings: MiniConfig, part: str, index: int) -> np.random.Generator:
    return np.random.default_rng([settings.seed, SETS[part], index])


def _frames(
    scene: Scene, rng: np.random.Generator, count: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Frames (H, W, 3) uint8 RGB with a little sensor noise, and their ids (H, W) uint8."""
    grain = rng.uniform(0.5, 3.0)
    for number in range(count):
        frame, labels = scene.render(number / max(count - 1, 1))
        frame += grain * rng.standard_normal(frame.shape, dtype=np.float32)
        yield np.clip(frame + 0.5, 0, 255).astype(np.uint8), labels


def _write_davis(root: Path, settings: MiniConfig) -> None:
    names: dict[str, list[str]] = {"train": [], "val": []}
    clips = [("train", i) for i in range(settings.train_clips)]
    clips += [("val", i) for i in range(settings.val_clips)]
    resolution = f"{settings.height}p"
    for split, index in tqdm(clips, desc="mini clips", disable=None):
        name = clip_name(split, index)
        names[split].append(name)
        rng = _rng(settings, split, index)
        scene = compose(rng, KINDS[index % len(KINDS)], settings.height, settings.width)
        for number, (frame, labels) in enumerate(_frames(scene, rng, settings.frames)):
            _write_jpeg(root / "JPEGImages" / resolution / name / f"{number:05d}.jpg", frame)
            write_mask(root / "Annotations" / resolution / name / f"{number:05d}.png", labels)
    for year in ("2016", "2017"):
        for split, members in names.items():
            path = root / "ImageSets" / year / f"{split}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("".join(f"{name}\n" for name in members))


def _write_stills(root: Path, settings: MiniConfig) -> None:
    for index in tqdm(range(settings.stills), desc="mini stills", disable=None):
        rng = _rng(settings, "stills", index)
        scene = compose_still(rng, settings.height, settings.width)
        frame, labels = next(_frames(scene, rng, 1))
        _write_jpeg(root / "images" / f"{index + 1:04d}.jpg", frame)
        mask = np.where(labels > 0, 255, 0).astype(np.uint8)
        _encode(root / "ground_truth_mask" / f"{index + 1:04d}.png", ".png", mask, [])


def _write_ytvos(root: Path, settings: MiniConfig) -> None:
    videos = {}
    for index in tqdm(range(settings.ytvos_clips), desc="mini sparse clips", disable=None):
        name = f"{index:010x}"
        rng = _rng(settings, "ytvos", index)
        scene = compose_late(rng, settings.height, settings.width)
        seen: dict[int, list[str]] = {}
        for number, (frame, labels) in enumerate(_frames(scene, rng, settings.frames)):
            stem = f"{number:05d}"
            _write_jpeg(root / "JPEGImages" / name / f"{stem}.jpg", frame)
            if number % ANNOTATED_EVERY:
                continue
            write_mask(root / "Annotations" / name / f"{stem}.png", labels)
            for i in np.unique(labels[labels > 0]):
                seen.setdefault(int(i), []).append(stem)
        objects = {str(i): {"category": "thing", "frames": seen[i]} for i in sorted(seen)}
        videos[name] = {"objects": objects}
    write_json(root / "meta.json", {"videos": videos})


def _write_jpeg(path: Path, frame: np.ndarray) -> None:
    bgr = np.ascontiguousarray(frame[..., ::-1])
    _encode(path, ".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


def _encode(path: Path, suffix: str, image: np.ndarray, options: list[int]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(cv2.imencode(suffix, image, options)[1].tobytes())
