"""OnAVOS: a segmentation network that is trained on frame 0, and again on every frame.

Written from docs/peers.md, section 4.10. `OnAVOS` is the tracker; its network is `onavos_network`,
its training `onavos_training`.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ttvos.core.errors import UserError
from ttvos.peers.common import (
    as_ids,
    build_network,
    check_size,
    likeliest,
    refuse_weights,
    to_image,
)
from ttvos.peers.onavos.learning import (
    VOID,
    Augmentation,
    Known,
    adapt,
    draws,
    negatives,
    published_cost,
    run,
    train,
)
from ttvos.peers.onavos.network import OnAVOSNetwork
from ttvos.peers.online import Weights
from ttvos.tracking.protocol import Prediction, check_pair, object_ids, one_hot

THRESHOLD = 0.5


@dataclass(frozen=True)
class Learned:
    """One object. weights: its own, by the network's names; empty where nothing was trained.

    first: (1, H, W) long labels of frame 0, 255 = void. last: (H, W) bool, the last mask, pruned.
    """

    weights: Weights
    first: Tensor
    last: np.ndarray


@dataclass(frozen=True)
class OnAVOSState:
    """ids: of the objects. first: frame 0, (1, 3, H, W) in [0, 1]. index: of the last frame."""

    ids: tuple[int, ...]
    first: Tensor
    index: int
    objects: tuple[Learned, ...]


class OnAVOS:
    """OnAVOS with random weights, for cost and speed: one pass a frame for each object.

    first_steps: of Adam on frame 0; steps: on every frame; passes: augmented ones whose
    probabilities are averaged, a single one is of the frame itself. Published are 50, 15 and 10;
    by default 0, 0 and 1: `online_cost` says what the published ones cost.
    weights: none can be loaded; a path raises UserError, as do numbers out of range.
    """

    name = "onavos"
    precision = "float32"
    cycle = 1

    def __init__(
        self,
        device: str = "cpu",
        weights: Path | str | None = None,
        first_steps: int = 0,
        steps: int = 0,
        passes: int = 1,
    ) -> None:
        refuse_weights(self.name, weights)
        self.options: dict[str, object] = {
            "first_steps": first_steps,
            "steps": steps,
            "passes": passes,
        }
        for key, value in self.options.items():
            least = 1 if key == "passes" else 0
            if type(value) is not int or value < least:
                raise UserError(f"onavos: {key} {value!r}: a whole number, {least} or more")
        self.device = device
        self.first_steps, self.steps, self.passes = first_steps, steps, passes
        self.network = build_network(OnAVOSNetwork, device)
        self.parts: dict[str, tuple[nn.Module, ...]] = {
            "trunk": (self.network.trunk,),
            "head": (self.network.head,),
        }

    @torch.inference_mode(False)  # for the training; `_posterior` is in inference mode
    def init(self, frame: np.ndarray, mask: np.ndarray) -> OnAVOSState:
        """See `Tracker.init`; the training on frame 0 is here, seeded for each object."""
        check_pair(frame, mask)
        ids = object_ids(mask)
        first = to_image(frame, self.device)
        objects = []
        for target in one_hot(mask, ids):
            # void pixels of the given mask teach nothing
            known = np.where(mask == VOID, VOID, target)
            labels = torch.from_numpy(known).to(self.device).long()[None]
            weights: Weights = {}
            if self.first_steps:
                weights = train(self.network, first, labels, self.first_steps)
            objects.append(Learned(weights, labels, target > 0))
        return OnAVOSState(ids, first, 0, tuple(objects))

    @torch.inference_mode(False)
    def step(self, frame: np.ndarray, state: OnAVOSState) -> tuple[Prediction, OnAVOSState]:
        """See `Tracker.step`; the training on the frame comes first."""
        check_size(frame, state.first.shape[-2:])
        image, index = to_image(frame, self.device), state.index + 1
        found, objects = [], []
        for learned in state.objects:
            far = negatives(learned.last)
            weights = learned.weights
            if self.steps and far is not None:
                known = Known(state.first, learned.first, image, torch.from_numpy(far))
                weights = adapt(self.network, weights, known, self.steps, seed=index)
            posterior = self._posterior(weights, image, index)
            last = posterior > THRESHOLD
            # what cannot be the object is taken out of the mask that the next frame starts from
            last = last if far is None else last & ~far
            found.append(posterior)
            objects.append(replace(learned, weights=weights, last=last))
        foreground = np.stack(found)
        labels = likeliest(torch.from_numpy(foreground))
        prediction = Prediction(mask=as_ids(labels, state.ids), foreground=foreground)
        return prediction, replace(state, index=index, objects=tuple(objects))

    def online_cost(self, height: int = 480, width: int = 854) -> dict[str, int]:
        """MACs of the published training, whether it runs or not; see `published_cost`."""
        return published_cost(height, width)

    @torch.inference_mode()
    def _posterior(self, weights: Weights, image: Tensor, index: int) -> np.ndarray:
        """The object's probabilities (H, W) float32, the mean of all passes."""
        ways = draws(self.passes, seed=index) if self.passes > 1 else [Augmentation()]
        size = image.shape[-2:]
        found = [
            way.undo(run(self.network, weights, way.image(image)).softmax(dim=1), size)
            for way in ways
        ]
        return torch.cat(found).mean(dim=0)[1].cpu().numpy()
