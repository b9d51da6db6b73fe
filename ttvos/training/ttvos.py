"""Training of TTVOS: its network, losses and optimizer (docs/facts.md, section 4)."""

import hashlib
import math
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ttvos.config.experiments import Variant
from ttvos.config.run import Stage, TrainConfig, as_plain
from ttvos.engine.learning import learner
from ttvos.model import weights as checkpoint
from ttvos.model.backbones import build_backbone
from ttvos.model.ttvos import TTVOS, build_model
from ttvos.tracking.protocol import Tracker
from ttvos.training.loop import train as train_task
from ttvos.training.losses import counted_values
from ttvos.training.task import Task, Tensors, own_generator
from ttvos.training.unroll import clip_loss


def train(
    config: TrainConfig,
    variant: Variant,
    backbone: str,
    seed: int,
    out: Path,
    device: str = "cpu",
    profile: str | None = None,
) -> None:
    """Train one row of TTVOS's; see `ttvos.training.loop.train`."""
    train_task(TTVOSTask(config, variant, backbone, seed), out, device, profile)


class TTVOSTask(Task):
    """One experiment on one backbone, with one seed."""

    section = "train"
    config: TrainConfig
    # `accumulate` decides as one of "parts", `freeze` as the backbone's own.
    undecisive = (
        "accumulate",
        "checkpoint_every",
        "checkpointing",
        "freeze",
        "processes",
        "skip_damaged",
        "workers",
    )

    def __init__(self, config: TrainConfig, variant: Variant, backbone: str, seed: int = 0) -> None:
        super().__init__(config, backbone, seed)
        self.variant, self.is_frozen = variant, config.freeze.get(backbone, True)
        self.accumulate, self.clip_norm = config.accumulate, config.clip_norm
        self.average, self.selection = config.average, config.selection

    @property
    def name(self) -> str:
        return f"{self.variant.name} with {self.backbone}"

    def settings(self, device: str, processes: int = 1) -> dict[str, Any]:
        """As `Task.settings`.

        "parts" is how many parts each batch is learnt in, each with batch-norm statistics of its
        own: one process may go on with 4 parts where 4 processes began.
        Raises UserError also for a batch that cannot be shared out evenly.
        """
        self.config.check_parts(processes)
        return {
            **super().settings(device, processes),
            "parts": self.accumulate * processes,
            "freeze": self.is_frozen,
            "variant": as_plain(self.variant),
        }

    def network(self) -> TTVOS:
        with own_generator(self.seed, "network"):  # not the caller's; all of it is drawn again
            model = build_model(self.variant, self.backbone)
        if self.is_frozen:
            model.freeze()
        return model

    def new_backbone(self) -> nn.Module:
        return build_backbone(self.backbone)

    def load_imagenet(self, network: TTVOS) -> str:
        network.backbone.load_imagenet()
        digest = hashlib.sha256()
        for name, value in sorted(network.backbone.state_dict().items()):
            digest.update(name.encode())
            digest.update(value.contiguous().numpy().tobytes())
        return digest.hexdigest()

    def load_backbone(self, network: TTVOS, source: str) -> None:
        checkpoint.initial_backbone(network, source)

    def prepare(self, network: TTVOS) -> TTVOS:
        return learner(network, self.config)

    def losses(
        self, network: TTVOS, batch: Tensors, spoilt: float, counts: Tensors | None
    ) -> Tensors:
        return clip_loss(network, batch, self.config, counts, spoilt)

    def counts(self, labels: Tensor) -> Tensors:
        return counted_values(labels)

    def optimizer(self, network: nn.Module, rate: float) -> torch.optim.Optimizer:
        """Adam, as in the paper, or AdamW where `config.optimizer` says so, over what learns.

        Biases and batch-norms (one axis) do not decay. The template's embeddings have a share of
        the learning rate (`config.memory_rate`). Fused: one call for all weights.
        """
        groups: dict[tuple[float, float], list[nn.Parameter]] = {}
        for name, parameter in network.named_parameters():
            if parameter.requires_grad:
                share = self.config.memory_rate if name.startswith("memory.") else 1.0
                decay = self.config.weight_decay if parameter.dim() > 1 else 0.0
                groups.setdefault((share, decay), []).append(parameter)
        options = [
            {"params": parameters, "rate_share": share, "weight_decay": decay}
            for (share, decay), parameters in groups.items()
        ]
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[self.config.optimizer]
        return kind(options, lr=rate, fused=True)

    def learning_rate(self, stage: Stage, step: int, steps: int) -> float:
        """A linear warm-up, then constant, as in the paper, or a cosine."""
        if step < stage.warmup:
            return stage.learning_rate * (step + 1) / (stage.warmup + 1)
        if stage.end_rate is None:
            return stage.learning_rate
        done = (step - stage.warmup) / max(1, steps - 1 - stage.warmup)
        share = 0.5 + 0.5 * math.cos(math.pi * min(1.0, done))
        return stage.end_rate + (stage.learning_rate - stage.end_rate) * share

    def save(self, network: TTVOS, path: Path, provenance: dict[str, Any]) -> None:
        checkpoint.save(network, path, provenance)

    def tracker(self, network: TTVOS, device: str, input_scale: float) -> Tracker:
        # By name, so that it is code of a training (`ttvos.core.code_hash`) only where it has a
        # say in its result (`TrainConfig.modules`).
        readable = import_module("ttvos.tracking.readable")
        return readable.TTVOSTracker(network, device, input_scale=input_scale)

    def facts(self) -> dict[str, Any]:
        return {"variant": self.variant.name, "backbone": self.backbone}
