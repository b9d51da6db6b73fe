"""One training of FRTM under way: its parts, and how it is kept on disk to go on from."""

import sys
from dataclasses import dataclass
from pathlib import Path

import torch

from ttvos.config_frtm import FRTMTraining
from ttvos.files import read_json
from ttvos.peers.frtm.training_learner import Learner
from ttvos.peers.frtm.training_samples import TargetScores
from ttvos.provenance import file_hash, settings_hash
from ttvos.training.curves import Curves
from ttvos.training.parallel import Group
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
    key = settings_hash(settings)
    if is_finished(out, key):
        print(f"{out}: already trained with these settings, data and code", file=sys.stderr)
        return None
    for leaving in out.glob(".state.*.part.pt"):  # of a run that was killed while saving
        leaving.unlink()
    start = Progress(key, 0, 0, learner.state_dict(), curves="", initial=initial)
    return load_progress(out / "state.pt", key) or start


def is_finished(out: Path, settings: str) -> bool:
    """Whether `out` holds the result of these settings, whole and unchanged."""
    result, record = out / "checkpoint.safetensors", out / "train.json"
    if not (result.exists() and record.exists()):
        return False
    known = read_json(record)
    return known.get("hash") == settings and known.get("checkpoint_sha256") == file_hash(result)
