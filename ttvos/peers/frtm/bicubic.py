"""Bicubic enlargement by two as depthwise convolutions with fixed kernels.

Facts: docs/peers.md, section 3.7. Equal to `F.interpolate(mode="bicubic", align_corners=False)`. As
convolutions, its work is counted, as in the facts' figures.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

SHARPNESS = -0.75  # of the cubic convolution kernel, as PyTorch's


def cubic(distance: Tensor) -> Tensor:
    """The cubic convolution kernel (Keys 1981) at distances in pixels."""
    a, x = SHARPNESS, distance.abs()
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * (x**3 - 5 * x**2 + 8 * x - 4)
    return torch.where(x < 1, near, torch.where(x < 2, far, torch.zeros_like(x)))


class BicubicTwice(nn.Module):
    """(N, C, h, w) -> (N, C, 2h, 2w); borders repeat. It has no weights to save."""

    def __init__(self) -> None:
        super().__init__()
        # An even output pixel lies 1/4 pixel before its source pixel, an odd one as far behind.
        even = cubic(torch.arange(-2, 2) + 0.25)
        rows = torch.stack([even, even.flip(0)])
        kernels = rows[:, None, :, None] * rows[None, :, None, :]
        self.register_buffer("kernels", kernels, persistent=False)  # (2, 2, 4, 4) by parity

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        channels, height, width = x.shape[1:]
        padded = F.pad(x, (2, 2, 2, 2), mode="replicate")
        phases = [
            F.conv2d(
                padded[..., row : row + height + 3, column : column + width + 3],
                self.kernels[row, column].expand(channels, 1, 4, 4),
                groups=channels,
            )
            for row in (0, 1)
            for column in (0, 1)
        ]
        return F.pixel_shuffle(torch.stack(phases, dim=2).flatten(1, 2), 2)
