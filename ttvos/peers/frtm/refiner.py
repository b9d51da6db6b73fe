"""FRTM's segmentation network: refines the target model's coarse score by the features.

Facts: docs/peers.md, section 3.7. Module names are those of the published weights (`refiner.*`).
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ttvos.peers.frtm.backbone import LEVELS
from ttvos.tracking.geometry import resize

WIDTH = 64
SHARPNESS = -0.75  # of the cubic convolution kernel, as PyTorch's


def cubic(distance: Tensor) -> Tensor:
    """The cubic convolution kernel (Keys 1981) at distances in pixels."""
    a, x = SHARPNESS, distance.abs()
    near = (a + 2) * x**3 - (a + 3) * x**2 + 1
    far = a * (x**3 - 5 * x**2 + 8 * x - 4)
    return torch.where(x < 1, near, torch.where(x < 2, far, torch.zeros_like(x)))


class BicubicTwice(nn.Module):
    """(N, C, h, w) -> (N, C, 2h, 2w) bicubically; borders repeat. It has no weights to save.

    Equal to `F.interpolate(mode="bicubic", align_corners=False)`, but made of depthwise
    convolutions with fixed kernels, so that its work is counted, as in the facts' figures.
    """

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


def _conv(inputs: int, outputs: int, kernel: int, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=bias)


class TargetEncoding(nn.Module):
    """TSE: the features of one level, reduced, and joined by the target's score."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        joined = width + 1
        self.reduce = nn.Sequential(_conv(inputs, width, 1), nn.ReLU(), _conv(width, width, 1))
        self.transform = nn.Sequential(
            *(_conv(joined, joined, 3), nn.ReLU()),
            *(_conv(joined, joined, 3), nn.ReLU()),
            *(_conv(joined, width, 3), nn.ReLU()),
        )

    def forward(self, features: Tensor, score: Tensor) -> tuple[Tensor, Tensor]:
        """features (N or 1, C, h, w), score (N, 1, ., .) -> encoding, reduced (N, width, h, w)."""
        reduced = self.reduce(features).expand(len(score), -1, -1, -1)
        resized = resize(score, reduced.shape[-2:])
        return self.transform(torch.cat([reduced, resized], dim=1)), reduced


class Residual(nn.Module):
    """RRB: a residual block with batch norm behind a 1x1 convolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1x1 = _conv(width, width, 1)
        self.bblock = nn.Sequential(
            _conv(width, width, 3),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            _conv(width, width, 3, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, width, h, w) -> the same shape."""
        x = self.conv1x1(x)
        return F.relu(x + self.bblock(x))


class ChannelAttention(nn.Module):
    """CAB: gates the shallow map's channels by both maps' means, and adds the deeper map."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convreluconv = nn.Sequential(
            _conv(2 * width, width, 1), nn.ReLU(), _conv(width, width, 1)
        )

    def forward(self, deeper: Tensor, shallow: Tensor) -> Tensor:
        """deeper (N, width, ., .) of any size, shallow (N, width, h, w) -> (N, width, h, w)."""
        means = [x.mean(dim=(2, 3), keepdim=True) for x in (shallow, deeper)]
        gates = self.convreluconv(torch.cat(means, dim=1)).sigmoid()
        return shallow * gates + resize(deeper, shallow.shape[-2:])


class Upsampler(nn.Module):
    """The map at 1/4 to one logit per pixel of the frame."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = _conv(width, width // 2, 3)
        self.conv2 = _conv(width // 2, 1, 3)
        self.up1 = BicubicTwice()
        self.up2 = BicubicTwice()

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """(N, width, h, w) -> (N, 1, *size)."""
        x = F.relu(self.conv1(self.up1(x)))
        return self.conv2(resize(self.up2(x), size))


class Refiner(nn.Module):
    """The network that is trained offline: 1.226 M (R18), 1.410 M (R101) parameters.

    Facts: docs/peers.md, section 3.7.
    """

    def __init__(self, in_channels: Mapping[str, int], width: int = WIDTH) -> None:
        """in_channels: of each level, layer5 (1/32) to layer2 (1/4). width: of all its maps."""
        super().__init__()
        self.TSE = nn.ModuleDict({k: TargetEncoding(in_channels[k], width) for k in LEVELS})
        self.RRB1 = nn.ModuleDict({k: Residual(width) for k in LEVELS})
        self.CAB = nn.ModuleDict({k: ChannelAttention(width) for k in LEVELS})
        self.RRB2 = nn.ModuleDict({k: Residual(width) for k in LEVELS})
        self.project = Upsampler(width)

    def decode(self, score: Tensor, features: Mapping[str, Tensor]) -> Tensor:
        """The last RRB2's output at 1/4, (N, width, h, w); arguments as of `forward`."""
        deeper = None
        for level in LEVELS:
            encoding, reduced = self.TSE[level](features[level], score)
            if deeper is None:
                deeper = reduced.mean(dim=(2, 3), keepdim=True)
            deeper = self.RRB2[level](self.CAB[level](deeper, self.RRB1[level](encoding)))
        return deeper

    def forward(
        self,
        score: Tensor,
        features: Mapping[str, Tensor],
        size: tuple[int, int],
        return_features: bool = False,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Scores and features -> logits (N, 1, *size), of which the sigmoid is the output.

        score: (N, 1, h, w), raw, of N objects or images. features: by level, (N, C, h, w), or
        (1, C, h, w) of one image for N objects. size: the frame's (H, W).
        return_features: also return what `decode` gives, for losses on it.
        """
        decoded = self.decode(score, features)
        logits = self.project(decoded, size)
        return (logits, decoded) if return_features else logits
