"""CRN: a mask guides refinement from 1/32 of the frame to its full size, gating every step.

Written from docs/peers.md, section 4.2. The paper's first mask, an active contour on optical flow,
was not released: here it is the previous mask, as in the public code.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import functional_call

from ttvos.peers.blocks import resize
from ttvos.peers.common import (
    as_ids,
    build_network,
    check_size,
    likeliest,
    normalise,
    refuse_weights,
    to_image,
)
from ttvos.peers.crn_network import CRNNetwork
from ttvos.peers.online import (
    UNKNOWN,
    Weights,
    descend,
    online_cost,
    online_options,
    own_weights,
    targets_of,
)
from ttvos.tracker import Prediction, check_pair, object_ids

SIZE = 512  # height and width that the network sees
COARSEST = 32
PRIOR, REACH = 8, 64  # pixels: how far the prior and a prediction exceed the previous mask
MOMENTUM, WEIGHT_DECAY = 0.9, 1e-4
CROPS = range(352, 545, 32)
PUBLISHED_UPDATES = 200
LEAST_SHARE = 1e-6  # of a pixel; no less is divided by


@dataclass(frozen=True)
class CRNState:
    """weights: each object's own, empty where nothing was fine-tuned. masks: (O, 1, 512, 512)."""

    weights: tuple[Weights, ...]
    masks: Tensor
    ids: tuple[int, ...]
    size: tuple[int, int]


class CRN:
    """CRN with random weights, for cost and speed: one pass a frame for each object.

    updates: of the weights on frame 0, for each object; the public code makes 200, here 0 by
    default: `online_cost` says what they cost. learning_rate: of them. weights: none can be
    loaded; a path raises UserError, as do options out of range.
    """

    cycle = 1
    precision = "float32"
    name = "crn"

    def __init__(
        self,
        device: str = "cpu",
        weights: Path | str | None = None,
        updates: int = 0,
        learning_rate: float = 5e-4,
    ) -> None:
        refuse_weights(self.name, weights)
        self.options = online_options(self.name, updates, learning_rate)
        self.device = device
        self.updates, self.learning_rate = updates, learning_rate
        self.network = build_network(CRNNetwork, device)
        self.parts = {
            "ResNet101": (self.network.backbone,),
            "global convolutions": tuple(self.network.laterals),
            "refinement": tuple(self.network.levels),
        }

    def init(self, frame: np.ndarray, mask: np.ndarray) -> CRNState:
        """See `Tracker.init`; the fine-tuning is here."""
        check_pair(frame, mask)
        ids = object_ids(mask)
        weights: list[Weights] = [{} for _ in ids]
        with torch.inference_mode(False), torch.enable_grad():
            targets = targets_of(mask, ids).to(self.device)
            if self.updates:
                image = normalise(to_image(frame, self.device))
                weights = [self._fine_tuned(image, target[None]) for target in targets]
        masks = F.interpolate(targets.clamp(min=0), (SIZE, SIZE))
        return CRNState(tuple(weights), masks, ids, mask.shape)

    @torch.inference_mode()
    def step(self, frame: np.ndarray, state: CRNState) -> tuple[Prediction, CRNState]:
        """See `Tracker.step`. An object that is not found is looked for where it was last."""
        check_size(frame, state.size)
        image = resize(normalise(to_image(frame, self.device)), (SIZE, SIZE))
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
        mask = as_ids(labels, state.ids)
        after = CRNState(state.weights, masks, state.ids, state.size)
        return Prediction(mask=mask, foreground=foreground.cpu().numpy()), after

    def online_cost(self, height: int = 480, width: int = 854) -> dict[str, int]:
        """MACs of the public code's fine-tuning, which does not run by default; see `online`.

        Each update counts as one at the mean size, whatever the frame's.
        """
        side = (CROPS[0] + CROPS[-1]) // 2
        gate = (1, 1, side // COARSEST, side // COARSEST)
        return online_cost(CRNNetwork, [(1, 3, side, side), gate], PUBLISHED_UPDATES)

    def _fine_tuned(self, image: Tensor, target: Tensor) -> Weights:
        weights = own_weights(self.network)
        optimiser = torch.optim.SGD(
            weights.values(), self.learning_rate, MOMENTUM, weight_decay=WEIGHT_DECAY
        )
        losses = (
            every_loss(functional_call(self.network, weights, (x, coarse(prior))), wanted)
            for x, wanted, prior in crops(image, target, self.updates)
        )
        return descend(weights, optimiser, losses)


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
