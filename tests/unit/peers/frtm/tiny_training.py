"""The smallest FRTM training there is, for the tests of its parts."""

from pathlib import Path
from typing import Any

import torch

from tests.unit.training.tiny import batches_of, frtm_config, run_task, started
from ttvos.peers.frtm.learner import Learner
from ttvos.peers.frtm.samples import TargetScores
from ttvos.peers.frtm.training import FRTMTask

Batch = dict[str, torch.Tensor]


def frtm_task(root: Path, transition: bool = False, seed: int = 0, **changes: Any) -> FRTMTask:
    """One step on 64x96 clips of 3 frames, two a batch; changes: of FRTMTraining."""
    return FRTMTask(frtm_config(root, (1,), **changes), "resnet18", transition, seed)


def run(root: Path, out: Path, transition: bool = True, **changes: Any) -> Batch:
    return run_task(frtm_task(root, transition, **changes), out)


def made(task: FRTMTask) -> tuple[Learner, TargetScores]:
    """The networks before the first step, and what fits target models for them."""
    learner = task.prepare(started(task).train())
    return learner, task.scores


def first_batch(task: FRTMTask) -> Batch:
    """The batch of step 0."""
    return batches_of(task.config.stages[0], 1)[0]
