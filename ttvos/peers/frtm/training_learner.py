"""The modules of a training: backbone, segmentation network, and one arm's transition layer.

N: images, H, W: their size, h, w: 1/4 of it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import torch
from torch import Tensor, nn

from ttvos.peers.frtm.backbone import TARGET_LEVEL, Backbone
from ttvos.peers.frtm.refiner import Refiner
from ttvos.peers.frtm.training_loss import make_transition

TRAINING_ONLY = "transition."  # what no checkpoint keeps
Features = dict[str, Tensor]


class Learner(nn.Module):
    """`backbone.*` and `refiner.*` as a checkpoint has them; `transition.*` in one arm only.

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

    def add_transition(self, seed: int) -> None:
        """Add the training-only layer of the transition loss."""
        self.transition = make_transition(seed)

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
