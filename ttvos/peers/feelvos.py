"""FEELVOS: an embedding is matched with frame 0 and with the frame before, for each object.

Written from docs/peers.md, section 4.7. The background is an object like the others, number 0; O
counts it. Features, matching and head work at 1/4 of the frame.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from ttvos.peers.base import ClipState, Found, PeerTracker, to_image
from ttvos.peers.deeplab import WIDTH, Decoder, Pyramid, Xception65, convolution, separable, stretch
from ttvos.peers.feelvos_matching import GlobalMatching, LocalMatching

EMBEDDING = 100
HEAD_LAYERS = 4
MAPS = 3  # that the head sees beside the features: both matchings, and the object before


class Head(nn.Module):
    """Says of one object where it is; all objects are a batch. It has no batch norms."""

    def __init__(self) -> None:
        super().__init__()
        inputs = (WIDTH + MAPS, *(WIDTH,) * (HEAD_LAYERS - 1))
        self.layers = nn.Sequential(*(separable(n, WIDTH, 7, eps=None) for n in inputs))
        self.logit = convolution(WIDTH, 1, eps=None, relu=False)

    def forward(self, features: Tensor, *maps: Tensor) -> Tensor:
        """features (1, 256, h, w), three maps (O, 1, h, w) -> logits (O, 1, h, w)."""
        shared = features.expand(len(maps[0]), -1, -1, -1)
        return self.logit(self.layers(torch.cat([shared, *maps], dim=1)))


@dataclass(frozen=True)
class FEELVOSState(ClipState):
    """What a step needs of the clip, at 1/4.

    references: frame 0's embedding of each object's pixels, (n, 100). Of the last frame:
    embedding (1, 100, h, w), masks (O, h, w) bool, and shares (O, 1, h, w), which sum to 1.
    """

    references: tuple[Tensor, ...]
    embedding: Tensor
    masks: Tensor
    shares: Tensor


class FEELVOSNetwork(nn.Module):
    """All parts; the two matchings have no parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone, self.pyramid, self.decoder = Xception65(), Pyramid(), Decoder()
        self.embedding = separable(WIDTH, EMBEDDING, eps=None)
        self.global_matching, self.local_matching = GlobalMatching(), LocalMatching()
        self.head = Head()

    def embed(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """images (1, 3, H, W) in [-1, 1] -> features (1, 256, h, w), embedding (1, 100, h, w)."""
        fine, last = self.backbone(images)
        features = self.decoder(self.pyramid(last), fine)
        return features, self.embedding(features)

    def forward(self, features: Tensor, embedding: Tensor, known: FEELVOSState) -> Tensor:
        """What `embed` makes of a frame, and what is known of the clip -> logits (O, 1, h, w)."""
        far = self.global_matching(embedding, known.references)
        near = self.local_matching(embedding, known.embedding, known.masks)
        return self.head(features, far, known.shares, near)


class FEELVOS(PeerTracker):
    """FEELVOS with random weights, for cost and speed."""

    name = "feelvos"
    network_class = FEELVOSNetwork

    def _parts(self) -> dict[str, tuple[nn.Module, ...]]:
        parts = ("backbone", "pyramid", "decoder", "embedding")
        parts += ("global_matching", "local_matching", "head")
        return {part.replace("_", " "): (getattr(self.network, part),) for part in parts}

    def _start(self, frame: np.ndarray, mask: np.ndarray, ids: tuple[int, ...]) -> FEELVOSState:
        embedding = self.network.embed(self._image(frame))[1]
        objects = self._masks(mask, ids)
        everywhere = torch.cat([1 - objects.sum(dim=0, keepdim=True), objects])
        masks = owners(everywhere.argmax(dim=0), len(everywhere), embedding.shape[-2:])
        references = tuple(embedding[0, :, mask].T for mask in masks)
        return FEELVOSState(ids, mask.shape, references, embedding, masks, masks[:, None].float())

    def _follow(self, frame: np.ndarray, state: FEELVOSState) -> tuple[Found, FEELVOSState]:
        features, embedding = self.network.embed(self._image(frame))
        logits = self.network(features, embedding, state)
        found = stretch(logits, state.size)[:, 0]
        labels = found.argmax(dim=0)
        masks = owners(labels, len(found), embedding.shape[-2:])
        shares = logits.softmax(dim=0)
        after = replace(state, embedding=embedding, masks=masks, shares=shares)
        return Found(labels, found.softmax(dim=0)[1:]), after

    def _image(self, frame: np.ndarray) -> Tensor:
        return 2 * to_image(frame, self.device) - 1


def owners(labels: Tensor, objects: int, size: tuple[int, int]) -> Tensor:
    """Labels (H, W) of a frame -> (O, *size) bool: whose the pixels are that lie nearest.

    The corners' pixels stay the corners'.
    """
    rows, columns = (
        torch.linspace(0, side - 1, small, device=labels.device).round().long()
        for side, small in zip(labels.shape, size, strict=True)
    )
    numbers = torch.arange(objects, device=labels.device)
    return labels[rows[:, None], columns] == numbers[:, None, None]
