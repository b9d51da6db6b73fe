"""FRTM-VOS: a target model is learned on the first frame, and its score refined by a network.

Written from docs/peers.md, section 3.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ttvos.core.device import find_device
from ttvos.peers.base import ClipState, Found, PeerTracker, make_seeded
from ttvos.peers.frtm.augment import augment
from ttvos.peers.frtm.backbone import TARGET_LEVEL, Backbone
from ttvos.peers.frtm.labels import Form, Labels, make_labels, pixel_weights, scaled
from ttvos.peers.frtm.loading import load_backbone, load_weights
from ttvos.peers.frtm.optimiser import Direction, Optimiser
from ttvos.peers.frtm.refiner import Refiner
from ttvos.peers.frtm.settings import EVALUATION, FAST, Settings
from ttvos.peers.frtm.target import Memory, TargetModel, TargetWeights, initial_weights
from ttvos.tracking.geometry import odds, resize


@dataclass
class Target:
    """One object. direction: of its filter's last optimisation, which the next takes over."""

    weights: TargetWeights
    memory: Memory
    direction: Direction


@dataclass(frozen=True)
class FRTMState(ClipState):
    """The clip up to frame `index`. A step changes the targets, and so consumes the state."""

    index: int
    targets: list[Target]


class FRTM(PeerTracker):
    """Tracks with FRTM-VOS.

    Every 8th frame the objects' filters are fitted again, to what their memories then hold.
    Without `weights` the refinement is untrained and finds nothing, so that no memory would ever
    grow. It then runs for its cost only, and the masks are the target models' own scores.
    """

    loads_weights = True

    def __init__(
        self,
        device: str = "cpu",
        weights: Path | str | None = None,
        backbone: str = "resnet18",
        fast: bool = False,
        labels: Form = "full",
        label_scale: float = 1.0,
        backbone_weights: Path | str | None = None,
    ) -> None:
        """weights: published (`refiner.*`) or of our training; None: random, of seed 0.

        backbone: "resnet18" or "resnet101". fast: the paper's shorter schedule. labels: "full" as
        published, or "condensed", the same up to rounding and sooner. label_scale: their
        resolution as a share of the frame's, 1 as published. backbone_weights: a file of the
        backbone's weights, where `weights` does not hold them (see `load_weights`).
        """
        self.settings = _settings(fast, labels, label_scale)
        self.device = str(find_device(device))
        self.backbone = make_seeded(lambda: Backbone(backbone))
        self.refiner = make_seeded(lambda: Refiner(self.backbone.channels))
        channels = self.backbone.channels[TARGET_LEVEL], self.settings.fit.channels
        self.target_model = make_seeded(lambda: TargetModel(*channels))
        self.optimiser = Optimiser(self.settings.fit)
        if weights is not None:
            load_weights(self.backbone, self.refiner, weights, backbone_weights)
        elif backbone_weights is not None:
            load_backbone(self.backbone, backbone_weights)
        for module in (self.backbone, self.refiner, self.target_model):
            module.eval().requires_grad_(False).to(self.device)
        self.name = f"frtm-{backbone}"
        self.cycle = self.settings.interval
        self.is_refined = weights is not None
        self.options: dict[str, Any] = {
            "backbone": backbone,
            "fast": fast,
            "labels": labels,
            "label_scale": label_scale,
            "output": "refinement" if self.is_refined else "target model",
        }
        self.parts = self._parts()

    def _parts(self) -> dict[str, tuple[nn.Module, ...]]:
        return {
            "backbone": (self.backbone,),
            "target model": (self.target_model,),
            "refinement": (self.refiner,),
            "filter optimisation": (self.optimiser,),
        }

    def _start(self, frame: np.ndarray, mask: np.ndarray, ids: tuple[int, ...]) -> FRTMState:
        """Learns a target model of each object."""
        targets = [self._learn(frame, mask == number) for number in ids]
        return FRTMState(ids, mask.shape, 0, targets)

    def _follow(self, frame: np.ndarray, state: FRTMState) -> tuple[Found, FRTMState]:
        features = self.backbone(self._image(frame))
        scored = [self.target_model(features[TARGET_LEVEL], t.weights) for t in state.targets]
        scores = torch.cat([score for score, _ in scored])
        foreground = self._foreground(scores, features, state.size)
        labels, stored = merge(foreground)
        index = state.index + 1
        for target, (_, projected), found in zip(state.targets, scored, stored, strict=True):
            self._remember(target, projected, found[None, None], index)
        return Found(labels, foreground), replace(state, index=index)

    def _image(self, frame: np.ndarray) -> Tensor:
        """(1, 3, H, W) uint8, in channels-last order; its normalisation is the backbone's."""
        images = torch.from_numpy(np.ascontiguousarray(frame[None])).to(self.device)
        return images.permute(0, 3, 1, 2)

    def _foreground(
        self, scores: Tensor, features: dict[str, Tensor], size: tuple[int, int]
    ) -> Tensor:
        """Each object's probabilities before merging, (O, H, W), of scores (O, 1, h, w)."""
        refined = self.refiner(scores, features, size).sigmoid()
        found = refined if self.is_refined else resize(scores, size).clamp(0, 1)
        return found.squeeze(1)

    def _learn(self, frame: np.ndarray, mask: np.ndarray) -> Target:
        """Fit a target model on the first frame (H, W, 3) and its augmentations."""
        frames, masks = augment(frame, mask, self.settings.samples)
        tapped = [self.backbone(self._image(sample))[TARGET_LEVEL] for sample in frames]
        features = torch.cat(tapped)
        samples = torch.from_numpy(masks)[:, None].float().to(self.device)
        labels = self._labels(samples, features)
        weights = initial_weights(len(features)).to(self.device)
        fit = self.optimiser(features, labels, weights, self.target_model.initial())
        memory = Memory(fit.projected, labels, self.settings.slots, self.settings.learning_rate)
        return Target(fit.weights, memory, fit.direction)

    def _remember(self, target: Target, projected: Tensor, found: Tensor, index: int) -> None:
        """Keep a frame's sample, if the object is in it, and on its turn fit the filter again.

        found: (1, 1, H, W), the object's stored map. index: of the frame.
        """
        if int((found > 0.5).sum()) < self.settings.min_pixels:
            return
        target.memory.insert(projected, self._labels(found, projected))
        if index % self.settings.interval == 0:
            samples = target.memory.samples()
            fit = self.optimiser(*samples, target.weights, target.direction, projected=True)
            target.weights, target.direction = fit.weights, fit.direction

    def _labels(self, masks: Tensor, features: Tensor) -> Labels:
        """masks (K, 1, H, W) in [0, 1] -> labels for scores of the features' size."""
        labels = scaled(masks, self.settings.label_scale)
        weights = pixel_weights(labels, self.settings)
        return make_labels(labels, weights, features.shape[-2:], self.settings.fit.labels)


def _settings(fast: bool, labels: Form, label_scale: float) -> Settings:
    chosen = FAST if fast else EVALUATION
    return replace(chosen, fit=replace(chosen.fit, labels=labels), label_scale=label_scale)


def merge(foreground: Tensor) -> tuple[Tensor, Tensor]:
    """Objects' own probabilities (O, H, W) -> labels (H, W) int64 and stored maps (O, H, W).

    Labels: 0 = background, o + 1 = object o. Background's probability is that of the object that
    leaves least to it; all are clamped as `odds` does. Their shares are the softmax of the odds
    themselves (not of the logits). A stored map is an object's share where it won, else 0
    (docs/peers.md, section 3.7).
    """
    background = (1 - foreground).amin(dim=0, keepdim=True)
    shares = odds(torch.cat([background, foreground])).softmax(dim=0)
    labels = shares.argmax(dim=0)
    objects = torch.arange(1, len(shares), device=labels.device).view(-1, 1, 1)
    return labels, shares[1:] * (labels == objects)
