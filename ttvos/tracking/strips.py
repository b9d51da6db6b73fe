"""What the model saw: a strip of frames, the material of Figure 7, in one npz; and all frames of a
sequence, small, for the report's explorer."""

import json
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ttvos.core.errors import UserError
from ttvos.core.video import read_mask
from ttvos.data.davis import Sequence
from ttvos.tracking.protocol import Prediction

FRAMES = 4
MAPS = "maps.npz"  # of all frames, beside a sequence's masks
LEVELS = 255  # of a small map


class Collector(Protocol):
    """Is offered every prediction of a sequence, and keeps what it wants."""

    def offer(self, number: int, frame: np.ndarray, prediction: Prediction) -> None: ...


class Strip:
    """Collects up to `FRAMES` evenly spaced predictions of one sequence (frame 0 left out).

    Memory is that of the kept frames, whatever the sequence's length.
    """

    def __init__(self, sequence: Sequence, year: int):
        self.sequence = sequence
        self.year = year
        last = len(sequence.frames) - 1
        self.numbers = sorted({round(n) for n in np.linspace(1, last, FRAMES)}) if last else []
        self.columns: dict[str, list[Any]] = {
            name: [] for name in ("frame", "truth", "transition", "attention", "prediction")
        }

    def offer(self, number: int, frame: np.ndarray, prediction: Prediction) -> None:
        """Keep frame `number` (H, W, 3) with its prediction if it belongs to the strip."""
        if number not in self.numbers:
            return
        attention, transition = _attention(prediction), prediction.transition
        if transition is None:
            transition = np.full_like(attention, np.nan)
        truth = self.sequence.masks[number]
        if truth is None:
            raise UserError(f"{self.sequence.name}: maps need the mask of frame {number}")
        self.columns["frame"].append(frame)
        self.columns["truth"].append(read_mask(truth, self.year))
        self.columns["transition"].append(merge_objects(transition))
        self.columns["attention"].append(merge_objects(attention))
        self.columns["prediction"].append(prediction.mask)

    def save(self, path: Path, provenance: dict[str, Any]) -> None:
        """Write K frames: frame (K,H,W,3), truth and prediction (K,H,W), all uint8; transition
        and attention (K,h,w) float32, transition NaN from a model without that head; names and
        numbers (K,); provenance: a JSON string.
        """
        if not self.columns["frame"]:
            raise UserError(f"{self.sequence.name}: maps need a sequence of 2 frames or more")
        arrays = {name: np.stack(values) for name, values in self.columns.items()}
        names = np.array([self.sequence.name] * len(self.numbers))
        with open(path, "wb") as handle:  # a handle, because numpy adds .npz to other names
            np.savez_compressed(
                handle,
                **arrays,
                names=names,
                numbers=np.array(self.numbers),
                provenance=np.array(json.dumps(provenance)),
            )


class SmallMaps:
    """Transition and attention maps of every frame of one sequence but frame 0, at half their size.

    Memory is that of the small maps, 6 kB a frame of 480x854.
    """

    def __init__(self) -> None:
        self.transition: list[np.ndarray] = []
        self.attention: list[np.ndarray] = []

    def offer(self, number: int, frame: np.ndarray, prediction: Prediction) -> None:
        """Keep the maps of a prediction."""
        self.attention.append(halve(merge_objects(_attention(prediction))))
        if prediction.transition is not None:
            self.transition.append(halve(merge_objects(prediction.transition)))

    def save(self, path: Path) -> None:
        """Write attention and, where the model has that head, transition: (T-1, h, w) uint8, with
        what 0 and 255 stand for in attention_range and transition_range, (2,) float32 each. The
        transition's range is symmetric; a range holds for the whole sequence.
        """
        arrays = {}
        for name, maps in (("attention", self.attention), ("transition", self.transition)):
            if maps:
                stack = np.stack(maps)
                top = float(np.abs(stack).max())
                ends = (-top, top) if name == "transition" else (stack.min(), stack.max())
                arrays[name], arrays[f"{name}_range"] = _levels(stack, *map(float, ends))
        with open(path, "wb") as handle:
            np.savez_compressed(handle, **arrays)


def _levels(maps: np.ndarray, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    scaled = (maps - low) * (LEVELS / (high - low)) if high > low else np.zeros_like(maps)
    return np.rint(scaled).astype(np.uint8), np.array([low, high], np.float32)


def _attention(prediction: Prediction) -> np.ndarray:
    if prediction.attention is None:
        raise UserError(
            "this tracker has no attention maps to show; leave maps out",
            on_command_line="this tracker has no attention maps to show; leave --maps and "
            "--all-maps out",
        )
    return prediction.attention


def halve(plane: np.ndarray) -> np.ndarray:
    """(h, w) -> (ceil(h/2), ceil(w/2)): means of 2x2 pixels; the last ones stand twice if odd."""
    height, width = plane.shape
    plane = np.pad(plane, ((0, height % 2), (0, width % 2)), mode="edge")
    return plane.reshape(plane.shape[0] // 2, 2, plane.shape[1] // 2, 2).mean(axis=(1, 3))


def merge_objects(maps: np.ndarray) -> np.ndarray:
    """(O, h, w) -> (h, w) float32: at each place the object's value that is furthest from 0."""
    strongest = np.abs(maps).argmax(axis=0)
    return np.take_along_axis(maps, strongest[None], axis=0)[0].astype(np.float32)


def choose_sequence(sequences: list[Sequence], name: str | None) -> Sequence:
    """The sequence called `name`, by default the first; UserError lists the known ones."""
    if name is None:
        return sequences[0]
    for sequence in sequences:
        if sequence.name == name:
            return sequence
    known = ", ".join(sequence.name for sequence in sequences)
    raise UserError(f"maps: no sequence {name!r} in the split; known: {known}")
