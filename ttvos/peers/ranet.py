"""RANet: similarity of every pixel to every place of frame 0, ranked, and the last mask.

Written from docs/peers.md, section 4.5. `RANet` is the tracker; its network is `ranet_network`.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ttvos.peers.common import (
    as_ids,
    build_network,
    check_size,
    likeliest,
    normalise,
    refuse_weights,
    to_image,
)
from ttvos.peers.ranet_network import GRID, INPUT_SIZE, RANetNetwork
from ttvos.tracker import Prediction, check_pair, object_ids, one_hot

BACKGROUND = 0.9  # of a place, from which on it counts as background


@dataclass(frozen=True)
class RANetState:
    """What a step needs of the clip, for O objects.

    ids: of the objects. size: of the frames, (H, W). kernels: frame 0's places,
    (405, 512, 1, 1). places: (2, O, 405), how much each is the object's and the background's.
    previous: (O, 1, 480, 864), the last frame's probabilities.
    """

    ids: tuple[int, ...]
    size: tuple[int, int]
    kernels: Tensor
    places: Tensor
    previous: Tensor


class RANet:
    """RANet with random weights, for cost and speed; every frame is resized to 480x864.

    weights: none can be loaded; a path raises UserError.
    """

    name = "ranet"
    precision = "float32"
    cycle = 1

    def __init__(self, device: str = "cpu", weights: Path | str | None = None) -> None:
        refuse_weights(self.name, weights)
        self.device = device
        self.network = build_network(RANetNetwork, device)
        self.options: dict[str, object] = {}
        self.parts: dict[str, tuple[nn.Module, ...]] = {
            "backbone": (self.network.backbone,),
            "similarity": (self.network.similarity,),
            "correlation": (self.network.correlation,),
            "ranking": (self.network.ranking,),
            "merge": tuple(self.network.merge),
            "decoder": (self.network.decoder,),
        }

    @torch.inference_mode()
    def init(self, frame: np.ndarray, mask: np.ndarray) -> RANetState:
        """See `Tracker.init`."""
        check_pair(frame, mask)
        ids = object_ids(mask)
        masks = torch.from_numpy(one_hot(mask, ids))[:, None].to(self.device)
        masks = resize(masks, INPUT_SIZE)
        kernels = self.network.template(self._image(frame))
        return RANetState(ids, mask.shape, kernels, find_places(masks), masks)

    @torch.inference_mode()
    def step(self, frame: np.ndarray, state: RANetState) -> tuple[Prediction, RANetState]:
        """See `Tracker.step`."""
        check_size(frame, state.size)
        found = self.network(self._image(frame), state.kernels, state.places, state.previous)
        foreground = resize(found, state.size)[:, 0]
        prediction = Prediction(
            mask=as_ids(likeliest(foreground), state.ids),
            foreground=foreground.cpu().numpy(),
        )
        return prediction, replace(state, previous=found)

    def _image(self, frame: np.ndarray) -> Tensor:
        return resize(normalise(to_image(frame, self.device)), INPUT_SIZE)


def find_places(masks: Tensor) -> Tensor:
    """Masks (O, 1, 480, 864) -> (2, O, 405): the object's share of each place of frame 0, and 1
    where background is at least 0.9 of it.
    """
    share = F.adaptive_avg_pool2d(masks, GRID).flatten(1)
    return torch.stack([share, (1 - share >= BACKGROUND).float()])


def resize(x: Tensor, size: tuple[int, int]) -> Tensor:
    """(N, C, h, w) at `size`, bilinear."""
    return F.interpolate(x, size, mode="bilinear", align_corners=False)
