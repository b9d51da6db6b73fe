"""The smallest trainings there are: of TTVOS, of FRTM-VOS, and of a toy network for the loop."""

import csv
import dataclasses
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ttvos.config.experiments import find_variant
from ttvos.config.frtm import FRTMTraining, TargetFit
from ttvos.config.run import Stage, TrainConfig
from ttvos.data.clips import make_clips
from ttvos.peers.frtm.training import FRTMTask
from ttvos.tracking.baselines import HeldStill
from ttvos.training import loop
from ttvos.training.batches import batches
from ttvos.training.losses import heatmap_loss
from ttvos.training.parallel import Group, alone
from ttvos.training.task import Task
from ttvos.training.ttvos import TTVOSTask

EXP8 = find_variant("exp8")
CPU = torch.device("cpu")
Weights = dict[str, Tensor]


def tiny_stages(root: Path, steps: tuple[int, ...], **changes: Any) -> tuple[Stage, ...]:
    """One stage for each number of steps, on 32x64 clips of 3 frames, two a batch."""
    values = {"source": "davis", "roots": (str(root),), "height": 32, "width": 64, "frames": 3}
    values |= {"batch": 2, "learning_rate": 1e-3, **changes}
    return tuple(
        Stage(name=f"stage{number}", steps=count, **values)
        for number, count in enumerate(steps, start=1)
    )


def tiny_config(root: Path, steps: tuple[int, ...] = (2, 2), **changes: Any) -> TrainConfig:
    """TTVOS's, saved at every step."""
    config = TrainConfig(stages=tiny_stages(root, steps), checkpoint_every=1)
    return dataclasses.replace(config, **changes)


def frtm_config(root: Path, steps: tuple[int, ...] = (2, 2), **changes: Any) -> FRTMTraining:
    """FRTM's, on 64x96 pixels, with a target model of few iterations."""
    stages = tiny_stages(root, steps, height=64, width=96)
    config = FRTMTraining(stages, target=TargetFit(8, 2, (3,), (2,)), checkpoint_every=1)
    return dataclasses.replace(config, **changes)


def with_extras(config: TrainConfig) -> TrainConfig:
    """What the paper's training has not, all at once."""
    first = dataclasses.replace(config.stages[0], warmup=2, end_rate=1e-5, spoilt=0.5)
    extras = {"optimizer": "adamw", "weight_decay": 0.1, "clip_norm": 1.0, "average": 0.9}
    stages = (first, *config.stages[1:])
    return dataclasses.replace(config, stages=stages, precision="bfloat16", **extras)


class Toy(TTVOSTask):
    """A pixel's class by two small convolutions: for what is the loop's, whatever it trains.

    Its loss draws random numbers, as dropout would; its tracker repeats the first mask.
    """

    def network(self) -> nn.Module:
        backbone = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4))
        return nn.ModuleDict({"backbone": backbone, "head": nn.Conv2d(4, 2, 1)})

    def new_backbone(self) -> nn.Module:
        return self.network()["backbone"]

    def prepare(self, network: nn.Module) -> nn.Module:
        return network

    def losses(self, network, batch, spoilt, counts) -> Weights:
        frames = batch["frames"][:, 1:].flatten(0, 1)
        logits = network["head"](network["backbone"](frames)) * (0.5 + torch.rand(()))
        loss = heatmap_loss(
            logits, batch["labels"][:, 1:].flatten(0, 1), (counts or {}).get("heatmap")
        )
        return {"heatmap": loss, "total": loss}

    def save(self, network, path, provenance) -> None:
        weights = {name: value.contiguous() for name, value in network.state_dict().items()}
        save_file(weights, path, {"provenance": json.dumps(provenance)})

    def tracker(self, network, device, input_scale) -> HeldStill:
        return HeldStill()


def make_task(kind: str, root: Path, steps: tuple[int, ...] = (2, 2), seed: int = 0, **changes):
    """A task of that kind: "toy", "ttvos", "extras" (TTVOS with all there is) or "frtm"."""
    if kind == "frtm":
        return FRTMTask(frtm_config(root, steps, **changes), "resnet18", True, seed)
    config = tiny_config(root, steps, **changes)
    if kind == "extras":
        config = with_extras(config)
    return (Toy if kind == "toy" else TTVOSTask)(config, EXP8, "hrnet", seed)


def run_task(task: Task, out: Path, **options: Any) -> Weights:
    loop.train(task, out, **options)
    return load_file(out / "checkpoint.safetensors")


def run_toy(root: Path, out: Path, steps: tuple[int, ...] = (2, 2), **changes: Any) -> Weights:
    return run_task(make_task("toy", root, steps, **changes), out)


def run(config: TrainConfig, out: Path, seed: int = 0, **options: Any) -> Weights:
    """Train TTVOS."""
    return run_task(TTVOSTask(config, EXP8, "hrnet", seed), out, **options)


def same(first: Weights, second: Weights) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first | second)


def started(task: Task) -> nn.Module:
    """The task's network with its initial weights."""
    network = task.network()
    task.start(network)
    return network


def rows(out: Path) -> list[dict[str, str]]:
    with open(out / "loss.csv", newline="") as handle:
        return list(csv.DictReader(handle))


def record(out: Path) -> dict[str, Any]:
    return json.loads((out / "train.json").read_text())


def board_points(out: Path, tag: str = "loss/total") -> list[tuple[int, float]]:
    """Steps and values as TensorBoard itself reads the folder."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    board = EventAccumulator(str(out / "tensorboard")).Reload()
    return [(point.step, point.value) for point in board.Scalars(tag)]


def damage(root: Path, sequence: str) -> None:
    """Cut every image of a sequence off: its header still tells the size."""
    for image in (root / "JPEGImages/480p" / sequence).glob("*.jpg"):
        data = image.read_bytes()
        image.write_bytes(data[: len(data) // 2])


class Interrupted(Exception):
    """Stands for whatever may end a training in its midst."""


def batches_of(stage: Stage, steps: int, first: int = 0) -> list[Weights]:
    return [batch for batch, _ in read(stage, range(first, steps))]


def read(
    stage: Stage, steps: range, group: Group | None = None, **changes: Any
) -> list[tuple[Weights, float]]:
    """What `batches` yields; changes: of TrainConfig."""
    config = TrainConfig(stages=(), **changes)
    return list(batches(make_clips(stage, 0), stage, steps, config, group or alone(), CPU))
