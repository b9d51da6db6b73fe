"""OnAVOS's network: Wide ResNet-38, model A, whose last stages are dilated, and two classes.

Written from docs/peers.md, section 4.10; the insides of a unit are those of Wide ResNet-38's model
A.
"""

import torch.nn.functional as F
from torch import Tensor, nn

HEAD_DILATION = 12
HEAD_WIDTH = 512
CLASSES = 2

# units, widths of a unit's convolutions, their kernels, stride of the first unit, dilation
STAGES = (
    (3, (128, 128), (3, 3), 2, 1),
    (3, (256, 256), (3, 3), 2, 1),
    (6, (512, 512), (3, 3), 2, 1),
    (3, (512, 1024), (3, 3), 1, 2),
    (1, (512, 1024, 2048), (1, 3, 1), 1, 4),
    (1, (1024, 2048, 4096), (1, 3, 1), 1, 4),
)


class Unit(nn.Module):
    """Batch norm, ReLU and a convolution, two or three times, beside a shortcut.

    Where width or size changes, the shortcut is a 1x1 convolution of the first ReLU's output.
    """

    def __init__(
        self,
        in_channels: int,
        widths: tuple[int, ...],
        kernels: tuple[int, ...],
        stride: int = 1,
        dilation: int = 1,
    ) -> None:
        super().__init__()
        before = (in_channels, *widths[:-1])
        self.norms = nn.ModuleList(map(nn.BatchNorm2d, before))
        self.convs = nn.ModuleList(
            conv(a, b, kernel, stride if i == 0 else 1, dilation if kernel > 1 else 1)
            for i, (a, b, kernel) in enumerate(zip(before, widths, kernels, strict=True))
        )
        changes = stride != 1 or in_channels != widths[-1]
        self.shortcut = conv(in_channels, widths[-1], 1, stride) if changes else None

    def forward(self, x: Tensor) -> Tensor:
        """(N, in_channels, h, w) -> (N, widths[-1], h / stride, w / stride)."""
        first = F.relu(self.norms[0](x))
        side = x if self.shortcut is None else self.shortcut(first)
        y = self.convs[0](first)
        for norm, layer in zip(self.norms[1:], self.convs[1:], strict=True):
            y = layer(F.relu(norm(y)))
        return side + y


class OnAVOSNetwork(nn.Module):
    """Trunk and head. divisor: of all widths but the classes, for a small network in tests."""

    def __init__(self, divisor: int = 1) -> None:
        super().__init__()
        self.trunk, self.head = Trunk(divisor), Head(divisor)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W), normalised -> logits of background and object, (N, 2, H, W)."""
        logits = self.head(self.trunk(images))
        return F.interpolate(logits, images.shape[-2:], mode="bilinear", align_corners=False)


class Trunk(nn.Module):
    """One convolution at full size, and 17 units down to 1/8."""

    def __init__(self, divisor: int = 1) -> None:
        super().__init__()
        channels = 64 // divisor
        self.first = conv(3, channels, 3)
        units = []
        for count, full_widths, kernels, stride, dilation in STAGES:
            widths = tuple(width // divisor for width in full_widths)
            for i in range(count):
                units.append(Unit(channels, widths, kernels, stride if i == 0 else 1, dilation))
                channels = widths[-1]
        self.units = nn.Sequential(*units)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W) -> (N, 4096, H/8, W/8), each side rounded up."""
        return F.relu(self.norm(self.units(self.first(images))))


class Head(nn.Module):
    """Two 3x3 convolutions of dilation 12, with a ReLU between."""

    def __init__(self, divisor: int = 1) -> None:
        super().__init__()
        around = {"padding": HEAD_DILATION, "dilation": HEAD_DILATION}
        self.conv = nn.Conv2d(4096 // divisor, HEAD_WIDTH // divisor, 3, **around)
        self.classify = nn.Conv2d(HEAD_WIDTH // divisor, CLASSES, 3, **around)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 4096, h, w) -> (N, 2, h, w)."""
        return self.classify(F.relu(self.conv(x)))


def conv(
    in_channels: int, out_channels: int, kernel: int, stride: int = 1, dilation: int = 1
) -> nn.Conv2d:
    """Without bias; the size is kept but for the stride."""
    padding = dilation * (kernel // 2)
    return nn.Conv2d(
        in_channels, out_channels, kernel, stride, padding, dilation=dilation, bias=False
    )
