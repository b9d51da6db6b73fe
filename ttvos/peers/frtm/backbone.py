"""FRTM's backbone: torchvision's ResNet, frozen and in eval mode, tapped at four strides."""

from typing import Self

import torch
import torchvision
from torch import Tensor, nn

from ttvos.core.errors import UserError
from ttvos.core.video import IMAGENET_MEAN, IMAGENET_STD

BACKBONES = ("resnet18", "resnet101")
LEVELS = ("layer5", "layer4", "layer3", "layer2")  # deep to shallow
TARGET_LEVEL = "layer4"  # what the target model sees
CHANNELS = {
    "resnet18": {"layer5": 512, "layer4": 256, "layer3": 128, "layer2": 64},
    "resnet101": {"layer5": 2048, "layer4": 1024, "layer3": 512, "layer2": 256},
}


class Backbone(nn.Module):
    """ResNet18 or ResNet101 without its classifier, under torchvision's names.

    Facts: docs/peers.md, section 3.1. Weights are random until a state dict is loaded. They never
    learn, and the batch norms keep their statistics: `train()` leaves it in eval mode.
    """

    def __init__(self, name: str) -> None:
        """name: "resnet18" or "resnet101"; UserError for another."""
        super().__init__()
        if name not in BACKBONES:
            raise UserError(f"FRTM's backbone {name!r}: {' or '.join(BACKBONES)}")
        net = torchvision.models.get_model(name, weights=None)
        self.name = name
        self.channels = CHANNELS[name]
        self.conv1, self.bn1, self.maxpool = net.conv1, net.bn1, net.maxpool
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            net.layer1,
            net.layer2,
            net.layer3,
            net.layer4,
        )
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)
        self.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> Self:
        """Stay in eval mode, whatever the module that it is part of does."""
        return super().train(False)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """RGB in 0..255 (N, 3, H, W), uint8 or float -> features by FRTM's names, deep to shallow.

        layer5: stride 32 (torchvision's layer4), layer4: 16, layer3: 8, layer2: 4; sizes are
        rounded up. Nothing is padded.
        """
        x = (images.float() / 255 - self.mean) / self.std
        x = self.maxpool(self.bn1(self.conv1(x)).relu_())
        quarter = self.layer1(x)
        eighth = self.layer2(quarter)
        sixteenth = self.layer3(eighth)
        deepest = self.layer4(sixteenth)
        return {"layer5": deepest, "layer4": sixteenth, "layer3": eighth, "layer2": quarter}
