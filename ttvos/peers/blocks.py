"""Layers that the networks of several peers have, and how their maps are enlarged and cut."""

import torch.nn.functional as F
from torch import Tensor, nn


class ResBlock(nn.Module):
    """x + two 3x3 convolutions, each after a ReLU; named as in STM's released state dict."""

    def __init__(self, channels: int, dilation: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.relu(self.conv1(F.relu(x))))


class GlobalConvolution(nn.Module):
    """The sum of two paths of 7x1 and 1x7 convolutions: 7x7 pixels seen at a small cost."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        tall = {"kernel_size": (7, 1), "padding": (3, 0)}
        wide = {"kernel_size": (1, 7), "padding": (0, 3)}
        self.left = nn.Sequential(
            nn.Conv2d(inputs, outputs, **tall), nn.Conv2d(outputs, outputs, **wide)
        )
        self.right = nn.Sequential(
            nn.Conv2d(inputs, outputs, **wide), nn.Conv2d(outputs, outputs, **tall)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, inputs, h, w) -> (N, outputs, h, w)."""
        return self.left(x) + self.right(x)


def enlarge(x: Tensor, factor: int) -> Tensor:
    """Bilinear, corners not aligned: (N, C, h, w) -> (N, C, factor * h, factor * w)."""
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)


def middle(x: Tensor, size: tuple[int, int]) -> Tensor:
    """The middle (N, C, *size) of a larger map (N, C, h, w)."""
    top, left = (x.shape[-2] - size[0]) // 2, (x.shape[-1] - size[1]) // 2
    return x[..., top : top + size[0], left : left + size[1]]
