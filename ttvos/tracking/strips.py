"""A strip of frames with what the model saw in them: the material of Figure 7, in one npz."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from ttvos.core.errors import UserError
from ttvos.core.video import read_mask
from ttvos.data.davis import Sequence
from ttvos.tracking.protocol import Prediction

FRAMES = 4


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
        attention, transition = prediction.attention, prediction.transition
        if attention is None:
            raise UserError(
                "this tracker has no attention maps to show; leave maps out",
                on_command_line="this tracker has no attention maps to show; leave --maps out",
            )
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
