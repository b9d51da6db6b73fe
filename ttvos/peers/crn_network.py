"""CRN's network: ResNet101, five lateral maps, and six sizes of refinement, gated by masks.

Written from docs/peers.md, section 4.2.
"""

import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import resnet101

from ttvos.peers.blocks import GlobalConvolution, enlarge

WIDTH, DEPTH = 32, 5
TAPS = (2048, 1024, 512, 256, 64)  # channels of layer4 to layer1 and of the first convolution


class Backbone(nn.Module):
    """ResNet101, all stages."""

    def __init__(self) -> None:
        super().__init__()
        resnet = resnet101(weights=None, zero_init_residual=True)
        self.conv1, self.bn1, self.pool = resnet.conv1, resnet.bn1, resnet.maxpool
        self.stages = nn.ModuleList([resnet.layer1, resnet.layer2, resnet.layer3, resnet.layer4])

    def forward(self, images: Tensor) -> list[Tensor]:
        """images (N, 3, H, W) normalised -> features at 1/32, 1/16, 1/8, 1/4 and 1/2."""
        features = [F.relu(self.bn1(self.conv1(images)))]
        x = self.pool(features[0])
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features[::-1]


class Lateral(nn.Module):
    """A global convolution, batch norm, ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolution = GlobalConvolution(channels, WIDTH)
        self.norm = nn.BatchNorm2d(WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """(N, channels, h, w) -> (N, 32, h, w)."""
        return F.relu(self.norm(self.convolution(x)))


class RegionBottleneck(nn.Module):
    """Two 3x3 convolutions whose result is added where the mask is."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(2):
            conv = nn.Conv2d(WIDTH, WIDTH, kernel_size=3, padding=1, bias=False)
            layers += [conv, nn.BatchNorm2d(WIDTH), nn.ReLU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor, gate: Tensor) -> Tensor:
        return x + gate * self.layers(x)


class Level(nn.Module):
    """One size: the lateral map refined, the deeper one added and both refined, a mask read off.

    lateral: whether there is a lateral map (not at full size). deeper: whether there is a deeper
    one (not at 1/32).
    """

    def __init__(self, lateral: bool, deeper: bool) -> None:
        super().__init__()
        self.before = nn.ModuleList(RegionBottleneck() for _ in range(DEPTH if lateral else 0))
        self.after = nn.ModuleList(RegionBottleneck() for _ in range(DEPTH if deeper else 0))
        self.classifier = nn.Sequential(
            nn.Conv2d(WIDTH, WIDTH, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(WIDTH, 1, kernel_size=3, padding=1),
        )

    def forward(
        self, lateral: Tensor | None, deeper: Tensor | None, gate: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Maps (N, 32, h, w), of which one may be None, gate (N, 1, h, w) -> map, mask's logits."""
        x = lateral
        for bottleneck in self.before:
            x = bottleneck(x, gate)
        if deeper is not None:
            x = deeper if x is None else x + deeper
        for bottleneck in self.after:
            x = bottleneck(x, gate)
        return x, self.classifier(x)


class CRNNetwork(nn.Module):
    """ResNet101, five lateral maps, and six sizes of refinement."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.laterals = nn.ModuleList(Lateral(channels) for channels in TAPS)
        last = len(TAPS)
        self.levels = nn.ModuleList(Level(i < last, i > 0) for i in range(last + 1))

    def forward(self, images: Tensor, gate: Tensor) -> list[Tensor]:
        """images (N, 3, H, W), sides of multiples of 32; gate (N, 1, H/32, W/32) in [0, 1].

        Returns the logits of masks (N, 1, h, w), from 1/32 to full size.
        """
        features = self.backbone(images)
        laterals = [conv(f) for conv, f in zip(self.laterals, features, strict=True)]
        x, logits = self.levels[0](laterals[0], None, gate)
        found = [logits]
        for level, lateral in zip(self.levels[1:], [*laterals[1:], None], strict=True):
            x, logits = level(lateral, enlarge(x, 2), enlarge(logits, 2).sigmoid())
            found.append(logits)
        return found
