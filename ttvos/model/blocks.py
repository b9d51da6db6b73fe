"""Small pieces that the matching and refinement modules share."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class ConvReLU(nn.Sequential):
    """Convolution with bias, then ReLU; Kaiming-uniform weights and zero bias.

    Facts: docs/facts.md, section 2.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2)
        super().__init__(conv, nn.ReLU())
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the weights, as the layers of PyTorch do by a method of that name."""
        nn.init.kaiming_uniform_(self[0].weight, nonlinearity="relu")
        nn.init.zeros_(self[0].bias)


class GroupedBranch(nn.Sequential):
    """1x1 convolution to `outputs`, 5x5 in groups of four channels, LeakyReLU 0.2."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 1),
            grouped_conv(outputs),
            nn.LeakyReLU(0.2),
        )


def grouped_conv(channels: int) -> nn.Conv2d:
    """5x5 convolution in groups of four channels."""
    return nn.Conv2d(channels, channels, 5, padding=2, groups=channels // 4)


def upsample_conv(inputs: int, outputs: int) -> nn.ConvTranspose2d:
    """4x4 transposed convolution with stride 2: doubles height and width."""
    return nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1)


def halve(heatmap: Tensor) -> Tensor:
    """3x3 average pooling with stride 2 (docs/facts.md, section 1)."""
    return F.avg_pool2d(heatmap, 3, stride=2, padding=1)


def to_eighth(heatmap: Tensor) -> Tensor:
    """Bring a full-size heatmap (B, 2, H, W) to 1/8 by three poolings."""
    return halve(halve(halve(heatmap)))


def coordinates(height: int, width: int, like: Tensor) -> Tensor:
    """(1, 3, height, width): row and column in [-1, 1], and their Euclidean norm."""
    rows = torch.linspace(-1, 1, height, device=like.device, dtype=like.dtype)
    columns = torch.linspace(-1, 1, width, device=like.device, dtype=like.dtype)
    rows = rows.view(-1, 1).expand(height, width)
    columns = columns.view(1, -1).expand(height, width)
    return torch.stack([rows, columns, (rows**2 + columns**2).sqrt()])[None]
