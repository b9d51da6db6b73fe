"""CRN: a mask guides refinement from 1/32 of the frame to its full size, gating every step.

Written from docs/peers.md, section 4.2. The paper's first mask, an active contour on optical flow,
was not released: here it is the previous mask, as in the public code.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call
from torchvision.models import resnet101

from ttvos.peers.base import ClipState, Found
from ttvos.peers.blocks import GlobalConvolution, enlarge
from ttvos.peers.online import UNKNOWN, OnlineTracker, Weights, online_cost
from ttvos.tracking.geometry import likeliest, resize

WIDTH, DEPTH = 32, 5
TAPS = (2048, 1024, 512, 256, 64)  # channels of layer4 to layer1 and of the first convolution
SIZE = 512  # height and width that the network sees
COARSEST = 32
PRIOR, REACH = 8, 64  # pixels: how far the prior and a prediction exceed the previous mask
MOMENTUM, WEIGHT_DECAY = 0.9, 1e-4
CROPS = range(352, 545, 32)
PUBLISHED_UPDATES = 200
LEAST_SHARE = 1e-6  # of a pixel; no less is divided by


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


@dataclass(frozen=True)
class CRNState(ClipState):
    """weights: each object's own, empty where nothing was fine-tuned. masks: (O, 1, 512, 512)."""

    weights: tuple[Weights, ...]
    masks: Tensor


class CRN(OnlineTracker):
    """CRN with random weights, for cost and speed: one pass a frame for each object.

    The public code makes 200 updates.
    """

    name = "crn"
    network_class = CRNNetwork
    rate = 5e-4

    def _parts(self) -> dict[str, tuple[nn.Module, ...]]:
        return {
            "ResNet101": (self.network.backbone,),
            "global convolutions": tuple(self.network.laterals),
            "refinement": tuple(self.network.levels),
        }

    def _start(self, frame: np.ndarray, mask: np.ndarray, ids: tuple[int, ...]) -> CRNState:
        weights = self._learned(frame, mask, ids)
        masks = F.interpolate(self._masks(mask, ids)[:, None], (SIZE, SIZE))
        return CRNState(ids, mask.shape, weights, masks)

    def _follow(self, frame: np.ndarray, state: CRNState) -> tuple[Found, CRNState]:
        """An object that is not found is looked for where it was last."""
        image = resize(self._image(frame), (SIZE, SIZE))
        found = [
            functional_call(self.network, own, (image, coarse(dilate(mask[None], PRIOR))))[-1]
            for own, mask in zip(state.weights, state.masks, strict=True)
        ]
        near = torch.cat(found).sigmoid() * dilate(state.masks, REACH)
        foreground = resize(near, state.size)[:, 0]
        labels = likeliest(foreground)
        numbers = torch.arange(1, len(state.ids) + 1, device=labels.device).view(-1, 1, 1, 1)
        masks = F.interpolate((labels == numbers).float(), (SIZE, SIZE))
        lost = masks.flatten(1).amax(dim=1).view(-1, 1, 1, 1) == 0
        masks = torch.where(lost, state.masks, masks)
        return Found(labels, foreground), replace(state, masks=masks)

    def online_cost(self, height: int = 480, width: int = 854) -> dict[str, int]:
        """MACs of the public code's fine-tuning, which does not run by default; see `online`.

        Each update counts as one at the mean size, whatever the frame's.
        """
        side = (CROPS[0] + CROPS[-1]) // 2
        gate = (1, 1, side // COARSEST, side // COARSEST)
        return online_cost(CRNNetwork, [(1, 3, side, side), gate], PUBLISHED_UPDATES)

    def _optimiser(self, weights: Weights) -> torch.optim.Optimizer:
        return torch.optim.SGD(
            weights.values(), self.learning_rate, MOMENTUM, weight_decay=WEIGHT_DECAY
        )

    def _losses(self, weights: Weights, image: Tensor, target: Tensor) -> Iterator[Tensor]:
        for x, wanted, prior in crops(image, target, self.updates):
            logits = functional_call(self.network, weights, (x, coarse(prior)))
            yield every_loss(logits, wanted)


def crops(image: Tensor, target: Tensor, count: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Frame 0 and its target: `count` squares of random size and place, flipped at random.

    Yields the image, the target, and its object as a prior: grown and shrunk in turn. Draws are
    seeded with 0.
    """
    generator = torch.Generator().manual_seed(0)
    whole = CROPS[-1]
    image = resize(image, (whole, whole))
    target = F.interpolate(target, (whole, whole))
    for number in range(count):
        size = CROPS[int(torch.randint(len(CROPS), (1,), generator=generator))]
        top, left = torch.randint(whole - size + 1, (2,), generator=generator).tolist()
        part = (..., slice(top, top + size), slice(left, left + size))
        x, wanted = image[part], target[part]
        if torch.rand(1, generator=generator) < 0.5:
            x, wanted = x.flip(-1), wanted.flip(-1)
        mask = wanted.clamp(min=0)
        shrunk = 1 - dilate(1 - mask, PRIOR)
        yield x, wanted, shrunk if number % 2 else dilate(mask, PRIOR)


def every_loss(logits: list[Tensor], target: Tensor) -> Tensor:
    """Mean cross-entropy of the masks of all sizes, summed; a pixel counts by its known part.

    target: (N, 1, H, W) of 0 and 1, and UNKNOWN.
    """
    known, mask = (target != UNKNOWN).float(), target.clamp(min=0)
    losses = []
    for x in logits:
        share, covered = (F.adaptive_avg_pool2d(y, x.shape[-2:]) for y in (known, mask))
        wanted = covered / share.clamp(min=LEAST_SHARE)
        loss = F.binary_cross_entropy_with_logits(x, wanted, share, reduction="sum")
        losses.append(loss / share.sum().clamp(min=LEAST_SHARE))
    return sum(losses)


def coarse(mask: Tensor) -> Tensor:
    """(N, 1, H, W) -> (N, 1, H/32, W/32): the share of each cell that the mask covers."""
    return F.avg_pool2d(mask, COARSEST)


def dilate(mask: Tensor, pixels: int) -> Tensor:
    """(N, 1, H, W) of 0 and 1, grown by a square of `pixels` on each side."""
    kernel = 2 * pixels + 1
    rows = F.max_pool2d(mask, (kernel, 1), stride=1, padding=(pixels, 0))
    return F.max_pool2d(rows, (1, kernel), stride=1, padding=(0, pixels))
