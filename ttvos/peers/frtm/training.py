"""Training of FRTM-VOS with and without the transition loss: the rows of Table 5.

docs/peers.md, section 3.8: only the segmentation network learns. A clip's target model is fitted to
its first frame and fixed; the losses are of the other frames. Adam with amsgrad, a learning rate
that falls in steps. docs/table5.md says what was decided for the transition loss.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ttvos.config.frtm import FRTMTraining
from ttvos.config.training import Stage
from ttvos.core.errors import UserError
from ttvos.core.shipped_weights import find_weights
from ttvos.peers.base import fill_network
from ttvos.peers.frtm.backbone import BACKBONES, Backbone
from ttvos.peers.frtm.learner import (
    Learner,
    counted_values,
    frtm_losses,
    make_transition,
    save_checkpoint,
)
from ttvos.peers.frtm.loading import imagenet_weights, read_backbone
from ttvos.peers.frtm.samples import TargetScores
from ttvos.training.loop import train
from ttvos.training.task import Task, Tensors, own_generator


def train_frtm(
    config: FRTMTraining,
    backbone: str,
    transition_loss: bool,
    seed: int,
    out: Path,
    device: str = "cpu",
    profile: str | None = None,
) -> None:
    """Train one row of FRTM-VOS's; see `ttvos.training.loop.train`.

    backbone: "resnet18" or "resnet101".
    """
    train(FRTMTask(config, backbone, transition_loss, seed), out, device, profile)


class FRTMTask(Task):
    """One backbone, with the transition loss or without, with one seed.

    The segmentation network's initial weights are equal in both arms.
    """

    section = "frtm"
    config: FRTMTraining
    undecisive = ("checkpoint_every", "skip_damaged", "target_cache", "workers")

    def __init__(
        self, config: FRTMTraining, backbone: str, transition_loss: bool, seed: int = 0
    ) -> None:
        if backbone not in BACKBONES:
            raise UserError(f"unknown backbone {backbone!r} of FRTM; known: {', '.join(BACKBONES)}")
        super().__init__(config, backbone, seed)
        self.transition_loss = transition_loss
        self.scores: TargetScores | None = None  # from `prepare` on

    @property
    def name(self) -> str:
        return f"FRTM-VOS with {self.backbone}"

    def settings(self, device: str, processes: int = 1) -> dict[str, Any]:
        common = super().settings(device, processes)
        return {**common, "tracker": "frtm", "transition_loss": self.transition_loss}

    def network(self) -> Learner:
        with own_generator(self.seed, "network"):  # not the caller's; all of it is drawn again
            learner = Learner(self.backbone, self.config.freeze_backbone, self.config.precision)
        if self.transition_loss:
            learner.transition = make_transition(self.seed)
        return learner

    def new_backbone(self) -> nn.Module:
        return Backbone(self.backbone)

    def drawn_as_one(self) -> dict[str, Callable[[], nn.Module]]:
        return {**super().drawn_as_one(), "transition": lambda: make_transition(self.seed)}

    def load_imagenet(self, network: Learner) -> None:
        fill_network(network.backbone, imagenet_weights(self.backbone), "ImageNet weights")

    def load_backbone(self, network: Learner, source: str) -> None:
        path = find_weights(source)
        fill_network(network.backbone, read_backbone(path, self.backbone), path)

    def prepare(self, network: Learner) -> Learner:
        self.scores = TargetScores(self.config, network)
        return network

    def losses(
        self, network: Learner, batch: Tensors, spoilt: float, counts: Tensors | None
    ) -> Tensors:
        """As `Task.losses`; FRTM feeds no heatmaps back, so that none are spoilt.

        All frames go through the networks in one call; the public code takes one after the other,
        which differs in what batch-norm normalises by.
        """
        frames, labels = batch["frames"], batch["labels"]
        clips, size = len(frames), frames.shape[-2:]
        images = network.pixels(frames)
        features = network.features(images[:, 1:].flatten(0, 1))
        coarse = self.scores(images, labels, features)
        logits, transition = network(features, coarse, size)
        if transition is not None:
            transition = transition.unflatten(0, (clips, -1))
        logits, weight = logits.unflatten(0, (clips, -1)), self.config.transition_weight
        return frtm_losses(logits, labels, transition, weight, counts)

    def counts(self, labels: Tensor) -> Tensors:
        return counted_values(labels)

    def optimizer(self, network: Learner, rate: float) -> torch.optim.Optimizer:
        """Adam with amsgrad and weight decay over what learns (docs/peers.md, section 3.8)."""
        learning = [parameter for parameter in network.parameters() if parameter.requires_grad]
        decay = self.config.weight_decay
        return torch.optim.Adam(learning, lr=rate, weight_decay=decay, amsgrad=True, fused=True)

    def learning_rate(self, stage: Stage, step: int, steps: int) -> float:
        """A tenth of it after each of `config.drops`."""
        passed = sum(step >= share * steps for share in self.config.drops)
        return stage.learning_rate * 0.1**passed

    def save(self, network: Learner, path: Path, provenance: dict[str, Any]) -> None:
        save_checkpoint(network, self.backbone, self.transition_loss, path, provenance)

    def facts(self) -> dict[str, Any]:
        return {
            "variant": "frtm",
            "tracker": "frtm",
            "transition_loss": self.transition_loss,
            "backbone": self.backbone,
            "target_fits": self.scores.counts(),
        }

    def origin(self) -> dict[str, Any]:
        return {"backbone_learns": not self.config.freeze_backbone}
