"""RGMP: a frame with its previous mask, and frame 0 with its own, through one encoder.

Written from docs/peers.md, section 4.1. R runs, each with a mask of its own, are a batch: one for
each object and, with several, the inverse run after them. A decoder joins the two encodings.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import resnet50

from ttvos.peers.base import ClipState, Found, PeerTracker
from ttvos.peers.blocks import GlobalConvolution, ResBlock, enlarge
from ttvos.tracking.geometry import Padding, resize, shares_of_odds

SCALES = (0.5, 0.75, 1.0)
PADDING = Padding(32, always=True)
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


@dataclass(frozen=True)
class RGMPState(ClipState):
    """references: (R, 2048, h, w) for each scale. previous: (R, 1, H, W) soft masks."""

    references: tuple[Tensor, ...]
    previous: Tensor


class RGMP(PeerTracker):
    """RGMP with random weights, for cost and speed; three scales, and an inverse run."""

    name = "rgmp"
    network_class = RGMPNetwork

    def _parts(self) -> dict[str, tuple[nn.Module, ...]]:
        return {"encoder": (self.network.encoder,), "decoder": (self.network.decoder,)}

    def _start(self, frame: np.ndarray, mask: np.ndarray, ids: tuple[int, ...]) -> RGMPState:
        image, masks = self._image(frame), self._masks(mask, ids)[:, None]
        if len(ids) > 1:
            masks = torch.cat([masks, masks.amax(dim=0, keepdim=True)])
        references = tuple(
            self.network.reference(at_scale(image, scale), at_scale(masks, scale))
            for scale in SCALES
        )
        return RGMPState(ids, mask.shape, references, masks)

    def _follow(self, frame: np.ndarray, state: RGMPState) -> tuple[Found, RGMPState]:
        image, previous = self._image(frame), state.previous
        runs = torch.zeros_like(previous)
        for scale, reference in zip(SCALES, state.references, strict=True):
            scaled = at_scale(image, scale), at_scale(previous, scale)
            found = self.network(*scaled, reference)
            runs += from_scale(found, scale, state.size) / len(SCALES)
        shares = aggregate(runs[:, 0])
        found = Found(shares.argmax(dim=0), runs[: len(state.ids), 0])
        return found, replace(state, previous=fed_back(shares))


def aggregate(runs: Tensor) -> Tensor:
    """(R, H, W) probabilities -> (1 + O, H, W) shares, background first.

    Of several objects and the background, which is what the inverse run leaves, the shares of
    the odds; one object's are its probability and the rest.
    """
    if len(runs) == 1:
        return torch.cat([1 - runs, runs])
    return shares_of_odds(torch.cat([1 - runs[-1:], runs[:-1]]))


def fed_back(shares: Tensor) -> Tensor:
    """(1 + O, H, W) shares -> (R, 1, H, W) soft masks of the runs."""
    runs = shares[1:]
    if len(runs) > 1:
        runs = torch.cat([runs, 1 - shares[:1]])
    return runs[:, None]


def scaled_size(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """Height and width at a scale of what `pad` makes of a frame, before its second padding."""
    height, width = (round(side * scale) for side in PADDING.padded(size))
    return height, width


def at_scale(x: Tensor, scale: float) -> Tensor:
    """(N, C, H, W) as the network sees it: padded, and at a smaller scale resized and padded."""
    if scale == 1:
        return PADDING.pad(x)
    small = scaled_size(x.shape[-2:], scale)
    return PADDING.pad(resize(PADDING.pad(x), small))


def from_scale(x: Tensor, scale: float, size: tuple[int, int]) -> Tensor:
    """Undo `at_scale`, for frames of `size`."""
    if scale == 1:
        return PADDING.crop(x, size)
    small = PADDING.crop(x, scaled_size(size, scale))
    return PADDING.crop(resize(small, PADDING.padded(size)), size)
