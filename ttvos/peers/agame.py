"""A-GAME: a generative model of the object's appearance, fitted in closed form to each frame.

Written from docs/peers.md, section 4.6. `AGAME` is the tracker; its network is `agame_network`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ttvos.peers.agame_network import STRIDE, AGAMENetwork, Gaussians
from ttvos.peers.common import (
    as_ids,
    build_network,
    check_size,
    crop,
    margins,
    normalise,
    refuse_weights,
    shares_of_odds,
    to_image,
)
from ttvos.tracker import Prediction, check_pair, object_ids, one_hot

RATE = 0.1  # of a new frame in the running Gaussians


@dataclass(frozen=True)
class AGAMEState:
    """What is known of O objects after a frame.

    ids: of the objects. size: of the frames, (H, W). first: frame 0's feature (1, 2048, h, w) and
    first_masks (O, 2, h, w) its masks. masks: the last frame's. gaussians: of all frames so far.
    """

    ids: tuple[int, ...]
    size: tuple[int, int]
    first: Tensor
    first_masks: Tensor
    masks: Tensor
    gaussians: Gaussians


class AGAME:
    """A-GAME with random weights, for cost and speed.

    weights: none can be loaded; a path raises UserError.
    """

    name = "agame"
    precision = "float32"
    cycle = 1

    def __init__(self, device: str = "cpu", weights: Path | str | None = None) -> None:
        refuse_weights(self.name, weights)
        self.device = device
        self.network = build_network(AGAMENetwork, device)
        self.options: dict[str, object] = {}
        self.parts: dict[str, tuple[nn.Module, ...]] = {
            "backbone": (self.network.backbone,),
            "heads": (self.network.heads,),
            "update": (self.network.update,),
        }

    @torch.inference_mode()
    def init(self, frame: np.ndarray, mask: np.ndarray) -> AGAMEState:
        """See `Tracker.init`."""
        check_pair(frame, mask)
        ids = object_ids(mask)
        first = self.network.backbone(self._image(frame)).s16
        masks = as_classes(torch.from_numpy(one_hot(mask, ids)).to(self.device))
        gaussians = self.network.update(first, masks)
        return AGAMEState(ids, mask.shape, first, masks, masks, gaussians)

    @torch.inference_mode()
    def step(self, frame: np.ndarray, state: AGAMEState) -> tuple[Prediction, AGAMEState]:
        """See `Tracker.step`."""
        check_size(frame, state.size)
        features = self.network.backbone(self._image(frame))
        logits = self.network.heads(
            features, state.gaussians, state.first, state.masks, state.first_masks
        )
        foreground = crop(logits, state.size, STRIDE).softmax(dim=1)[:, 1]
        shares = aggregate(foreground)
        masks = as_classes(shares[1:])
        gaussians = blend(state.gaussians, self.network.update(features.s16, masks))
        prediction = Prediction(
            mask=as_ids(shares.argmax(dim=0), state.ids),
            foreground=foreground.cpu().numpy(),
        )
        following = AGAMEState(
            state.ids, state.size, state.first, state.first_masks, masks, gaussians
        )
        return prediction, following

    def _image(self, frame: np.ndarray) -> Tensor:
        return pad(normalise(to_image(frame, self.device)))


def aggregate(foreground: Tensor) -> Tensor:
    """Objects' own probabilities (O, H, W) -> shares of the odds (O + 1, H, W), background first.

    The background's probability is the smallest of the complements.
    """
    background = (1 - foreground).amin(dim=0, keepdim=True)
    return shares_of_odds(torch.cat([background, foreground]))


def as_classes(soft: Tensor) -> Tensor:
    """Soft masks (O, H, W) -> background and object at 1/16, (O, 2, h, w), which sum to 1."""
    small = F.avg_pool2d(pad(soft[:, None]), STRIDE)
    return torch.cat([1 - small, small], dim=1)


def blend(old: Gaussians, new: Gaussians) -> Gaussians:
    """The running Gaussians after one more frame."""
    return Gaussians(*((1 - RATE) * a + RATE * b for a, b in zip(old, new, strict=True)))


def pad(x: Tensor) -> Tensor:
    """Reflect (N, C, H, W) at its edges, up to the next multiples of 16; `crop` undoes it."""
    height, width = x.shape[-2:]
    sides = (*margins(width, STRIDE), *margins(height, STRIDE))
    return F.pad(x, sides, mode="reflect")
