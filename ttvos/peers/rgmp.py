"""RGMP: a frame with its previous mask, and frame 0 with its own, through one encoder.

Written from docs/peers.md, section 4.1. `RGMP` is the tracker; its network is `rgmp_network`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ttvos.peers.blocks import resize
from ttvos.peers.common import (
    as_ids,
    build_network,
    check_size,
    normalise,
    refuse_weights,
    shares_of_odds,
    to_image,
)
from ttvos.peers.rgmp_network import RGMPNetwork
from ttvos.tracker import Prediction, check_pair, object_ids, one_hot

SCALES = (0.5, 0.75, 1.0)
MULTIPLE = 32


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
        refuse_weights(self.name, weights)
        self.device = device
        self.network = build_network(RGMPNetwork, device)
        self.options: dict[str, object] = {}
        self.parts: dict[str, tuple[nn.Module, ...]] = {
            "encoder": (self.network.encoder,),
            "decoder": (self.network.decoder,),
        }

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
            scaled = at_scale(image, scale), at_scale(masks, scale)
            references.append(self.network.reference(*scaled))
        return RGMPState(tuple(references), masks, ids, mask.shape)

    @torch.inference_mode()
    def step(self, frame: np.ndarray, state: RGMPState) -> tuple[Prediction, RGMPState]:
        """See `Tracker.step`."""
        check_size(frame, state.size)
        image, previous = normalise(to_image(frame, self.device)), state.previous
        runs = torch.zeros_like(previous)
        for scale, reference in zip(SCALES, state.references, strict=True):
            scaled = at_scale(image, scale), at_scale(previous, scale)
            found = self.network(*scaled, reference)
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
    return shares_of_odds(torch.cat([1 - runs[-1:], runs[:-1]]))


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
    return pad(resize(pad(x), small))


def from_scale(x: Tensor, scale: float, size: tuple[int, int]) -> Tensor:
    """Undo `at_scale`, for frames of `size`."""
    if scale == 1:
        return crop(x, size)
    padded = scaled_size(size, 1)
    small = crop(x, scaled_size(size, scale))
    return crop(resize(small, padded), size)
