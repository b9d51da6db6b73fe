"""RGMP's network: one encoder for a frame and its mask, and a decoder of two encodings.

Written from docs/peers.md, section 4.1. R runs, each with a mask of its own, are a batch.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import resnet50

from ttvos.peers.blocks import GlobalConvolution, ResBlock, enlarge

WIDTH = 256


class Encoder(nn.Module):
    """ResNet50, all stages, with a second first convolution for a mask."""

    def __init__(self) -> None:
        super().__init__()
        resnet = resnet50(weights=None)
        self.conv1, self.bn1 = resnet.conv1, resnet.bn1
        self.mask_conv = nn.Conv2d(1, 64, kernel_size=7, stride=2, padding=3)
        self.pool = resnet.maxpool
        stages = (resnet.layer1, resnet.layer2, resnet.layer3, resnet.layer4)
        self.stages = nn.ModuleList(stages)

    def forward(self, image: Tensor, masks: Tensor) -> list[Tensor]:
        """image (1, 3, H, W) normalised, masks (R, 1, H, W) in [0, 1] -> features by stage.

        The four are (R, 256, H/4, W/4), 512 at 1/8, 1024 at 1/16, 2048 at 1/32.
        """
        x = self.pool(F.relu(self.bn1(self.conv1(image) + self.mask_conv(masks))))
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features


class Refine(nn.Module):
    """Adds an encoder feature to the deeper result, doubled in size."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.lateral = nn.Conv2d(channels, WIDTH, kernel_size=3, padding=1)
        self.before, self.after = ResBlock(WIDTH), ResBlock(WIDTH)

    def forward(self, feature: Tensor, deeper: Tensor) -> Tensor:
        """feature (R, C, 2h, 2w), deeper (R, 256, h, w) -> (R, 256, 2h, 2w)."""
        return self.after(self.before(self.lateral(feature)) + enlarge(deeper, 2))


class Decoder(nn.Module):
    """Features of a frame and of the reference -> two logits for each pixel.

    Of the heads of four stages, which training supervises, the finest alone runs here.
    """

    def __init__(self) -> None:
        super().__init__()
        self.join = GlobalConvolution(2 * 2048, WIDTH)
        self.joined = ResBlock(WIDTH)
        self.refine = nn.ModuleList(Refine(channels) for channels in (1024, 512, 256))
        heads = (nn.Conv2d(WIDTH, 2, kernel_size=3, padding=1) for _ in range(4))
        self.heads = nn.ModuleList(heads)

    def forward(self, features: list[Tensor], reference: Tensor) -> Tensor:
        """features as the encoder's, reference (R, 2048, H/32, W/32) -> (R, 2, H, W) logits."""
        r2, r3, r4, r5 = features
        x = self.joined(self.join(torch.cat([r5, reference], dim=1)))
        for refine, feature in zip(self.refine, (r4, r3, r2), strict=True):
            x = refine(feature, x)
        return enlarge(self.heads[-1](F.relu(x)), 4)


class RGMPNetwork(nn.Module):
    """The shared encoder and the decoder, at one scale."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(), Decoder()

    def reference(self, image: Tensor, masks: Tensor) -> Tensor:
        """Frame 0 with its masks, shapes as the encoder's -> (R, 2048, H/32, W/32)."""
        return self.encoder(image, masks)[-1]

    def forward(self, image: Tensor, masks: Tensor, reference: Tensor) -> Tensor:
        """A frame with the previous masks -> (R, 1, H, W) foreground probabilities."""
        logits = self.decoder(self.encoder(image, masks), reference)
        return logits.softmax(dim=1)[:, 1:]
