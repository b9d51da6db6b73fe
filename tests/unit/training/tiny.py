"""The smallest training there is, for the tests of its parts."""

import csv
import dataclasses
from pathlib import Path

import torch
from safetensors.torch import load_file

from ttvos.config.experiments import find_variant
from ttvos.config.run import Stage, TrainConfig
from ttvos.training import batches
from ttvos.training import loop as training
from ttvos.training.parallel import Group, alone

EXP8 = find_variant("exp8")


def tiny_config(root: Path, steps: tuple[int, ...] = (2, 2), **changes) -> TrainConfig:
    """One stage for each number of steps, on 32x64 clips of 3 frames, two a batch."""
    stages = tuple(
        Stage(
            name=f"stage{number}",
            source="davis",
            roots=(str(root),),
            height=32,
            width=64,
            frames=3,
            batch=2,
            learning_rate=1e-3,
            steps=count,
        )
        for number, count in enumerate(steps, start=1)
    )
    return dataclasses.replace(TrainConfig(stages=stages, checkpoint_every=1), **changes)


def run(config: TrainConfig, out: Path, seed: int = 0, **options) -> dict[str, torch.Tensor]:
    training.train(config, EXP8, "hrnet", seed, out, **options)
    return load_file(out / "checkpoint.safetensors")


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first | second)


def rows(out: Path) -> list[dict[str, str]]:
    with open(out / "loss.csv", newline="") as handle:
        return list(csv.DictReader(handle))


def board_steps(out: Path) -> list[int]:
    """Steps of the total loss as TensorBoard itself reads the folder."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = EventAccumulator(str(out / "tensorboard")).Reload()
    return [point.step for point in board.Scalars("loss/total")]


def damage(root: Path, sequence: str) -> None:
    """Cut every image of a sequence off: its header still tells the size."""
    for image in (root / "JPEGImages/480p" / sequence).glob("*.jpg"):
        data = image.read_bytes()
        image.write_bytes(data[: len(data) // 2])


class Interrupted(Exception):
    """Stands for whatever may end a training in its midst."""


def batches_of(stage: Stage, steps: int, first: int = 0) -> list[dict[str, torch.Tensor]]:
    return [batch for batch, _ in read(stage, range(first, steps))]


def read(
    stage: Stage, steps: range, group: Group | None = None, **changes
) -> list[tuple[dict[str, torch.Tensor], float]]:
    """What `batches` yields; changes: of TrainConfig."""
    config, device = TrainConfig(stages=(), **changes), torch.device("cpu")
    clips = training.make_clips(stage, 0)
    return list(batches.batches(clips, stage, steps, config, group or alone(), device))
