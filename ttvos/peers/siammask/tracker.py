"""SiamMask: a tracker of boxes on crops that also answers with a mask, one for each object.

Written from docs/peers.md, section 4.8. `SiamMask` is the tracker; its network is
`siammask_network`, its crops `siammask_crops`, its choice of a place `siammask_anchors`.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ttvos.peers.common import (
    as_ids,
    build_network,
    check_size,
    normalise,
    refuse_weights,
    to_image,
)
from ttvos.peers.siammask.crops import Box, box_of, choose, cut, paste, search_side, template_side
from ttvos.peers.siammask.network import SEARCH_SIZE, TEMPLATE_SIZE, SiamMaskNetwork
from ttvos.tracking.protocol import Prediction, check_pair, object_ids

THRESHOLD = 0.35  # of a mask's probability


@dataclass(frozen=True)
class TrackedObject:
    """template: (1, 256, 7, 7), of frame 0. box: where the object was last found."""

    template: Tensor
    box: Box


@dataclass(frozen=True)
class SiamMaskState:
    """ids: of the O objects, in the order of `objects`. size: of the frames, (H, W).

    outside: (3,) frame 0's mean colour, for what a crop shows beyond the frame.
    """

    ids: tuple[int, ...]
    size: tuple[int, int]
    outside: np.ndarray
    objects: tuple[TrackedObject, ...]


class SiamMask:
    """SiamMask with random weights, for cost and speed. Of the first mask it sees only boxes.

    weights: none can be loaded; a path raises UserError.
    """

    name = "siammask"
    precision = "float32"
    cycle = 1

    def __init__(self, device: str = "cpu", weights: Path | str | None = None) -> None:
        refuse_weights(self.name, weights)
        self.device = device
        self.network = build_network(SiamMaskNetwork, device)
        self.options: dict[str, object] = {}
        self.parts: dict[str, tuple[nn.Module, ...]] = {
            "features": (self.network.features,),
            "rpn": (self.network.rpn,),
            "mask": (self.network.mask,),
            "refine": (self.network.refine,),
        }

    @torch.inference_mode()
    def init(self, frame: np.ndarray, mask: np.ndarray) -> SiamMaskState:
        """See `Tracker.init`."""
        check_pair(frame, mask)
        ids = object_ids(mask)
        outside = frame.mean(axis=(0, 1))
        objects = []
        for box in (box_of(mask == i) for i in ids):
            crop = cut(frame, box, template_side(box), TEMPLATE_SIZE, outside)
            objects.append(TrackedObject(self.network.template(self._image(crop)), box))
        return SiamMaskState(ids, mask.shape, outside, tuple(objects))

    @torch.inference_mode()
    def step(self, frame: np.ndarray, state: SiamMaskState) -> tuple[Prediction, SiamMaskState]:
        """See `Tracker.step`."""
        check_size(frame, state.size)
        found = [self._follow(frame, followed, state) for followed in state.objects]
        foreground = np.stack([mask for mask, _ in found])
        boxes = (box for _, box in found)
        objects = tuple(
            replace(followed, box=box) for followed, box in zip(state.objects, boxes, strict=True)
        )
        prediction = Prediction(mask=labels(foreground, state.ids), foreground=foreground)
        return prediction, replace(state, objects=objects)

    def _follow(
        self, frame: np.ndarray, followed: TrackedObject, state: SiamMaskState
    ) -> tuple[np.ndarray, Box]:
        """One object's probabilities (H, W) float32, and its new box."""
        box = followed.box
        crop = cut(frame, box, search_side(box), SEARCH_SIZE, state.outside)
        answers, levels = self.network(followed.template, self._image(crop))
        scores, boxes = (x[0].cpu().numpy() for x in (answers.scores, answers.boxes))
        choice = choose(scores, boxes, box, state.size)
        logits = self.network.refine(answers.vectors, levels, choice.row, choice.column)
        mask = logits.sigmoid().cpu().numpy()
        return paste(mask, box, choice.row, choice.column, state.size), choice.box

    def _image(self, crop: np.ndarray) -> Tensor:
        return normalise(to_image(crop, self.device))


def labels(foreground: np.ndarray, ids: tuple[int, ...]) -> np.ndarray:
    """Probabilities (O, H, W) -> (H, W) uint8 ids: the most probable object's, if above 0.35."""
    found = np.where(foreground.max(axis=0) > THRESHOLD, foreground.argmax(axis=0) + 1, 0)
    return as_ids(torch.from_numpy(found), ids)
