"""SiamMask: a tracker of boxes on crops that also answers with a mask, one for each object.

Written from docs/peers.md, section 4.8. A template is correlated with a search image, and each
place answers with a mask. Sizes are those of a template of 127 pixels and a search image of 255:
features at stride 8 of 15 (its centre of 7 is used) and 31, and answers at 25x25 places.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import resnet50

from ttvos.peers.base import ClipState, Found, PeerTracker
from ttvos.peers.siammask_crops import (
    ANCHORS,
    SEARCH_SIZE,
    STRIDE,
    TEMPLATE_SIZE,
    WINDOW_BORDER,
    Box,
    box_of,
    choose_place,
    cut,
    paste,
    search_side,
    template_side,
)
from ttvos.tracking.geometry import likeliest

WIDTH = 256
COARSE_MASK = 63  # a side
MASK_SIZE = 127
TEMPLATE_BORDER = 4  # of the template's feature, cut off on each side
THRESHOLD = 0.35  # of a mask's probability


class Levels(NamedTuple):
    """What the refinement looks at: (1, 64, ...) at 1/2, (1, 256, ...) 1/4, (1, 512, ...) 1/8."""

    half: Tensor
    quarter: Tensor
    eighth: Tensor


class Answers(NamedTuple):
    """Of all 25x25 places: scores (1, 10, 25, 25), boxes (1, 20, 25, 25), and more.

    masks: the coarse masks' logits (1, 3969, 25, 25), computed and of no use where one place's
    mask is refined. vectors: (1, 256, 25, 25), which that mask grows from.
    """

    scores: Tensor
    boxes: Tensor
    masks: Tensor
    vectors: Tensor


class Features(nn.Module):
    """ResNet50 without its last stage, at stride 8, and a projection to 256 channels.

    The first convolution and the stride of layer2 have no padding, which gives the facts' sizes.
    The shortcuts into layer2 and layer3 are 3x3, which gives the facts' number of parameters.
    """

    def __init__(self) -> None:
        super().__init__()
        resnet = resnet50(weights=None, replace_stride_with_dilation=[False, True, False])
        resnet.conv1.padding = (0, 0)
        resnet.layer2[0].conv2.padding = (0, 0)
        resnet.layer2[0].downsample[0] = nn.Conv2d(256, 512, 3, stride=2, bias=False)
        resnet.layer3[0].downsample[0] = nn.Conv2d(512, 1024, 3, padding=1, bias=False)
        self.conv1, self.bn1, self.pool = resnet.conv1, resnet.bn1, resnet.maxpool
        self.layer1, self.layer2, self.layer3 = resnet.layer1, resnet.layer2, resnet.layer3
        self.adjust = nn.Sequential(nn.Conv2d(1024, WIDTH, 1, bias=False), nn.BatchNorm2d(WIDTH))

    def forward(self, images: Tensor) -> tuple[Tensor, Levels]:
        """images (1, 3, S, S) -> the feature (1, 256, s, s), s = 31 for S = 255, and the levels."""
        half = F.relu(self.bn1(self.conv1(images)))
        quarter = self.layer1(self.pool(half))
        eighth = self.layer2(quarter)
        return self.adjust(self.layer3(eighth)), Levels(half, quarter, eighth)


def normalised_conv(in_channels: int, out_channels: int, size: int) -> nn.Sequential:
    """Convolution without padding, batch norm, ReLU."""
    conv = nn.Conv2d(in_channels, out_channels, size, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(out_channels), nn.ReLU())


class Branch(nn.Module):
    """Correlates template and search image, channel by channel, and answers at each place."""

    def __init__(self, out_channels: int) -> None:
        super().__init__()
        self.kernel = normalised_conv(WIDTH, WIDTH, 3)
        self.search = normalised_conv(WIDTH, WIDTH, 3)
        self.head = nn.Sequential(
            normalised_conv(WIDTH, WIDTH, 1), nn.Conv2d(WIDTH, out_channels, kernel_size=1)
        )

    def forward(self, template: Tensor, search: Tensor) -> tuple[Tensor, Tensor]:
        """(1, 256, 7, 7), (1, 256, 31, 31) -> answers (1, N, 25, 25), vectors (1, 256, 25, 25)."""
        kernels = self.kernel(template).transpose(0, 1)
        vectors = F.conv2d(self.search(search), kernels, groups=WIDTH)
        return self.head(vectors), vectors


class Proposals(nn.Module):
    """The region proposal network: object or not, and a box, for 5 anchors at each place."""

    def __init__(self) -> None:
        super().__init__()
        self.scores, self.boxes = Branch(2 * ANCHORS), Branch(4 * ANCHORS)

    def forward(self, template: Tensor, search: Tensor) -> tuple[Tensor, Tensor]:
        """Shapes as `Branch` -> scores (1, 10, 25, 25), boxes (1, 20, 25, 25)."""
        return self.scores(template, search)[0], self.boxes(template, search)[0]


def two_convs(before: int, between: int, after: int) -> nn.Sequential:
    """Two 3x3 convolutions with biases, a ReLU after each; the numbers are of channels."""
    first = nn.Conv2d(before, between, kernel_size=3, padding=1)
    second = nn.Conv2d(between, after, kernel_size=3, padding=1)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU())


class Refine(nn.Module):
    """One place's vector, enlarged to a mask of 127 pixels with what the features show there."""

    def __init__(self) -> None:
        super().__init__()
        self.grow = nn.ConvTranspose2d(WIDTH, 32, kernel_size=15, stride=15)
        self.inner = nn.ModuleList(two_convs(c, c, c) for c in (32, 16, 4))
        sides = ((512, 128, 32), (256, 64, 16), (64, 16, 4))
        self.sides = nn.ModuleList(two_convs(*channels) for channels in sides)
        posts = ((32, 16), (16, 4), (4, 1))
        self.posts = nn.ModuleList(nn.Conv2d(a, b, kernel_size=3, padding=1) for a, b in posts)

    def forward(self, vectors: Tensor, levels: Levels, row: int, column: int) -> Tensor:
        """The logits (127, 127) of the place at row and column, 0 to 24."""
        x = self.grow(vectors[:, :, row : row + 1, column : column + 1])
        windows = place_windows(levels, row, column)
        sizes = (31, 61, MASK_SIZE)
        for inner, side, post, window, size in zip(
            self.inner, self.sides, self.posts, windows, sizes, strict=True
        ):
            x = post(F.interpolate(inner(x) + side(window), size, mode="nearest"))
        return x[0, 0]


def place_windows(levels: Levels, row: int, column: int) -> tuple[Tensor, Tensor, Tensor]:
    """What the levels show where a place lies, from coarse to fine: 15, 31 and 61 positions a side.

    The window of a place is as large as the template, and begins 8 * place - 32 pixels into the
    search image; what is outside is zero.
    """
    windows = []
    for level, stride, size in zip(
        (levels.eighth, levels.quarter, levels.half), (8, 4, 2), (15, 31, 61), strict=True
    ):
        step, border = STRIDE // stride, WINDOW_BORDER // stride
        top, left = row * step, column * step
        padded = F.pad(level, (border,) * 4)
        windows.append(padded[..., top : top + size, left : left + size])
    return windows[0], windows[1], windows[2]


class SiamMaskNetwork(nn.Module):
    """The four parts of the facts."""

    def __init__(self) -> None:
        super().__init__()
        self.features, self.rpn = Features(), Proposals()
        self.mask, self.refine = Branch(COARSE_MASK**2), Refine()

    def template(self, images: Tensor) -> Tensor:
        """images (1, 3, 127, 127) -> the template (1, 256, 7, 7)."""
        feature, _ = self.features(images)
        inside = slice(TEMPLATE_BORDER, -TEMPLATE_BORDER)
        return feature[..., inside, inside]

    def forward(self, template: Tensor, images: Tensor) -> tuple[Answers, Levels]:
        """Search images (1, 3, 255, 255): what every place answers, and what refining needs."""
        feature, levels = self.features(images)
        scores, boxes = self.rpn(template, feature)
        return Answers(scores, boxes, *self.mask(template, feature)), levels


@dataclass(frozen=True)
class TrackedObject:
    """template: (1, 256, 7, 7), of frame 0. box: where the object was last found."""

    template: Tensor
    box: Box


@dataclass(frozen=True)
class SiamMaskState(ClipState):
    """outside: (3,) frame 0's mean colour, for what a crop shows beyond the frame."""

    outside: np.ndarray
    objects: tuple[TrackedObject, ...]


class SiamMask(PeerTracker):
    """SiamMask with random weights, for cost and speed. Of the first mask it sees only boxes."""

    name = "siammask"
    network_class = SiamMaskNetwork

    def _parts(self) -> dict[str, tuple[nn.Module, ...]]:
        return {n: (getattr(self.network, n),) for n in ("features", "rpn", "mask", "refine")}

    def _start(self, frame: np.ndarray, mask: np.ndarray, ids: tuple[int, ...]) -> SiamMaskState:
        outside = frame.mean(axis=(0, 1))
        objects = []
        for box in (box_of(mask == i) for i in ids):
            crop = cut(frame, box, template_side(box), TEMPLATE_SIZE, outside)
            objects.append(TrackedObject(self.network.template(self._image(crop)), box))
        return SiamMaskState(ids, mask.shape, outside, tuple(objects))

    def _follow(self, frame: np.ndarray, state: SiamMaskState) -> tuple[Found, SiamMaskState]:
        found = [self._search(frame, followed, state) for followed in state.objects]
        foreground = torch.from_numpy(np.stack([mask for mask, _ in found]))
        objects = tuple(
            replace(followed, box=box)
            for followed, (_, box) in zip(state.objects, found, strict=True)
        )
        labels = likeliest(foreground, THRESHOLD)
        return Found(labels, foreground), replace(state, objects=objects)

    def _search(
        self, frame: np.ndarray, followed: TrackedObject, state: SiamMaskState
    ) -> tuple[np.ndarray, Box]:
        """One object's probabilities (H, W) float32, and its new box."""
        box = followed.box
        crop = cut(frame, box, search_side(box), SEARCH_SIZE, state.outside)
        answers, levels = self.network(followed.template, self._image(crop))
        scores, boxes = (x[0].cpu().numpy() for x in (answers.scores, answers.boxes))
        choice = choose_place(scores, boxes, box, state.size)
        logits = self.network.refine(answers.vectors, levels, choice.row, choice.column)
        mask = logits.sigmoid().cpu().numpy()
        return paste(mask, box, choice.row, choice.column, state.size), choice.box
