"""One training of FRTM under way: its parts, and how it is kept on disk to go on from."""

import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from ttvos.config_frtm import FRTMTraining
from ttvos.peers.frtm.training_learner import Learner
from ttvos.peers.frtm.training_samples import TargetScores
from ttvos.training.curves import Curves
from ttvos.training.parallel import Group
from ttvos.training.stale import deciding_hash, finished_notice, is_finished
from ttvos.training.state import Progress, load_progress, save_progress


@dataclass(frozen=True)
class Run:
    """One training under way; `begin` is where this call of it started."""

    config: FRTMTraining
    seed: int
    out: Path
    device: torch.device
    group: Group
    begin: Progress
    learner: Learner
    scores: TargetScores
    curves: Curves

    def save(self, stage: int, step: int, optimizer: torch.optim.Optimizer | None) -> None:
        """Write out/state.pt: the next step of the stage with that number, and all it needs."""
        progress = Progress(
            settings=self.begin.settings,
            code=self.begin.code,
            stage=stage,
            step=step,
            model=self.learner.state_dict(),
            curves=self.curves.text(),
            initial=self.begin.initial,
            optimizer=optimizer.state_dict() if optimizer else None,
            skipped=self.group.notes(),
        )
        save_progress(progress, self.out / "state.pt")


def begin_at(
    out: Path, settings: dict, learner: Learner, initial: dict[str, str | None]
) -> Progress | None:
    """Where to go on, or the very start; None when all is done."""
    key, code = deciding_hash(settings), settings["code"]
    if is_finished(out, settings):
        print(finished_notice(out, settings), file=sys.stderr)
        return None
    for leaving in out.glob(".state.*.part.pt"):  # of a run that was killed while saving
        leaving.unlink()
    start = Progress(key, [code], 0, 0, learner.state_dict(), curves="", initial=initial)
    return load_progress(out / "state.pt", key, code) or start
