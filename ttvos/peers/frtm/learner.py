"""What learns in a training of FRTM: its networks, their losses, and how they are written.

B: clips of a batch, T: frames of a clip (frame 0 is the target model's and has no loss), N: images,
H, W: frame size, h, w: the segmentation network's last map, 1/4 of it.
Labels are int64: 1 object, 0 everything else, 255 left out of every sum and count.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import torch
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn import functional

from ttvos.core.files import atomic_path
from ttvos.core.video import IGNORED
from ttvos.peers.base import make_seeded
from ttvos.peers.frtm.backbone import TARGET_LEVEL, Backbone
from ttvos.peers.frtm.refiner import Refiner
from ttvos.training.losses import transition_counted, transition_loss, transition_targets

MAP_CHANNELS = 64  # of the segmentation network's last RRB2 output
SEED = 1  # of the transition convolution, apart from the network's, so that both arms' are equal


def make_transition(seed: int) -> nn.Conv2d:
    """The convolution that exists in training only: 64 -> 2 (background, foreground), 3x3.

    Its weights are drawn apart, so that a network with it starts as one without (docs/peers.md,
    section 3.9).
    """
    make = lambda: nn.Conv2d(MAP_CHANNELS, 2, 3, padding=1)  # noqa: E731
    return make_seeded(make, seed * 1000 + SEED)


def frtm_losses(
    logits: Tensor,
    labels: Tensor,
    transition: Tensor | None = None,
    weight: float = 1.0,
    counts: dict[str, Tensor] | None = None,
) -> dict[str, Tensor]:
    """Scalars "heatmap" (BCE), "transition" where there is a map, and "total", their sum.

    logits (B,T-1,H,W): before the sigmoid, of frames 1 .. T-1. labels (B,T,H,W), frame 0
    included. transition (B,T-1,2,h,w): the map without activation.
    The map's target is T - E: the true heatmap of frame t minus the estimated one of frame t-1
    (the truth for t = 1), whose gradient is cut (docs/peers.md, section 3.9). weight: of that loss.
    counts: of the whole batch (`counted_values`), where this is a part of it.
    """
    counts = counts or {}
    terms = {"heatmap": _segmentation_loss(logits, labels[:, 1:], counts.get("heatmap"))}
    if transition is not None:
        # As two channels before a softmax, (0, z) is what z is before a sigmoid.
        both = torch.stack([torch.zeros_like(logits), logits], dim=2).detach()
        target, counted = transition_targets(both, labels, transition.shape[-2:])
        loss = transition_loss(transition, target, counted, "none", counts.get("transition"))
        terms["transition"] = weight * loss
    return {**terms, "total": torch.stack(list(terms.values())).sum()}


def counted_values(labels: Tensor) -> dict[str, Tensor]:
    """How many values each term is a mean over, by the labels (B,T,H,W): int64 scalars."""
    size = labels.shape[-2] // 4, labels.shape[-1] // 4
    return {
        "heatmap": (labels[:, 1:] != IGNORED).sum(),
        "transition": 2 * transition_counted(labels, size).sum(),  # two channels
    }


def _segmentation_loss(logits: Tensor, labels: Tensor, count: Tensor | None) -> Tensor:
    """BCE on the sigmoid of (B,T-1,H,W), mean over the counted pixels, or over `count` of them.

    Facts: docs/peers.md, section 3.8.
    """
    counted = labels != IGNORED
    losses = functional.binary_cross_entropy_with_logits(
        logits, (labels == 1).float(), reduction="none"
    )
    count = counted.sum() if count is None else count
    return (losses * counted).sum() / count.clamp(min=1)


TRAINING_ONLY = "transition."  # what no checkpoint keeps
Features = dict[str, Tensor]


class Learner(nn.Module):
    """`backbone.*` and `refiner.*` as a checkpoint has them; `transition.*` in one arm only,
    where `make_transition` is put in its place.

    A frozen backbone stays in eval mode, as in the public code. One that learns normalises the
    frames of the losses by their own batch; the target model always sees it in eval mode, as it
    does when tracking, and sends it no gradient.
    """

    def __init__(self, backbone: str, is_frozen: bool, precision: str = "float32") -> None:
        """precision: "float32", or "bfloat16" of the layers (autocast); results are float32."""
        super().__init__()
        self.backbone = Backbone(backbone)
        self.refiner = Refiner(self.backbone.channels)
        self.transition: nn.Conv2d | None = None
        self.is_frozen, self.precision = is_frozen, precision
        self.backbone.requires_grad_(not is_frozen)

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        nn.Module.train(self.backbone, mode and not self.is_frozen)
        return self

    def kept(self) -> dict[str, Tensor]:
        """The state that a checkpoint keeps: the same names in both arms."""
        return {k: v for k, v in self.state_dict().items() if not k.startswith(TRAINING_ONLY)}

    def pixels(self, frames: Tensor) -> Tensor:
        """ImageNet-normalised frames (B,T,3,H,W) -> RGB in 0..255, which the backbone takes."""
        return (frames * self.backbone.std + self.backbone.mean) * 255

    def features(self, images: Tensor) -> Features:
        """RGB in 0..255 (N,3,H,W) -> features by level, with a gradient if the backbone learns."""
        with self._layers(images), torch.set_grad_enabled(not self.is_frozen):
            return self.backbone(images)

    @torch.no_grad()
    def target_features(self, images: Tensor) -> Tensor:
        """RGB in 0..255 (N,3,H,W) -> what the target model sees, float32, without gradient."""
        learns = self.backbone.training
        nn.Module.train(self.backbone, False)
        with self._layers(images):
            tapped = self.backbone(images)[TARGET_LEVEL]
        nn.Module.train(self.backbone, learns)
        return tapped.float()

    def forward(self, features: Features, scores: Tensor, size: tuple[int, int]) -> tuple:
        """Features of N images and scores (N,1,.,.) -> logits (N,H,W), transition map
        (N,2,h,w) or None; float32."""
        with self._layers(scores):
            logits, decoded = self.refiner(scores, features, size, return_features=True)
            transition = None if self.transition is None else self.transition(decoded).float()
        return logits.squeeze(1).float(), transition

    @contextmanager
    def _layers(self, like: Tensor) -> Iterator[None]:
        low = self.precision == "bfloat16"
        with torch.autocast(like.device.type, torch.bfloat16, enabled=low):
            yield


FORMAT = "ttvos-frtm-1"
BACKBONE_FORMAT = "ttvos-backbone-1"


def save_checkpoint(
    learner: Learner,
    backbone: str,
    transition_loss: bool,
    path: Path | str,
    provenance: dict[str, Any],
) -> None:
    """Write the learner's networks with their provenance, atomically.

    The names are the published weights' (`refiner.*`), and torchvision's behind `backbone.`. The
    layer of the transition loss is left out: both arms have the same names.
    """
    facts = {
        "format": FORMAT,
        "tracker": "frtm",
        "backbone": backbone,
        "transition_loss": json.dumps(transition_loss),
        "provenance": json.dumps(provenance),
    }
    _write(learner.kept(), facts, path)


def save_backbone(
    weights: dict[str, Tensor], backbone: str, path: Path | str, provenance: dict[str, Any]
) -> None:
    """Write a backbone alone, torchvision's names, as `ttvos.model.weights.save_backbone` does."""
    facts = {
        "format": BACKBONE_FORMAT,
        "backbone": backbone,
        "provenance": json.dumps(provenance),
    }
    _write({f"net.{name}": value for name, value in weights.items()}, facts, path)


def _write(tensors: dict[str, Tensor], facts: dict[str, str], path: Path | str) -> None:
    ready = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(ready, facts))
