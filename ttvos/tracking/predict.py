"""Run a tracker over a DAVIS-layout dataset: one palette PNG a frame, one predict.json."""

import sys
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from ttvos.core.device import device_name
from ttvos.core.errors import UserError
from ttvos.core.files import atomic_directory, atomic_path, clear_errors
from ttvos.core.parallel import read_ahead, write_behind
from ttvos.core.provenance import file_hash, provenance
from ttvos.core.video import VOID
from ttvos.data.davis import Sequence, first_mask, load_sequences
from ttvos.records import store
from ttvos.records.schema import Predictions, TrackedSequence
from ttvos.tracking.precision import matrix_precision, precision_of
from ttvos.tracking.protocol import Prediction, Tracker, check_prediction, object_ids, stream
from ttvos.tracking.strips import Strip, choose_sequence


def predict(
    tracker: Tracker,
    dataset: Path | str,
    year: int,
    split: str,
    out: Path | str,
    maps: Path | str | None = None,
    maps_sequence: str | None = None,
    device: str | None = None,
    profile: str | None = None,
    checkpoint: Path | str | None = None,
    only: tuple[str, ...] = (),
    origin: dict[str, Any] | None = None,
) -> Predictions:
    """Track every sequence of a split and write the masks; returns what predict.json holds.

    out: receives `<sequence>/<frame name>.png` for every frame (frame 0: the given mask, void
    as background) and `predict.json`. It appears whole or, after a failure, stays as it was; a
    folder of other things is not replaced.
    maps: an .npz for Figure 7 with up to 4 frames of `maps_sequence` (default: the first one).
    device, profile, checkpoint: for provenance; where the tracker computes, unless its own
    `device` says so, the data's name, e.g. "mini", and the file of its weights (kept as a hash).
    only: names of the sequences to track; () means the whole split.
    origin: more of it, such as `ttvos.tracking.registry.tracker_origin`.
    Memory does not grow with the clips' length: frames are read one by one, one ahead, and masks
    are written behind the tracker's back.
    Only frame 0's mask is looked at (and those of the frames in `maps`).
    Raises UserError for an empty first mask, a frame of another size, unreadable files.
    """
    dataset, out = Path(dataset), Path(out)
    sequences = load_sequences(dataset, year, split, only=only, first_masks=True)
    strip = Strip(choose_sequence(sequences, maps_sequence), year) if maps else None
    shown = tracker.detailed() if strip and hasattr(tracker, "detailed") else tracker
    tracked_by = {"name": tracker.name, **getattr(tracker, "options", {})}
    which = {"year": year, "split": split, **({"only": list(only)} if only else {})}
    source = provenance(
        {"tracker": tracked_by, **which},
        device=device_name(getattr(tracker, "device", device or "cpu")),
        data={"profile": profile, "root": str(dataset), **which},
        tracker=tracked_by,
        **{"checkpoint": file_hash(checkpoint) if checkpoint else None, **(origin or {})},
    )
    results = {}
    with ExitStack() as outputs:
        bar = outputs.enter_context(_progress_bar(sequences))
        maps_file = outputs.enter_context(_maps_file(maps, out)) if maps else None
        folder = outputs.enter_context(atomic_directory(out, marker="predict.json"))
        for sequence in sequences:
            wanted = strip if strip and strip.sequence is sequence else None
            follower = shown if wanted else tracker
            target = folder / sequence.name
            results[sequence.name] = track_sequence(follower, sequence, year, target, bar, wanted)
        # After tracking: some trackers build their networks when the first clip comes.
        source["precision"] = precision_of(tracker)
        source["compiled"] = any(getattr(one, "compiled", False) for one in (tracker, shown))
        record = Predictions(sequences=results, tracker=tracker.name, provenance=source)
        store.write(folder / "predict.json", record)
        if strip:
            with clear_errors(maps):
                strip.save(maps_file, source)
    return record


def track_sequence(
    tracker: Tracker,
    sequence: Sequence,
    year: int,
    folder: Path,
    bar: tqdm,
    strip: Strip | None = None,
) -> TrackedSequence:
    """Track one sequence into `folder`; returns its entry of predict.json."""
    given = first_mask(sequence, year)
    ids = object_ids(given)
    mask = np.where(given == VOID, 0, given).astype(np.uint8)
    ratios, weights, shown = [_ratios(mask, ids)], [], deque()
    reader, writer = read_ahead(sequence.frames), write_behind()
    with as_recorded(tracker), reader as frames, writer as write:
        first = next(frames)
        _check_size(first, given.shape, sequence.frames[0], "its mask")
        write(folder / f"{sequence.frames[0].stem}.png", mask)
        bar.update()
        checked = _checked(frames, sequence, given.shape, shown)
        for number, prediction in enumerate(
            stream(tracker, checked, tracker.init(first, given)), 1
        ):
            path, frame = sequence.frames[number], shown.popleft()
            _check(prediction, frame, ids, path)
            write(folder / f"{path.stem}.png", prediction.mask)
            ratios.append(_ratios(prediction.mask, ids))
            weights.append(_weights(prediction))
            if strip:
                strip.offer(number, frame, prediction)
            bar.update()
    return TrackedSequence(
        objects=list(ids),
        frames=len(sequence.frames),
        update_weights=None if any(row is None for row in weights) else weights,
        foreground_ratio=ratios,
        notes=_notes(ids),
    )


def as_recorded(tracker: Tracker) -> AbstractContextManager:
    """Keep CUDA to the precision that the tracker names: PyTorch's default would let TF32 in."""
    if "torch" not in sys.modules:  # the tracker does without, and its import takes seconds
        return nullcontext()
    return matrix_precision(precision_of(tracker) or "float32")


def _checked(
    frames: Iterator[np.ndarray], sequence: Sequence, shape: tuple[int, ...], shown: deque
) -> Iterator[np.ndarray]:
    """The frames from the second on, each put into `shown` until its prediction is there."""
    for number, frame in enumerate(frames, start=1):
        _check_size(frame, shape, sequence.frames[number], f"frame 0 of {sequence.name}")
        shown.append(frame)
        yield frame


def _progress_bar(sequences: list[Sequence]) -> tqdm:
    total = sum(len(sequence.frames) for sequence in sequences)
    return tqdm(total=total, desc="predict", unit="frame", disable=None)


def _maps_file(maps: Path | str, out: Path):
    maps = Path(maps)
    if maps.resolve().is_relative_to(out.resolve()):
        raise UserError(f"{maps}: lies in the output folder, which is replaced as a whole")
    return atomic_path(maps)


def _check_size(frame: np.ndarray, shape: tuple[int, ...], path: Path, other: str) -> None:
    if frame.shape[:2] != shape:
        height, width = frame.shape[:2]
        raise UserError(f"{path}: {height}x{width} pixels, but {other} has {shape[0]}x{shape[1]}")


def _check(prediction: Prediction, frame: np.ndarray, ids: tuple[int, ...], path: Path) -> None:
    try:
        check_prediction(prediction, frame, ids)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


def _ratios(mask: np.ndarray, ids: tuple[int, ...]) -> list[float]:
    """Each object's share of the frame's area, 0 to 1."""
    counts = np.bincount(mask.ravel(), minlength=256)
    return [float(counts[number] / mask.size) for number in ids]


def _weights(prediction: Prediction) -> list[float] | None:
    """The O update weights of a frame, or None from a tracker without them."""
    if prediction.update_weight is None:
        return None
    return [float(weight) for weight in prediction.update_weight]


def _notes(ids: tuple[int, ...]) -> list[str]:
    """Say which ids the first mask skips: an object that comes later is not tracked."""
    missing = sorted(set(range(1, ids[-1] + 1)) - set(ids))
    return [f"object {number} is not in the first mask and is not tracked" for number in missing]
