"""The smallest FRTM training there is, for the tests of its parts."""

import dataclasses
from pathlib import Path

import torch
from safetensors.torch import load_file

from ttvos.config.frtm import FRTMTraining, TargetFit
from ttvos.config.run import Stage
from ttvos.data.clips import make_clips
from ttvos.peers.frtm import training
from ttvos.training.batches import batches
from ttvos.training.parallel import alone

CPU = torch.device("cpu")


def tiny_config(root: Path, steps: int = 2, **changes) -> FRTMTraining:
    """One stage of 64x96 clips of 3 frames, two a batch; a target model of few iterations."""
    stage = Stage(
        name="only",
        source="davis",
        roots=(str(root),),
        height=64,
        width=96,
        frames=3,
        batch=2,
        learning_rate=1e-3,
        steps=steps,
    )
    config = FRTMTraining((stage,), target=TargetFit(8, 2, (3,), (2,)), checkpoint_every=1)
    return dataclasses.replace(config, **changes)


def run(config: FRTMTraining, out: Path, transition: bool = True, seed: int = 0, **options) -> dict:
    training.train_frtm(config, "resnet18", transition, seed, out, **options)
    return load_file(out / "checkpoint.safetensors")


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first | second)


def first_batch(config: FRTMTraining, seed: int = 0) -> dict[str, torch.Tensor]:
    """The batch of step 0 of the first stage."""
    stage = config.stages[0]
    clips = make_clips(stage, seed * 1000)
    return next(iter(batches(clips, stage, range(1), config, alone(), CPU)))[0]
