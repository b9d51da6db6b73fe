"""What is played live, and who follows it: a tracker, or masks that somebody has made."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ttvos.core.device import device_name, read_clock
from ttvos.core.errors import UserError
from ttvos.core.video import VOID, read_frame, read_mask
from ttvos.data.annotations import DAVIS, Annotation, Truth, dataset_truth
from ttvos.data.davis import load_sequences
from ttvos.data.mask_folders import masks_origin
from ttvos.evaluation.chunk import read_pair
from ttvos.evaluation.objects import object_count
from ttvos.evaluation.tasks import find_tasks
from ttvos.records.schema import Timing
from ttvos.tracking.precision import precision_of
from ttvos.tracking.predict import as_recorded
from ttvos.tracking.protocol import Tracker, check_prediction, object_ids, step_of

Masks = dict[int, np.ndarray]  # (H, W) uint8 ids, by the frame's number
WARMUP = 2  # frames after frame 0 that a tracker follows before it is timed


@dataclass(frozen=True)
class Clip:
    """A sequence of T frames. masks: files of its truth, frames: of its images (none of them where
    masks alone are played). count: objects 1 to `count` are scored."""

    name: str
    year: int
    masks: tuple[Path, ...]
    frames: tuple[Path, ...]
    count: int

    @cached_property
    def first(self) -> np.ndarray:
        """Frame 0's mask as a tracker is given it, (H, W) uint8 ids, 255 = void."""
        return read_mask(self.masks[0], self.year)

    @cached_property
    def given(self) -> np.ndarray:
        """The same as it is shown: void is background."""
        return np.where(self.first == VOID, 0, self.first).astype(np.uint8)

    def truth(self, frame: int) -> np.ndarray:
        """(H, W) uint8 ids of a scored frame; void may be among them."""
        return _read_truth(self.masks[frame], self.year)


@lru_cache(maxsize=256)  # of the clip in hand; the last one's go by themselves
def _read_truth(path: Path, year: int) -> np.ndarray:
    return read_mask(path, year, void_alone=True)


class Follower(Protocol):
    """Gives masks for those frames of a clip that were taken.

    measures: whether it takes real time, and sees no other frame. facts: what decides its masks.
    origin: for the provenance.
    """

    name: str
    measures: bool
    device: str
    precision: str | None
    facts: dict[str, Any]
    origin: dict[str, Any]

    def running(self) -> Any:
        """A context in which `follow` is called."""

    def begin(self, truth: Truth, year: int, only: tuple[str, ...]) -> None:
        """Look for what it needs of these sequences."""

    def follow(self, clip: Clip, taken: tuple[int, ...]) -> tuple[Masks, Timing | None]:
        """The masks of the frames `taken`, ascending, and what they took."""


def load_clips(
    dataset: Path | str, year: int, split: str, only: tuple[str, ...], follower: Follower
) -> tuple[Truth, dict[str, Callable[[], Clip]]]:
    """The truth of a split in DAVIS layout, and for each sequence what makes its clip.

    Raises UserError for another layout, a frame without mask, and unreadable files.
    """
    truth = dataset_truth(dataset, year, split, only)
    if truth.layout != DAVIS:
        raise UserError(f"{dataset}: every frame must have its true mask, as in DAVIS's layout")
    frames: dict[str, tuple[Path, ...]] = {}
    if follower.measures:
        sequences = load_sequences(dataset, year, split, only=only)
        frames = {sequence.name: sequence.frames for sequence in sequences}
    follower.begin(truth, year, only)
    return truth, {
        annotation.name: partial(_clip, annotation, year, frames.get(annotation.name, ()))
        for annotation in truth.annotations
    }


def _clip(annotation: Annotation, year: int, frames: tuple[Path, ...]) -> Clip:
    if annotation.frames is not None and len(annotation.frames) != len(annotation.masks):
        raise UserError(f"{annotation.name}: every frame must have its true mask")
    if len(annotation.masks) < 3:
        raise UserError(
            f"{annotation.name}: {len(annotation.masks)} frames leave none to score (the first and "
            "the last are excluded)"
        )
    return Clip(annotation.name, year, annotation.masks, frames, object_count(annotation, year))


class TrackerFollower:
    """A tracker, which sees the frames that are taken and no others; every step is timed."""

    measures = True

    def __init__(
        self, tracker: Tracker, device: str = "cpu", origin: dict[str, Any] | None = None
    ) -> None:
        """device: where the tracker computes, unless it says so itself. origin: as of `predict`."""
        self.tracker, self.name = tracker, tracker.name
        self.place = str(getattr(tracker, "device", device))
        self.facts = {"name": tracker.name, **getattr(tracker, "options", {})}
        self._origin = origin or {}
        self._warm: set[tuple[int, ...]] = set()

    @property
    def device(self) -> str:
        """Its device's name."""
        return device_name(self.place)

    @property
    def precision(self) -> str | None:
        """See `ttvos.tracking.precision.precision_of`."""
        return precision_of(self.tracker)

    @property
    def origin(self) -> dict[str, Any]:
        """See `Follower`."""
        compiled = bool(getattr(self.tracker, "compiled", False))
        return {"tracker": self.facts, "compiled": compiled, **self._origin}

    def running(self) -> Any:
        """See `Follower`."""
        return as_recorded(self.tracker)

    def begin(self, truth: Truth, year: int, only: tuple[str, ...]) -> None:
        """See `Follower`: it reads each frame when it takes it."""

    def follow(self, clip: Clip, taken: tuple[int, ...]) -> tuple[Masks, Timing]:
        """See `Follower`. A frame size that is new to the tracker is warmed up to first."""
        if clip.first.shape not in self._warm:
            self._warm.add(clip.first.shape)
            self._follow(clip, tuple(range(1, WARMUP + 1)))
        return self._follow(clip, taken)

    def _follow(self, clip: Clip, taken: tuple[int, ...]) -> tuple[Masks, Timing]:
        ids, first = object_ids(clip.first), _read_frame(clip, 0)
        before = read_clock(self.place)
        state = self.tracker.init(first, clip.first)
        timing = Timing(init_ms=[1000 * (read_clock(self.place) - before)], step_ms=[])
        masks = {}
        for number in taken:
            frame = _read_frame(clip, number)
            before = read_clock(self.place)
            prediction, state = step_of(self.tracker, frame, state)
            timing.step_ms.append(1000 * (read_clock(self.place) - before))
            _check(prediction, frame, ids, clip.frames[number])
            masks[number] = prediction.mask.copy()  # a tracker may use its array again
        return masks, timing


def _read_frame(clip: Clip, number: int) -> np.ndarray:
    frame = read_frame(clip.frames[number])
    if frame.shape[:2] != clip.first.shape:
        raise UserError(f"{clip.frames[number]}: not of its mask's size")
    return frame


def _check(prediction: Any, frame: np.ndarray, ids: tuple[int, ...], path: Path) -> None:
    try:
        check_prediction(prediction, frame, ids)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None


class MaskFollower:
    """Masks that somebody has made of every frame, each held back until it would be ready."""

    measures = False
    precision = None

    def __init__(self, folder: Path | str, name: str) -> None:
        """folder: holds <sequence>/<frame>.png, in it or below. name: whose masks they are."""
        self.folder, self.name = Path(folder), name
        self.facts = {"masks": name}
        self._masks: dict[str, tuple[Path, ...]] = {}
        self.origin: dict[str, Any] = {"masks": str(folder)}

    @property
    def device(self) -> str:
        """Of the computer that scores them."""
        return device_name("cpu")

    def running(self) -> Any:
        """See `Follower`."""
        return nullcontext()

    def begin(self, truth: Truth, year: int, only: tuple[str, ...]) -> None:
        """See `Follower`; UserError for masks that are missing."""
        tasks, folder = find_tasks(truth, self.folder, year, only)
        self._masks = {task.annotation.name: task.pairs[0] for task in tasks}
        self.origin |= masks_origin(folder)

    def follow(self, clip: Clip, taken: tuple[int, ...]) -> tuple[Masks, None]:
        """See `Follower`. The last frame's mask can be on screen in no scored frame."""
        results = self._masks[clip.name]
        return {
            number: read_pair(
                results[number - 1], clip.masks[number], clip.year, clip.name, clip.count
            )[0]
            for number in taken
            if number <= len(results)
        }, None
