"""J&F of a model in training, by the code that makes and scores the reported masks."""

import copy
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from ttvos.config.run import TrainConfig
from ttvos.config.training import Selection
from ttvos.core.errors import UserError
from ttvos.core.files import clear_errors
from ttvos.data.annotations import Annotation
from ttvos.data.davis import Sequence, load_sequences
from ttvos.evaluation.davis import FEW_FRAMES, evaluate
from ttvos.evaluation.objects import object_count
from ttvos.model.ttvos import TTVOS
from ttvos.tracking.predict import track_sequence
from ttvos.tracking.protocol import Tracker
from ttvos.tracking.readable import TTVOSTracker

PREFIX, SUFFIX = ".selection.", ".part"  # of the temporary folders of masks


@dataclass(frozen=True)
class Scorer:
    """What a model is scored on. only: names of its sequences, () for the whole split."""

    selection: Selection
    only: tuple[str, ...]
    sequences: tuple[Sequence, ...]

    def score(
        self, model: TTVOS, weights: dict[str, Tensor], device: torch.device, out: Path
    ) -> dict[str, Any]:
        """Track all sequences with `weights`; returns fractions.

        {"J&F": , "J": , "F": means over objects, "sequences": {name: J&F}}. The model itself is
        only copied: its mode, batch-norm statistics and gradients stay as they are, and nothing
        is drawn at random. out: holds the masks while they are scored.
        """
        # Laid out as a loaded checkpoint is: the scores are, to the bit,
        # those of `ttvos predict --engine reference`.
        copied = copy.deepcopy(model).to(memory_format=torch.contiguous_format)
        copied.load_state_dict(weights)
        tracker = TTVOSTracker(copied, device.type, input_scale=self.selection.input_scale)
        with clear_errors(out):
            folder = tempfile.TemporaryDirectory(prefix=PREFIX, suffix=SUFFIX, dir=out)
        with folder as masks:
            self._track(tracker, Path(masks))
            return self._scores(Path(masks))

    def _track(self, tracker: Tracker, masks: Path) -> None:
        frames = sum(len(sequence.frames) for sequence in self.sequences)
        with tqdm(total=frames, desc="select", unit="frame", leave=False, disable=None) as bar:
            for sequence in self.sequences:
                year = self.selection.year
                track_sequence(tracker, sequence, year, masks / sequence.name, bar)

    def _scores(self, masks: Path) -> dict[str, Any]:
        chosen = self.selection
        frames = sum(len(sequence.frames) for sequence in self.sequences)
        # Spawned processes take seconds to start; as many as the training may have threads.
        workers = 1 if frames < FEW_FRAMES else torch.get_num_threads()
        result = evaluate(
            masks, chosen.root, chosen.year, chosen.scored_split, workers=workers, only=self.only
        )
        found = result.sequences()
        return {
            "J&F": result.means.jf_mean,
            "J": result.means.j_mean,
            "F": result.means.f_mean,
            "sequences": {
                s.name: float(np.mean([scores.jf_mean for scores in found[s.name]]))
                for s in self.sequences
            },
        }


def make_scorer(config: TrainConfig) -> Scorer:
    """Find and check what `config.selection` scores on, before any training.

    Raises UserError for missing data, a held-out sequence that the split lacks, and a sequence
    that cannot be scored.
    """
    chosen = config.selection
    only = config.heldout if chosen.by == "heldout" else ()
    sequences = load_sequences(chosen.root, chosen.year, chosen.scored_split, only=only)
    for sequence in sequences:
        _check_sequence(sequence, chosen.year)
    return Scorer(chosen, only, tuple(sequences))


def _check_sequence(sequence: Sequence, year: int) -> None:
    if len(sequence.frames) < 3:
        raise UserError(
            f"selection: {sequence.name} has {len(sequence.frames)} frames, which leave none to "
            "score (the first and the last are excluded)"
        )
    object_count(Annotation(sequence.name, sequence.masks), year)


def remove_leavings(out: Path) -> None:
    """Delete the masks of a training that was killed while it scored."""
    for folder in out.glob(f"{PREFIX}*{SUFFIX}"):
        shutil.rmtree(folder, ignore_errors=True)
