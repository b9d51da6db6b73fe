"""Which step's weights a training ends with: scored as the last stage goes on, the best kept.

Only the last stage's steps are candidates: each stage starts from the last weights of the one
before, whose data and frame size are others.
"""

import csv
import io
import math
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ttvos.config.run import Stage, TrainConfig
from ttvos.core.files import atomic_path
from ttvos.model.ttvos import TTVOS

COLUMNS = ("stage", "step", "J&F", "J", "F")  # then one a sequence, and seconds


class Selector:
    """Scores weights where `config.selection` asks for it, and keeps the best.

    scored: every scoring so far: "stage" (name), "step" (steps of the stage done), "J&F", "J",
    "F" (fractions), "sequences" {name: J&F}, "seconds". best: the weights with the highest J&F,
    on the CPU, the earlier ones of equals; None before the first scoring and where the last
    step is taken. out/selection.csv tells the same, in points.
    """

    def __init__(
        self,
        config: TrainConfig,
        out: Path,
        device: torch.device,
        state: dict[str, Any] | None = None,
    ) -> None:
        """state: of an interrupted run, from `state`. Raises UserError as `make_scorer` does."""
        self.config, self.out, self.device = config, out, device
        self.scored: list[dict[str, Any]] = state["scored"] if state else []
        self.best: dict[str, Tensor] | None = state["best"] if state else None
        self._scorer = None
        if config.selection.by != "last":
            # By name, so that the code of evaluation counts as code of a training (see
            # ttvos.core.code_hash) only where it has a say in its result (`TrainConfig.modules`).
            scoring = import_module("ttvos.training.scoring")
            self._scorer = scoring.make_scorer(config)
            scoring.remove_leavings(out)
        if self.scored:
            self._write()
        else:
            (out / "selection.csv").unlink(missing_ok=True)  # of another run

    def due(self, stage: int, steps: int, clips: int) -> frozenset[int]:
        """Counts of done steps after which weights of a stage are scored.

        stage: its number, from 0. steps: of the whole stage; clips: of an epoch.
        """
        if self._scorer is None or stage < len(self.config.stages) - 1:
            return frozenset()
        every = self.config.selection.every
        ends = _epoch_ends(self.config.stages[stage], steps, clips)
        counts = range(every, steps + 1, every) if every else ends
        first = self.config.selection.start * steps
        return frozenset(count for count in counts if count >= first) | {steps}

    def score(
        self, model: TTVOS, weights: dict[str, Tensor], stage: str, step: int
    ) -> dict[str, float]:
        """Score `weights` (the model is left as it is) after `step` steps of a stage.

        Returns J&F, J and F as fractions.
        """
        since = time.perf_counter()
        scores = self._scorer.score(model, weights, self.device, self.out)
        highest = max((line["J&F"] for line in self.scored), default=-1.0)
        if scores["J&F"] > highest:
            self.best = {name: value.detach().cpu().clone() for name, value in weights.items()}
        seconds = round(time.perf_counter() - since, 3)
        self.scored.append({"stage": stage, "step": step, **scores, "seconds": seconds})
        self._write()
        return {name: scores[name] for name in ("J&F", "J", "F")}

    def state(self) -> dict[str, Any]:
        """What another Selector needs to go on."""
        return {"scored": self.scored, "best": self.best}

    def record(self) -> dict[str, Any]:
        """For train.json: how the weights were chosen, on which data, and against which others.

        {"by": } and, unless the last step was taken, "data" {root, year, split, sequences},
        "scorings" (their number), "chosen" and "last": {stage, step, J&F, J, F, sequences}.
        """
        chosen = self.config.selection
        if self._scorer is None:
            return {"by": chosen.by}
        names = [sequence.name for sequence in self._scorer.sequences]
        best = max(self.scored, key=lambda line: line["J&F"])  # the first of equals
        return {
            "by": chosen.by,
            "data": {
                "root": chosen.root,
                "year": chosen.year,
                "split": chosen.scored_split,
                "sequences": names,
            },
            "scorings": len(self.scored),
            "chosen": best,
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
