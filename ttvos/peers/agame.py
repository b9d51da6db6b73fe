"""A-GAME: a generative model of the object's appearance, fitted in closed form to each frame.

Written from docs/peers.md, section 4.6. Gaussians of the appearance stand beside a mask that is
carried from frame to frame: a frame passes `Backbone` and `Heads`, and then `Update`.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import resnet101

from ttvos.peers.base import ClipState, Found, PeerTracker
from ttvos.peers.blocks import enlarge
from ttvos.tracking.geometry import Padding, shares_of_odds

STRIDE = 16  # of the backbone's coarsest feature, at which the heads work
PADDING = Padding(STRIDE, reflects=True)
WIDTH = 512
FINE_WIDTH = 128
MASK_CHANNELS = 2  # background and object
COMPONENTS = 4  # Gaussians: background, object, and one more for the errors of each
VARIANCE_START = -2.0  # of the learned regulariser, before softplus
NO_WEIGHT = 1e-5  # added to each weighted mean, for a component with no pixel
RATE = 0.1  # of a new frame in the running Gaussians


class Gaussians(NamedTuple):
    """Diagonal Gaussians of O objects: means and variances, both (O, 4, 512)."""

    means: Tensor
    variances: Tensor


class Features(NamedTuple):
    """A frame at three strides: s16 (1, 2048, h, w), s8 (1, 512, 2h, 2w), s4 (1, 256, 4h, 4w)."""

    s16: Tensor
    s8: Tensor
    s4: Tensor


class Backbone(nn.Module):
    """ResNet101 whose last stage is dilated; its classifier counts as a parameter and is unused."""

    def __init__(self) -> None:
        super().__init__()
        self.resnet = resnet101(weights=None, replace_stride_with_dilation=[False, False, True])

    def forward(self, images: Tensor) -> Features:
        """images (1, 3, H, W), normalised, sides multiples of 16."""
        resnet = self.resnet
        x = resnet.maxpool(resnet.relu(resnet.bn1(resnet.conv1(images))))
        s4 = resnet.layer1(x)
        s8 = resnet.layer2(s4)
        return Features(resnet.layer4(resnet.layer3(s8)), s8, s4)


class Appearance(nn.Module):
    """Class-conditional Gaussians of a 512-channel projection of the backbone's feature."""

    def __init__(self) -> None:
        super().__init__()
        self.project = nn.Conv2d(2048, WIDTH, kernel_size=1)
        self.regulariser = nn.Parameter(torch.full((WIDTH,), VARIANCE_START))

    def forward(self, s16: Tensor, gaussians: Gaussians) -> Tensor:
        """The log-likelihood of every position under each Gaussian, (O, 4, h, w)."""
        return log_likelihood(self.project(s16), gaussians)

    def estimate(self, s16: Tensor, masks: Tensor) -> Gaussians:
        """The four Gaussians of masks (O, 2, h, w), which sum to 1 at every position.

        The second pair is of the positions that the first pair takes for the other class,
        weighted by how much.
        """
        first = self._moments(self.project(s16), masks)
        features = self.project(s16)  # as the facts' cost of an update: projected for each pair
        found = log_likelihood(features, first).softmax(dim=1)
        second = self._moments(features, (masks - found).clamp(min=0))
        return Gaussians(*(torch.cat(pair, dim=1) for pair in zip(first, second, strict=True)))

    def _moments(self, features: Tensor, weights: Tensor) -> Gaussians:
        """Weighted means and variances of features (1, 512, h, w): weights (O, K, h, w)."""
        total = weights.sum(dim=(2, 3))[..., None] + NO_WEIGHT
        shares = weights[:, :, None]
        means = (features[:, None] * shares).sum(dim=(3, 4)) / total
        squares = (features[:, None] - means[..., None, None]).square()
        spread = (squares * shares).sum(dim=(3, 4)) / total
        return Gaussians(means, spread + F.softplus(self.regulariser))


def log_likelihood(features: Tensor, gaussians: Gaussians) -> Tensor:
    """features (1, C, h, w), K Gaussians (O, K, C) -> (O, K, h, w), without the constant."""
    variances = gaussians.variances[..., None, None]
    distances = (features[:, None] - gaussians.means[..., None, None]).square() / variances
    return -0.5 * (distances + variances.log()).sum(dim=2)


class Dynamics(nn.Module):
    """What moves: this frame and frame 0, the previous masks and the first ones."""

    def __init__(self) -> None:
        super().__init__()
        self.join = nn.Conv2d(2 * (2048 + MASK_CHANNELS), WIDTH, kernel_size=1)
        pyramid = (nn.Conv2d(WIDTH, WIDTH, 3, padding=d, dilation=d) for d in (1, 3, 6))
        self.pyramid = nn.ModuleList(pyramid)
        self.last = nn.Conv2d(3 * WIDTH, WIDTH, kernel_size=3, padding=1)

    def forward(self, s16: Tensor, first: Tensor, masks: Tensor, first_masks: Tensor) -> Tensor:
        """s16, first (1, 2048, h, w); masks, first_masks (O, 2, h, w) -> (O, 512, h, w)."""
        frames = torch.cat([s16, first], dim=1).expand(len(masks), -1, -1, -1)
        x = F.relu(self.join(torch.cat([frames, masks, first_masks], dim=1)))
        x = torch.cat([F.relu(conv(x)) for conv in self.pyramid], dim=1)
        return F.relu(self.last(x))


class Fusion(nn.Module):
    """Both models' answers -> a coarse feature.

    The head on that feature, which training supervises, does not run here.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(WIDTH + COMPONENTS, WIDTH, kernel_size=3, padding=1)
        self.conv2 = nn.Conv2d(WIDTH, FINE_WIDTH, kernel_size=3, padding=1)
        self.coarse = nn.Conv2d(FINE_WIDTH, MASK_CHANNELS, kernel_size=1)

    def forward(self, dynamics: Tensor, likelihood: Tensor) -> Tensor:
        """(O, 512, h, w), (O, 4, h, w) -> (O, 128, h, w)."""
        x = F.relu(self.conv1(torch.cat([dynamics, likelihood], dim=1)))
        return F.relu(self.conv2(x))


class Upsample(nn.Module):
    """Joins the coarse feature with the backbone's finer ones, as SharpMask does."""

    def __init__(self) -> None:
        super().__init__()
        self.laterals = nn.ModuleList(nn.Conv2d(c, FINE_WIDTH, kernel_size=1) for c in (512, 256))
        blends = (nn.Conv2d(2 * FINE_WIDTH, FINE_WIDTH, 3, padding=1) for _ in range(2))
        self.blends = nn.ModuleList(blends)
        self.fine = nn.Conv2d(FINE_WIDTH, MASK_CHANNELS, kernel_size=3, padding=1)

    def forward(self, x: Tensor, features: Features) -> Tensor:
        """x (O, 128, h, w) -> logits of background and object, (O, 2, 16h, 16w)."""
        finer = (features.s8, features.s4)
        for lateral, blend, feature in zip(self.laterals, self.blends, finer, strict=True):
            side = lateral(feature).expand(len(x), -1, -1, -1)
            x = F.relu(blend(torch.cat([enlarge(x, 2), side], dim=1)))
        return enlarge(self.fine(x), 4)


class Heads(nn.Module):
    """All that follows the backbone up to the logits."""

    def __init__(self) -> None:
        super().__init__()
        self.appearance, self.dynamics = Appearance(), Dynamics()
        self.fusion, self.upsample = Fusion(), Upsample()

    def forward(
        self,
        features: Features,
        gaussians: Gaussians,
        first: Tensor,
        masks: Tensor,
        first_masks: Tensor,
    ) -> Tensor:
        """Shapes as `Appearance` and `Dynamics` -> logits (O, 2, H, W)."""
        likelihood = self.appearance(features.s16, gaussians)
        moving = self.dynamics(features.s16, first, masks, first_masks)
        return self.upsample(self.fusion(moving, likelihood), features)


class Update(nn.Module):
    """The Gaussians of a frame whose masks are known; a module so that its cost has a name."""

    def __init__(self, appearance: Appearance) -> None:
        super().__init__()
        self.appearance = appearance

    def forward(self, s16: Tensor, masks: Tensor) -> Gaussians:
        """s16 (1, 2048, h, w), masks (O, 2, h, w)."""
        return self.appearance.estimate(s16, masks)


class AGAMENetwork(nn.Module):
    """The three parts; the update has no parameters of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone, self.heads = Backbone(), Heads()
        self.update = Update(self.heads.appearance)


@dataclass(frozen=True)
class AGAMEState(ClipState):
    """What is known of O objects after a frame.

    first: frame 0's feature (1, 2048, h, w) and first_masks (O, 2, h, w) its masks. masks: the
    last frame's. gaussians: of all frames so far.
    """

    first: Tensor
    first_masks: Tensor
    masks: Tensor
    gaussians: Gaussians


class AGAME(PeerTracker):
    """A-GAME with random weights, for cost and speed."""

    name = "agame"
    network_class = AGAMENetwork

    def _parts(self) -> dict[str, tuple[nn.Module, ...]]:
        return {name: (getattr(self.network, name),) for name in ("backbone", "heads", "update")}

    def _start(self, frame: np.ndarray, mask: np.ndarray, ids: tuple[int, ...]) -> AGAMEState:
        first = self.network.backbone(self._image(frame)).s16
        masks = as_classes(self._masks(mask, ids))
        return AGAMEState(ids, mask.shape, first, masks, masks, self.network.update(first, masks))

    def _follow(self, frame: np.ndarray, state: AGAMEState) -> tuple[Found, AGAMEState]:
        features = self.network.backbone(self._image(frame))
        logits = self.network.heads(
            features, state.gaussians, state.first, state.masks, state.first_masks
        )
        foreground = PADDING.crop(logits, state.size).softmax(dim=1)[:, 1]
        shares = aggregate(foreground)
        masks = as_classes(shares[1:])
        gaussians = blend(state.gaussians, self.network.update(features.s16, masks))
        after = replace(state, masks=masks, gaussians=gaussians)
        return Found(shares.argmax(dim=0), foreground), after

    def _image(self, frame: np.ndarray) -> Tensor:
        return PADDING.pad(super()._image(frame))


def aggregate(foreground: Tensor) -> Tensor:
    """Objects' own probabilities (O, H, W) -> shares of the odds (O + 1, H, W), background first.

    The background's probability is the smallest of the complements.
    """
    background = (1 - foreground).amin(dim=0, keepdim=True)
    return shares_of_odds(torch.cat([background, foreground]))


def as_classes(soft: Tensor) -> Tensor:
    """Soft masks (O, H, W) -> background and object at 1/16, (O, 2, h, w), which sum to 1."""
    small = F.avg_pool2d(PADDING.pad(soft[:, None]), STRIDE)
    return torch.cat([1 - small, small], dim=1)


def blend(old: Gaussians, new: Gaussians) -> Gaussians:
    """The running Gaussians after one more frame."""
    return Gaussians(*((1 - RATE) * a + RATE * b for a, b in zip(old, new, strict=True)))
