"""Which step's weights a training ends with: scored as the last stage goes on, the best kept.

Only the last stage's steps are candidates: each stage starts from the last weights of the one
before, whose data and frame size are others. J&F is by the code that makes and scores the
reported masks.
"""

import copy
import csv
import io
import math
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from ttvos.config.run import Stage
from ttvos.core.errors import UserError
from ttvos.core.files import atomic_path, clear_errors
from ttvos.data.annotations import Annotation
from ttvos.data.davis import Sequence, load_sequences
from ttvos.evaluation.asked import FEW_FRAMES
from ttvos.evaluation.davis import evaluate
from ttvos.evaluation.objects import object_count
from ttvos.tracking.predict import track_sequence
from ttvos.training.task import Task

COLUMNS = ("stage", "step", "J&F", "J", "F")  # then one a sequence, and seconds
PREFIX, SUFFIX = ".selection.", ".part"  # of the temporary folders of masks


class Selector:
    """Scores weights where `task.selection` asks for it, and keeps the best.

    scored: every scoring so far: "stage" (name), "step" (steps of the stage done), "J&F", "J",
    "F" (fractions), "sequences" {name: J&F}, "seconds". best: the weights with the highest J&F,
    on the CPU, the earlier ones of equals; None before the first scoring.
    out/selection.csv tells the same, in points.
    """

    def __init__(
        self, task: Task, out: Path, device: torch.device, state: dict[str, Any] | None = None
    ) -> None:
        """state: of an interrupted run, from `state`. Raises UserError as `find_sequences` does."""
        self.task, self.out, self.device = task, out, device
        self.sequences = find_sequences(task)
        self.scored: list[dict[str, Any]] = state["scored"] if state else []
        self.best: dict[str, Tensor] | None = state["best"] if state else None
        for folder in out.glob(f"{PREFIX}*{SUFFIX}"):  # of a run that was killed while it scored
            shutil.rmtree(folder, ignore_errors=True)
        if self.scored:
            self._write()

    def due(self, stage: int, steps: int, clips: int) -> frozenset[int]:
        """Counts of done steps after which weights of a stage are scored.

        stage: its number, from 0. steps: of the whole stage; clips: of an epoch.
        """
        stages, chosen = self.task.config.stages, self.task.selection
        if stage < len(stages) - 1:
            return frozenset()
        ends = _epoch_ends(stages[stage], steps, clips)
        counts = range(chosen.every, steps + 1, chosen.every) if chosen.every else ends
        return frozenset(count for count in counts if count >= chosen.start * steps) | {steps}

    def score(
        self, network: nn.Module, weights: dict[str, Tensor], stage: str, step: int
    ) -> dict[str, float]:
        """Score `weights` after `step` steps of a stage; returns J&F, J and F as fractions.

        The network is only copied: its mode, batch-norm statistics and gradients stay as they
        are, and nothing is drawn at random.
        """
        since = time.perf_counter()
        scores = self._track_and_score(network, weights)
        highest = max((line["J&F"] for line in self.scored), default=-1.0)
        if scores["J&F"] > highest:
            self.best = {name: value.detach().cpu().clone() for name, value in weights.items()}
        seconds = round(time.perf_counter() - since, 3)
        self.scored.append({"stage": stage, "step": step, **scores, "seconds": seconds})
        self._write()
        return {name: scores[name] for name in ("J&F", "J", "F")}

    def _track_and_score(self, network: nn.Module, weights: dict[str, Tensor]) -> dict[str, Any]:
        """{"J&F": , "J": , "F": means over objects, "sequences": {name: J&F}}, fractions."""
        # Laid out as a loaded checkpoint is: the scores are, to the bit,
        # those of `ttvos predict --engine reference`.
        copied = copy.deepcopy(network).to(memory_format=torch.contiguous_format)
        copied.load_state_dict(weights)
        chosen = self.task.selection
        tracker = self.task.tracker(copied, self.device.type, chosen.input_scale)
        frames = sum(len(sequence.frames) for sequence in self.sequences)
        with clear_errors(self.out):
            folder = tempfile.TemporaryDirectory(prefix=PREFIX, suffix=SUFFIX, dir=self.out)
        progress = tqdm(total=frames, desc="select", unit="frame", leave=False, disable=None)
        with folder as masks, progress as bar:
            for sequence in self.sequences:
                track_sequence(tracker, sequence, chosen.year, Path(masks, sequence.name), bar)
            # Spawned processes take seconds to start; as many as the training may have threads.
            workers = 1 if frames < FEW_FRAMES else torch.get_num_threads()
            split = chosen.root, chosen.year, chosen.scored_split
            result = evaluate(masks, *split, workers=workers, only=scored_names(self.task))
        found = result.sequences()
        return {
            **{name: result.means[f"{name}-Mean"] for name in ("J&F", "J", "F")},
            "sequences": {
                s.name: float(np.mean([scores.jf_mean for scores in found[s.name]]))
                for s in self.sequences
            },
        }

    def state(self) -> dict[str, Any]:
        """What another Selector needs to go on."""
        return {"scored": self.scored, "best": self.best}

    def record(self) -> dict[str, Any]:
        """For train.json: how the weights were chosen, on which data, and against which others.

        {"by": , "data": {root, year, split, sequences}, "scorings": their number, "chosen" and
        "last": {stage, step, J&F, J, F, sequences}}.
        """
        chosen = self.task.selection
        return {
            "by": chosen.by,
            "data": {
                "root": chosen.root,
                "year": chosen.year,
                "split": chosen.scored_split,
                "sequences": [sequence.name for sequence in self.sequences],
            },
            "scorings": len(self.scored),
            "chosen": max(self.scored, key=lambda line: line["J&F"]),  # the first of equals
            "last": self.scored[-1],
        }

    def _write(self) -> None:
        """selection.csv, whole: J&F, J, F and each sequence's J&F in points."""
        names = list(self.scored[0]["sequences"])
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow([*COLUMNS, *names, "seconds"])
        for line in self.scored:
            scores = [line["J&F"], line["J"], line["F"], *line["sequences"].values()]
            points = [f"{100 * score:.3f}" for score in scores]
            writer.writerow([line["stage"], line["step"], *points, line["seconds"]])
        with atomic_path(self.out / "selection.csv") as temporary:
            temporary.write_text(buffer.getvalue())


def _epoch_ends(stage: Stage, steps: int, clips: int) -> list[int]:
    """Counts of steps after which each whole epoch of `clips` clips has been learnt."""
    epochs = steps * stage.batch // clips
    return [math.ceil(epoch * clips / stage.batch) for epoch in range(1, epochs + 1)]


def scored_names(task: Task) -> tuple[str, ...]:
    """Names of the sequences that are scored; () for the whole split."""
    return task.config.heldout if task.selection.by == "heldout" else ()


def find_sequences(task: Task) -> tuple[Sequence, ...]:
    """Find and check what `task.selection` scores on, before any training.

    Raises UserError for missing data, a held-out sequence that the split lacks, and a sequence
    that cannot be scored.
    """
    chosen = task.selection
    split = chosen.root, chosen.year, chosen.scored_split
    sequences = load_sequences(*split, only=scored_names(task))
    for sequence in sequences:
        if len(sequence.frames) < 3:
            raise UserError(
                f"selection: {sequence.name} has {len(sequence.frames)} frames, which leave none "
                "to score (the first and the last are excluded)"
            )
        object_count(Annotation(sequence.name, sequence.masks), chosen.year)
    return tuple(sequences)
