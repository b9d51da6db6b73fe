"""OSMN: one VGG16 looks at the object once and modulates another, as does where the object was.

Written from docs/peers.md, section 4.4.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import vgg16

from ttvos.peers.base import ClipState, Found, PeerTracker
from ttvos.peers.vgg import BLOCKS, Modulation, Sides, Trunk, to_vgg_image
from ttvos.tracking.geometry import likeliest

CROP = 224
MODULATED = BLOCKS[2:]  # blocks 3 to 5, at 1/4, 1/8 and 1/16
WIDTHS = [width for block in MODULATED for width in block]
LEAST_SPREAD = 1.0  # pixels; a mask one pixel wide has none


class VisualModulator(nn.Module):
    """A whole VGG16 whose last layer names a scale for each modulated channel."""

    def __init__(self) -> None:
        super().__init__()
        self.vgg = vgg16(weights=None, num_classes=sum(WIDTHS))
        # training starts from scales of 1, whatever the object
        nn.init.zeros_(self.vgg.classifier[-1].weight)
        nn.init.ones_(self.vgg.classifier[-1].bias)

    def forward(self, crops: Tensor) -> Tensor:
        """crops (O, 3, 224, 224) of the objects in frame 0 -> (O, 3840) scales."""
        return self.vgg(crops)


class SpatialModulator(nn.Module):
    """A map of where the object was -> a bias for each modulated channel and place."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(1, sum(block), kernel_size=1, bias=False) for block in MODULATED
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(sum(block), affine=False) for block in MODULATED)

    def forward(self, maps: Tensor) -> list[Tensor]:
        """maps (O, 1, H, W) in [0, 1] -> nine (O, C, h, w), one for each modulated convolution."""
        biases: list[Tensor] = []
        factors = (4, 8, 16)
        for block, factor, conv, norm in zip(
            MODULATED, factors, self.convs, self.norms, strict=True
        ):
            pooled = F.avg_pool2d(maps, kernel_size=factor, ceil_mode=True)
            biases += F.relu(norm(conv(pooled))).split(block, dim=1)
        return biases


class OSMNNetwork(nn.Module):
    """The segmentation network and its two modulators."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk, self.sides = Trunk(), Sides(counted=False)
        self.visual, self.spatial = VisualModulator(), SpatialModulator()

    def forward(self, images: Tensor, scales: Tensor, maps: Tensor) -> Tensor:
        """images (O, 3, H, W), scales (O, 3840), maps (O, 1, H, W) -> (O, 1, H, W) logits."""
        gammas = scales[:, :, None, None].split(WIDTHS, dim=1)
        modulations: list[Modulation] = list(zip(gammas, self.spatial(maps), strict=True))
        return self.sides(self.trunk(images, modulations), images.shape[-2:])


@dataclass(frozen=True)
class OSMNState(ClipState):
    """scales: (O, 3840), of frame 0. places: (O, 4), row, column and their spread in pixels."""

    scales: Tensor
    places: Tensor


class OSMN(PeerTracker):
    """OSMN with random weights, for cost and speed; nothing is learned on a clip."""

    name = "osmn"
    network_class = OSMNNetwork

    def _parts(self) -> dict[str, tuple[nn.Module, ...]]:
        return {
            "trunk": (self.network.trunk,),
            "sides": (self.network.sides,),
            "visual modulator": (self.network.visual,),
            "spatial modulator": (self.network.spatial,),
        }

    def _start(self, frame: np.ndarray, mask: np.ndarray, ids: tuple[int, ...]) -> OSMNState:
        """The visual modulator runs here, once for each object."""
        masks, image = self._masks(mask, ids), self._image(frame)
        crops = torch.cat([object_crop(image, one) for one in masks])
        places = torch.stack([place(one) for one in masks])
        return OSMNState(ids, mask.shape, self.network.visual(crops), places)

    def _follow(self, frame: np.ndarray, state: OSMNState) -> tuple[Found, OSMNState]:
        """An object that is not found is expected where it was last."""
        images = self._image(frame).expand(len(state.ids), -1, -1, -1)
        maps = gaussians(state.places, state.size)
        foreground = self.network(images, state.scales, maps)[:, 0].sigmoid()
        labels = likeliest(foreground)
        places = [
            place(labels == number) if (labels == number).any() else before
            for number, before in enumerate(state.places, start=1)
        ]
        return Found(labels, foreground), replace(state, places=torch.stack(places))

    def _image(self, frame: np.ndarray) -> Tensor:
        return to_vgg_image(frame, self.device)


def object_crop(image: Tensor, mask: Tensor) -> Tensor:
    """image (1, 3, H, W), mask (H, W) of 0 and 1 -> (1, 3, 224, 224): the mask's bounding box.

    What is not the object there is 0, which is the mean colour.
    """
    rows, columns = torch.nonzero(mask, as_tuple=True)
    box = (..., slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1))
    alone = image[box] * mask[box]
    return F.interpolate(alone, (CROP, CROP), mode="bilinear", align_corners=False, antialias=True)


def place(mask: Tensor) -> Tensor:
    """(H, W), not empty -> (4,): mean row and column, and their standard deviations, of it."""
    positions = torch.nonzero(mask).float()
    spread = positions.std(dim=0, correction=0).clamp(min=LEAST_SPREAD)
    return torch.cat([positions.mean(dim=0), spread])


def gaussians(places: Tensor, size: tuple[int, int]) -> Tensor:
    """(O, 4) places -> (O, 1, H, W): a Gaussian around each, 1 at its centre."""
    row, column, tall, wide = places[:, :, None, None].unbind(dim=1)
    rows = torch.arange(size[0], device=places.device).view(1, -1, 1)
    columns = torch.arange(size[1], device=places.device).view(1, 1, -1)
    distance = ((rows - row) / tall) ** 2 + ((columns - column) / wide) ** 2
    return torch.exp(-distance / 2)[:, None]
