"""What OSVOS and OSMN share: VGG16's convolutions, and side outputs joined at full size.

SegFlow takes its images from here too. Written from docs/peers.md, sections 4.4 and 4.9.
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ttvos.peers.blocks import middle
from ttvos.tracking.geometry import as_image

BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
SIDE_CHANNELS = 16
MEAN_BGR = (104.00699, 116.66877, 122.67892)  # of ImageNet, as VGG16 was first trained with

Modulation = tuple[Tensor, Tensor]


def to_vgg_image(frame: np.ndarray, device: torch.device | str = "cpu") -> Tensor:
    """frame (H, W, 3) uint8 RGB -> (1, 3, H, W) float32, BGR from 0 to 255, less the mean."""
    mean = torch.tensor(MEAN_BGR, device=device).view(1, 3, 1, 1)
    return as_image(frame, device).flip(1).float() - mean


class Trunk(nn.Module):
    """VGG16 up to its 13th convolution, ReLU after each; halving rounds sizes up."""

    def __init__(self) -> None:
        super().__init__()
        inputs, blocks = 3, []
        for widths in BLOCKS:
            convs = nn.ModuleList()
            for width in widths:
                convs.append(nn.Conv2d(inputs, width, kernel_size=3, padding=1))
                # without batch norm, PyTorch's own start would let the signal die out
                nn.init.kaiming_normal_(convs[-1].weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(convs[-1].bias)
                inputs = width
            blocks.append(convs)
        self.blocks = nn.ModuleList(blocks)

    def forward(self, images: Tensor, modulations: Sequence[Modulation] = ()) -> list[Tensor]:
        """images (N, 3, H, W) -> what blocks 2 to 5 end with, sizes H/2 to H/16 rounded up.

        modulations: none, or a (gamma, beta) for each of the nine convolutions of blocks 3 to 5,
        which turn its result x into gamma x + beta.
        """
        waiting, x, features = list(modulations), images, []
        for number, block in enumerate(self.blocks, start=1):
            if number > 1:
                x = F.max_pool2d(x, kernel_size=2, ceil_mode=True)
            for conv in block:
                x = F.relu(conv(x))
                if number > 2 and waiting:
                    gamma, beta = waiting.pop(0)
                    x = gamma * x + beta
            features.append(x)
        return features[1:]


class Enlarge(nn.Module):
    """A transposed convolution that enlarges each channel bilinearly; its kernel is not learned.

    counted: whether the kernel is a parameter, as in OSVOS, or not, as the facts count OSMN's.
    """

    def __init__(self, channels: int, factor: int, counted: bool) -> None:
        super().__init__()
        self.factor = factor
        # zeros between the channels: the convolution is a dense one in both public codes
        kernel = torch.eye(channels)[:, :, None, None] * bilinear_kernel(factor)
        if counted:
            self.kernel = nn.Parameter(kernel, requires_grad=False)
        else:
            self.register_buffer("kernel", kernel, persistent=False)

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """(N, C, h, w) -> (N, C, *size), the middle of what is `factor` times as large."""
        x = F.conv_transpose2d(x, self.kernel, stride=self.factor)
        return middle(x, size)


def bilinear_kernel(factor: int) -> Tensor:
    """(2 factor, 2 factor): the weights of a bilinear enlargement with stride `factor`."""
    distance = (torch.arange(2 * factor) + 0.5 - factor).abs() / factor
    return torch.outer(1 - distance, 1 - distance)


class Sides(nn.Module):
    """16 channels of each of blocks 2 to 5, enlarged to the image's size, joined to one logit."""

    def __init__(self, counted: bool) -> None:
        super().__init__()
        widths = [block[-1] for block in BLOCKS[1:]]
        self.convs = nn.ModuleList(
            nn.Conv2d(width, SIDE_CHANNELS, kernel_size=3, padding=1) for width in widths
        )
        self.enlarge = nn.ModuleList(
            Enlarge(SIDE_CHANNELS, factor, counted) for factor in (2, 4, 8, 16)
        )
        self.fuse = nn.Conv2d(SIDE_CHANNELS * len(widths), 1, kernel_size=1)

    def forward(self, features: list[Tensor], size: tuple[int, int]) -> Tensor:
        """The trunk's features -> (N, 1, *size) logits of the foreground."""
        pairs = zip(self.convs, self.enlarge, features, strict=True)
        sides = [enlarge(conv(feature), size) for conv, enlarge, feature in pairs]
        return self.fuse(torch.cat(sides, dim=1))
