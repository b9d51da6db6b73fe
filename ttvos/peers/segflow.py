"""SegFlow: a ResNet101 for the object and a FlowNetS for its motion, whose features meet.

Written from docs/peers.md, section 4.3. No mask enters the network: it learns the object on frame
0.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call

from ttvos.peers.common import as_ids, build_network, check_size, likeliest, refuse_weights
from ttvos.peers.online import (
    Weights,
    augmented,
    balanced_loss,
    descend,
    online_options,
    own_weights,
    targets_of,
)
from ttvos.peers.segflow_network import SegFlowNetwork
from ttvos.peers.vgg import to_vgg_image
from ttvos.tracker import Prediction, check_pair, object_ids

MOMENTUM = 0.9


@dataclass(frozen=True)
class SegFlowState:
    """weights: each object's own, empty where nothing was fine-tuned. previous: (1, 3, H, W)."""

    weights: tuple[Weights, ...]
    previous: Tensor
    ids: tuple[int, ...]
    size: tuple[int, int]


class SegFlow:
    """SegFlow with random weights, for cost and speed: one pass a frame for each object.

    updates: of the weights on frame 0, for each object; their published number is unknown, 0 by
    default. learning_rate: of a loss that sums over pixels. weights: none can be loaded; a
    path raises UserError, as do options out of range.
    """

    cycle = 1
    precision = "float32"
    name = "segflow"

    def __init__(
        self,
        device: str = "cpu",
        weights: Path | str | None = None,
        updates: int = 0,
        learning_rate: float = 1e-9,
    ) -> None:
        refuse_weights(self.name, weights)
        self.options = online_options(self.name, updates, learning_rate)
        self.device = device
        self.updates, self.learning_rate = updates, learning_rate
        self.network = build_network(SegFlowNetwork, device)
        self.parts = {
            "ResNet101": (self.network.segmenter,),
            "FlowNetS": (self.network.flownet,),
            "heads": (self.network.segmentation, self.network.flow),
        }

    def init(self, frame: np.ndarray, mask: np.ndarray) -> SegFlowState:
        """See `Tracker.init`; without updates the mask gives no more than the ids."""
        check_pair(frame, mask)
        ids = object_ids(mask)
        weights: list[Weights] = [{} for _ in ids]
        with torch.inference_mode(False), torch.enable_grad():
            image = to_vgg_image(frame, self.device)
            if self.updates:
                targets = targets_of(mask, ids).to(self.device)
                weights = [self._fine_tuned(image, target[None]) for target in targets]
        return SegFlowState(tuple(weights), image, ids, mask.shape)

    @torch.inference_mode()
    def step(self, frame: np.ndarray, state: SegFlowState) -> tuple[Prediction, SegFlowState]:
        """See `Tracker.step`."""
        check_size(frame, state.size)
        image = to_vgg_image(frame, self.device)
        frames = (image, state.previous)
        scores = [functional_call(self.network, own, frames)[0] for own in state.weights]
        foreground = torch.cat(scores).softmax(dim=1)[:, 1]
        mask = as_ids(likeliest(foreground), state.ids)
        after = SegFlowState(state.weights, image, state.ids, state.size)
        return Prediction(mask=mask, foreground=foreground.cpu().numpy()), after

    def _fine_tuned(self, image: Tensor, target: Tensor) -> Weights:
        weights = own_weights(self.network)
        # the flow's head has no target here
        learning = [weight for name, weight in weights.items() if not name.startswith("flow.")]
        optimiser = torch.optim.SGD(learning, lr=self.learning_rate, momentum=MOMENTUM)
        losses = (
            balanced_loss(object_logit(functional_call(self.network, weights, (x, x))[0]), wanted)
            for x, wanted in augmented(image, target, self.updates)
        )
        return descend(weights, optimiser, losses)


def object_logit(scores: Tensor) -> Tensor:
    """(N, 2, H, W) scores -> (N, 1, H, W): the logit whose sigmoid is the object's softmax."""
    return scores[:, 1:] - scores[:, :1]
