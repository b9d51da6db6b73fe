"""RGMP: a frame with its previous mask, and frame 0 with its own, through one encoder.

Written from PEERS section 4.1. `RGMPNetwork` is the network, `RGMP` the tracker.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import resnet50

from ttvos.errors import UserError
from ttvos.peers.common import ODDS_LIMIT, as_ids, build_network, check_size, normalise, to_image
from ttvos.tracker import Prediction, check_pair, object_ids, one_hot

SCALES = (0.5, 0.75, 1.0)
MULTIPLE = 32
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

    def forward(self, images: Tensor, masks: Tensor) -> list[Tensor]:
        """images (R, 3, H, W) normalised, masks (R, 1, H, W) in [0, 1] -> features by stage.

        The four are (R, 256, H/4, W/4), 512 at 1/8, 1024 at 1/16, 2048 at 1/32.
        """
        x = self.pool(F.relu(self.bn1(self.conv1(images) + self.mask_conv(masks))))
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return features


class Residual(nn.Module):
    """x + two 3x3 convolutions, each after a ReLU."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(WIDTH, WIDTH, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(WIDTH, WIDTH, kernel_size=3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(F.relu(self.conv1(F.relu(x))))


class GlobalConvolution(nn.Module):
    """The sum of two paths of 7x1 and 1x7 convolutions: 7x7 pixels seen at a small cost."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        tall = {"kernel_size": (7, 1), "padding": (3, 0)}
        wide = {"kernel_size": (1, 7), "padding": (0, 3)}
        self.left = nn.Sequential(
            nn.Conv2d(channels, WIDTH, **tall), nn.Conv2d(WIDTH, WIDTH, **wide)
        )
        self.right = nn.Sequential(
            nn.Conv2d(channels, WIDTH, **wide), nn.Conv2d(WIDTH, WIDTH, **tall)
        )
        self.residual = Residual()

    def forward(self, x: Tensor) -> Tensor:
        return self.residual(self.left(x) + self.right(x))


class Refine(nn.Module):
    """Adds an encoder feature to the deeper result, doubled in size."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.lateral = nn.Conv2d(channels, WIDTH, kernel_size=3, padding=1)
        self.before, self.after = Residual(), Residual()

    def forward(self, feature: Tensor, deeper: Tensor) -> Tensor:
        return self.after(self.before(self.lateral(feature)) + enlarge(deeper, 2))


class Decoder(nn.Module):
    """Features of a frame and of the reference -> two logits for each pixel.

    Of the heads of four stages, which training supervises, the finest alone runs here.
    """

    def __init__(self) -> None:
        super().__init__()
        self.join = GlobalConvolution(2 * 2048)
        self.refine = nn.ModuleList(Refine(channels) for channels in (1024, 512, 256))
        heads = (nn.Conv2d(WIDTH, 2, kernel_size=3, padding=1) for _ in range(4))
        self.heads = nn.ModuleList(heads)

    def forward(self, features: list[Tensor], reference: Tensor) -> Tensor:
        """features as the encoder's, reference (R, 2048, H/32, W/32) -> (R, 2, H, W) logits."""
        r2, r3, r4, r5 = features
        x = self.join(torch.cat([r5, reference], dim=1))
        for refine, feature in zip(self.refine, (r4, r3, r2), strict=True):
            x = refine(feature, x)
        return enlarge(self.heads[-1](F.relu(x)), 4)


class RGMPNetwork(nn.Module):
    """The shared encoder and the decoder, at one scale."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = Encoder(), Decoder()

    def reference(self, images: Tensor, masks: Tensor) -> Tensor:
        """Frame 0 with its masks, shapes as the encoder's -> (R, 2048, H/32, W/32)."""
        return self.encoder(images, masks)[-1]

    def forward(self, images: Tensor, masks: Tensor, reference: Tensor) -> Tensor:
        """A frame with the previous masks -> (R, 1, H, W) foreground probabilities."""
        logits = self.decoder(self.encoder(images, masks), reference)
        return logits.softmax(dim=1)[:, 1:]


@dataclass(frozen=True)
class RGMPState:
    """references: (R, 2048, h, w) for each scale. previous: (R, 1, H, W) soft masks.

    R runs: one for each object and, with several, the inverse run after them.
    """

    references: tuple[Tensor, ...]
    previous: Tensor
    ids: tuple[int, ...]
    size: tuple[int, int]


class RGMP:
    """RGMP with random weights, for cost and speed; three scales, and an inverse run.

    weights: none can be loaded; a path raises UserError.
    """

    cycle = 1
    precision = "float32"
    name = "rgmp"

    def __init__(self, device: str = "cpu", weights: Path | str | None = None) -> None:
        if weights is not None:
            raise UserError(
                f"rgmp: cost only: the published weights' names are not among the facts, so "
                f"{weights} cannot be loaded; leave the weights out"
            )
        self.device = device
        self.network = build_network(RGMPNetwork, device)
        self.options: dict[str, object] = {}
        self.parts = {"encoder": (self.network.encoder,), "decoder": (self.network.decoder,)}

    @torch.inference_mode()
    def init(self, frame: np.ndarray, mask: np.ndarray) -> RGMPState:
        """See `Tracker.init`."""
        check_pair(frame, mask)
        ids = object_ids(mask)
        masks = torch.from_numpy(one_hot(mask, ids))[:, None].to(self.device)
        if len(ids) > 1:
            masks = torch.cat([masks, masks.amax(dim=0, keepdim=True)])
        image = normalise(to_image(frame, self.device))
        references = []
        for scale in SCALES:
            images = at_scale(image, scale).expand(len(masks), -1, -1, -1)
            references.append(self.network.reference(images, at_scale(masks, scale)))
        return RGMPState(tuple(references), masks, ids, mask.shape)

    @torch.inference_mode()
    def step(self, frame: np.ndarray, state: RGMPState) -> tuple[Prediction, RGMPState]:
        """See `Tracker.step`."""
        check_size(frame, state.size)
        image, previous = normalise(to_image(frame, self.device)), state.previous
        runs = torch.zeros_like(previous)
        for scale, reference in zip(SCALES, state.references, strict=True):
            images = at_scale(image, scale).expand(len(previous), -1, -1, -1)
            found = self.network(images, at_scale(previous, scale), reference)
            runs += from_scale(found, scale, state.size) / len(SCALES)
        shares = aggregate(runs[:, 0])
        prediction = Prediction(
            mask=as_ids(shares.argmax(dim=0), state.ids),
            foreground=runs[: len(state.ids), 0].cpu().numpy(),
        )
        return prediction, RGMPState(state.references, fed_back(shares), state.ids, state.size)


def aggregate(runs: Tensor) -> Tensor:
    """(R, H, W) probabilities -> (1 + O, H, W) shares, background first.

    Of several objects and the background, which is what the inverse run leaves, the shares of
    the odds; one object's are its probability and the rest.
    """
    if len(runs) == 1:
        return torch.cat([1 - runs, runs])
    every = torch.cat([1 - runs[-1:], runs[:-1]]).clamp(ODDS_LIMIT, 1 - ODDS_LIMIT)
    odds = every / (1 - every)
    return odds / odds.sum(dim=0, keepdim=True)


def fed_back(shares: Tensor) -> Tensor:
    """(1 + O, H, W) shares -> (R, 1, H, W) soft masks of the runs."""
    runs = shares[1:]
    if len(runs) > 1:
        runs = torch.cat([runs, 1 - shares[:1]])
    return runs[:, None]


def margins(size: int) -> tuple[int, int]:
    """Pixels before and after, up to the next multiple of 32, even where it is one already."""
    total = MULTIPLE - size % MULTIPLE
    return total // 2, total - total // 2


def pad(x: Tensor) -> Tensor:
    """Zeros around (N, C, H, W), up to the next multiples of 32."""
    return F.pad(x, (*margins(x.shape[-1]), *margins(x.shape[-2])))


def crop(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Undo `pad` on a tensor that was of `size`."""
    top, left = margins(size[0])[0], margins(size[1])[0]
    return x[..., top : top + size[0], left : left + size[1]]


def scaled_size(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """Height and width at a scale of what `pad` makes of a frame, before its second padding."""
    height, width = (round((side + sum(margins(side))) * scale) for side in size)
    return height, width


def at_scale(x: Tensor, scale: float) -> Tensor:
    """(N, C, H, W) as the network sees it: padded, and at a smaller scale resized and padded."""
    if scale == 1:
        return pad(x)
    small = scaled_size(x.shape[-2:], scale)
    return pad(F.interpolate(pad(x), small, mode="bilinear", align_corners=False))


def from_scale(x: Tensor, scale: float, size: tuple[int, int]) -> Tensor:
    """Undo `at_scale`, for frames of `size`."""
    if scale == 1:
        return crop(x, size)
    padded = scaled_size(size, 1)
    small = crop(x, scaled_size(size, scale))
    return crop(F.interpolate(small, padded, mode="bilinear", align_corners=False), size)


def enlarge(x: Tensor, factor: int) -> Tensor:
    """Bilinear enlargement of (N, C, h, w)."""
    return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
