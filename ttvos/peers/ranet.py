"""RANet: similarity of every pixel to every place of frame 0, ranked, and the last mask.

Written from docs/peers.md, section 4.5. A frame is 480x864, always; frame 0 is 15x27 = 405 places.
The best similarities are kept, and a decoder makes the mask of them.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import resnet101

from ttvos.peers.base import ClipState, Found, PeerTracker
from ttvos.peers.blocks import ResBlock, enlarge
from ttvos.tracking.geometry import likeliest, resize

INPUT_SIZE = (480, 864)
GRID = (15, 27)  # places of frame 0
PLACES = GRID[0] * GRID[1]
WIDTH = 512  # of the feature that similarity is of
KEPT = 256  # maps, of the object and of the background each
SCORE_WEIGHT = 0.2  # of a map's score beside its maximum
MERGED = 128
REDUCED = (16, 16, 32)  # channels for the decoder, of the features at 1/8, 1/16 and 1/32
STAGES = (128, 64, 32)  # channels of the decoder at 1/8, 1/4 and 1/2
BACKGROUND = 0.9  # of a place, from which on it counts as background


class Features(NamedTuple):
    """(1, 512, H/8, W/8), (1, 1024, H/16, W/16) and (1, 2048, H/32, W/32)."""

    eighth: Tensor
    sixteenth: Tensor
    last: Tensor


class Backbone(nn.Module):
    """ResNet101 with instance norms; its classifier counts as a parameter and is unused."""

    def __init__(self) -> None:
        super().__init__()
        self.resnet = resnet101(weights=None, norm_layer=instance_norm)

    def forward(self, images: Tensor) -> Features:
        """images (1, 3, H, W), normalised."""
        resnet = self.resnet
        x = resnet.maxpool(resnet.relu(resnet.bn1(resnet.conv1(images))))
        eighth = resnet.layer2(resnet.layer1(x))
        sixteenth = resnet.layer3(eighth)
        return Features(eighth, sixteenth, resnet.layer4(sixteenth))


def instance_norm(channels: int) -> nn.Module:
    """With learned scale and shift, and no running statistics."""
    return nn.InstanceNorm2d(channels, affine=True)


class Similarity(nn.Module):
    """The feature at 1/16 that frames are compared by; every position has length 1."""

    def __init__(self) -> None:
        super().__init__()
        self.eighth = nn.Conv2d(512, 128, kernel_size=3, padding=1)
        self.sixteenth = nn.Conv2d(1024, 256, kernel_size=3, padding=1)
        self.last = nn.Conv2d(2048, 512, kernel_size=3, padding=1)
        self.join = nn.Conv2d(128 + 256 + 512, WIDTH, kernel_size=1)

    def forward(self, features: Features) -> Tensor:
        """-> (1, 512, H/16, W/16)."""
        sides = (
            F.max_pool2d(self.eighth(features.eighth), 2),
            self.sixteenth(features.sixteenth),
            enlarge(self.last(features.last), 2),
        )
        return F.normalize(self.join(torch.cat([F.normalize(s) for s in sides], dim=1)))


class Correlation(nn.Module):
    """A 1x1 convolution whose kernels are the places of frame 0; it has no parameters."""

    def forward(self, similarity: Tensor, kernels: Tensor) -> Tensor:
        """(1, 512, h, w), (405, 512, 1, 1) -> a map for each place, (1, 405, h, w)."""
        return F.conv2d(similarity, kernels)


class Ranking(nn.Module):
    """Sorts the maps by their maximum and a learned score, and keeps the best 256.

    For the score the places of frame 0 are the pixels of an image of 15x27, whose 405 channels
    are where in this frame, at 15x27 too, a place is found.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(PLACES, 128, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(128, 128, kernel_size=3, padding=1),
            ResBlock(128, dilation=2),
            nn.ReLU(),
            nn.Conv2d(128, 1, kernel_size=3, padding=1),
        )

    def forward(self, maps: Tensor) -> Tensor:
        """(N, 405, h, w) -> the best of them, best first, (N, 256, h, w)."""
        ranked = maps.amax(dim=(2, 3)) + SCORE_WEIGHT * self.scores(maps)
        # stable, so that maps which are all zero keep one order on every machine
        best = ranked.sort(dim=1, descending=True, stable=True).indices[:, :KEPT]
        return maps.gather(1, best[:, :, None, None].expand(-1, -1, *maps.shape[2:]))

    def scores(self, maps: Tensor) -> Tensor:
        """(N, 405, h, w) -> (N, 405)."""
        found = F.adaptive_avg_pool2d(maps, GRID).flatten(2)
        return self.layers(found.transpose(1, 2).unflatten(2, GRID)).flatten(1)


class Merge(nn.Module):
    """256 maps, enlarged to 1/8, become 128 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(KEPT, KEPT, kernel_size=3, padding=1)
        self.residual = ResBlock(KEPT)
        self.last = nn.Conv2d(KEPT, MERGED, kernel_size=3, padding=1)

    def forward(self, maps: Tensor) -> Tensor:
        """(O, 256, H/16, W/16) -> (O, 128, H/8, W/8)."""
        return self.last(F.relu(self.residual(self.first(enlarge(maps, 2)))))


class Stage(nn.Module):
    """Three dilations side by side, a 3x3 convolution, and a residual block."""

    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__()
        dilated = (nn.Conv2d(in_channels, channels, 3, padding=d, dilation=d) for d in (1, 3, 6))
        self.dilated = nn.ModuleList(dilated)
        self.conv = nn.Conv2d(channels, channels, kernel_size=3, padding=1)
        self.residual = ResBlock(channels)

    def forward(self, x: Tensor) -> Tensor:
        """(O, in_channels, h, w) -> (O, channels, h, w)."""
        x = F.relu(torch.stack([conv(x) for conv in self.dilated]).sum(dim=0))
        return F.relu(self.residual(self.conv(x)))


class Decoder(nn.Module):
    """Maps of object and background, the frame's features, and the previous mask -> a mask."""

    def __init__(self) -> None:
        super().__init__()
        sources = zip((512, 1024, 2048), REDUCED, strict=True)
        self.reduce = nn.ModuleList(nn.Conv2d(a, b, kernel_size=1) for a, b in sources)
        widths = (2 * MERGED + sum(REDUCED) + 1, *STAGES)
        self.stages = nn.ModuleList(map(Stage, widths[:-1], widths[1:]))
        self.head = nn.Conv2d(STAGES[-1], 1, kernel_size=3, padding=1)

    def forward(self, features: Features, merged: Tensor, previous: Tensor) -> Tensor:
        """merged (O, 256, H/8, W/8), previous (O, 1, H, W) -> probabilities (O, 1, H, W)."""
        size = merged.shape[-2:]
        reduced = (conv(x) for conv, x in zip(self.reduce, features, strict=True))
        seen = [resize(x, size).expand(len(merged), -1, -1, -1) for x in reduced]
        x = torch.cat([*seen, merged, F.adaptive_avg_pool2d(previous, size)], dim=1)
        for stage in self.stages[:-1]:
            x = enlarge(stage(x), 2)
        return enlarge(self.head(self.stages[-1](x)), 2).sigmoid()


class RANetNetwork(nn.Module):
    """All parts; object and background have each its own merging."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone, self.similarity = Backbone(), Similarity()
        self.correlation, self.ranking = Correlation(), Ranking()
        self.merge = nn.ModuleList([Merge(), Merge()])
        self.decoder = Decoder()

    def template(self, images: Tensor) -> Tensor:
        """Frame 0 (1, 3, 480, 864) -> kernels, one for each of its places, (405, 512, 1, 1)."""
        similarity = self.similarity(self.backbone(images))
        pooled = F.normalize(F.adaptive_avg_pool2d(similarity, GRID))
        return pooled.flatten(2)[0].T[..., None, None]

    def forward(self, images: Tensor, kernels: Tensor, places: Tensor, previous: Tensor) -> Tensor:
        """A frame (1, 3, 480, 864) -> probabilities (O, 1, 480, 864).

        places: (2, O, 405), how much each place of frame 0 is the object's and the background's.
        previous: (O, 1, 480, 864), the last frame's probabilities.
        """
        features = self.backbone(images)
        maps = self.correlation(self.similarity(features), kernels)
        masked = (maps * weights[..., None, None] for weights in places)
        sides = [merge(self.ranking(side)) for merge, side in zip(self.merge, masked, strict=True)]
        return self.decoder(features, torch.cat(sides, dim=1), previous)


@dataclass(frozen=True)
class RANetState(ClipState):
    """What a step needs of the clip, for O objects.

    kernels: frame 0's places, (405, 512, 1, 1). places: (2, O, 405), how much each is the
    object's and the background's. previous: (O, 1, 480, 864), the last frame's probabilities.
    """

    kernels: Tensor
    places: Tensor
    previous: Tensor


class RANet(PeerTracker):
    """RANet with random weights, for cost and speed; every frame is resized to 480x864."""

    name = "ranet"
    network_class = RANetNetwork

    def _parts(self) -> dict[str, tuple[nn.Module, ...]]:
        names = ("backbone", "similarity", "correlation", "ranking", "merge", "decoder")
        parts = {name: (getattr(self.network, name),) for name in names}
        return parts | {"merge": tuple(self.network.merge)}  # the list itself is never called

    def _start(self, frame: np.ndarray, mask: np.ndarray, ids: tuple[int, ...]) -> RANetState:
        masks = resize(self._masks(mask, ids)[:, None], INPUT_SIZE)
        kernels = self.network.template(self._image(frame))
        return RANetState(ids, mask.shape, kernels, find_places(masks), masks)

    def _follow(self, frame: np.ndarray, state: RANetState) -> tuple[Found, RANetState]:
        found = self.network(self._image(frame), state.kernels, state.places, state.previous)
        foreground = resize(found, state.size)[:, 0]
        return Found(likeliest(foreground), foreground), replace(state, previous=found)

    def _image(self, frame: np.ndarray) -> Tensor:
        return resize(super()._image(frame), INPUT_SIZE)


def find_places(masks: Tensor) -> Tensor:
    """Masks (O, 1, 480, 864) -> (2, O, 405): the object's share of each place of frame 0, and 1
    where background is at least 0.9 of it.
    """
    share = F.adaptive_avg_pool2d(masks, GRID).flatten(1)
    return torch.stack([share, (1 - share >= BACKGROUND).float()])
