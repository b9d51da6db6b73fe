"""What OnAVOS learns from, and how: pseudo-labels of a frame, random augmentation, the steps.

Written from docs/peers.md, section 4.10. Batch norms keep their statistics.
"""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from ttvos.core.video import VOID
from ttvos.peers.online import Weights, descend, own_weights
from ttvos.tracking.geometry import normalise, resize

SURE = 0.97  # of a posterior, from which on a pixel counts as the object's
EROSION = 15  # pixels, the side of the square that the last mask is eroded by
FAR = 220.0  # pixels from the eroded mask, from which on a pixel is background
HARDEST = 0.25  # of the labelled pixels, which the loss is the mean of
SCALES, EXPONENTS = (0.7, 1.3), (0.7, 1.3)  # of sizes, and of gamma
FIRST_RATE, RATE = 3e-6, 1e-5  # of Adam, on frame 0 and on every frame
CURRENT_EVERY = 5  # steps; the others are on frame 0
CURRENT_WEIGHT = 0.05  # of the loss on the current frame


def negatives(last: np.ndarray) -> np.ndarray | None:
    """Pixels too far from the last mask (H, W) bool to be the object; None if it is lost.

    Lost: nothing of the mask is left after erosion.
    """
    square = np.ones((EROSION, EROSION), dtype=np.uint8)
    # beyond the edge counts as the mask, so that objects there are not eroded from outside
    eroded = cv2.erode(last.astype(np.uint8), square)
    if not eroded.any():
        return None
    return cv2.distanceTransform(1 - eroded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) > FAR


def pseudo_labels(posterior: Tensor, far: Tensor) -> Tensor:
    """Posterior (H, W) and negatives (H, W) bool -> (1, H, W) long: 1 object, 0, or 255 void.

    A pixel that is sure and far is background.
    """
    labels = torch.full_like(posterior, VOID, dtype=torch.long)
    labels[posterior > SURE] = 1
    labels[far] = 0
    return labels[None]


def bootstrapped_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy of the hardest quarter of the labelled pixels; 0 if there are none.

    logits (1, 2, H, W), labels (1, H, W) long.
    """
    losses = F.cross_entropy(logits, labels, ignore_index=VOID, reduction="none")
    losses = losses[labels != VOID]
    if not len(losses):
        return logits.sum() * 0
    return losses.topk(max(1, round(HARDEST * len(losses)))).values.mean()


class Augmentation(NamedTuple):
    """A flip, a scale and a gamma; of frames whose values are in [0, 1]."""

    flip: bool = False
    scale: float = 1.0
    exponent: float = 1.0

    def image(self, image: Tensor) -> Tensor:
        """(1, 3, H, W) in [0, 1] -> the same, flipped, resized, and to the power of gamma."""
        return self._placed(image.pow(self.exponent), "bilinear")

    def labels(self, labels: Tensor) -> Tensor:
        """(1, H, W) long -> those of `image`."""
        return self._placed(labels[:, None].float(), "nearest")[:, 0].long()

    def undo(self, probabilities: Tensor, size: tuple[int, int]) -> Tensor:
        """(1, C, h, w) of `image` -> (1, C, H, W) of the frame, of `size`."""
        found = probabilities.flip(-1) if self.flip else probabilities
        return resize(found, size)

    def _placed(self, x: Tensor, mode: str) -> Tensor:
        size = [max(8, round(side * self.scale)) for side in x.shape[-2:]]
        x = x.flip(-1) if self.flip else x
        return F.interpolate(x, size, mode=mode)


def draws(count: int, seed: int) -> list[Augmentation]:
    """That many random augmentations."""
    generator = torch.Generator().manual_seed(seed)
    return [_draw(generator) for _ in range(count)]


def _draw(generator: torch.Generator) -> Augmentation:
    flip, scale, exponent = torch.rand(3, generator=generator).tolist()
    return Augmentation(
        flip < 0.5,
        SCALES[0] + (SCALES[1] - SCALES[0]) * scale,
        EXPONENTS[0] + (EXPONENTS[1] - EXPONENTS[0]) * exponent,
    )


class Known(NamedTuple):
    """What a frame's training has: frame 0 and the frame itself, (1, 3, H, W) in [0, 1].

    labels: (1, H, W) long, of frame 0. far: (H, W) bool, where the object cannot be.
    """

    first: Tensor
    labels: Tensor
    image: Tensor
    far: Tensor


def run(network: nn.Module, weights: Weights, image: Tensor) -> Tensor:
    """Logits (1, 2, H, W) of an image (1, 3, H, W) in [0, 1]; empty weights are the network's."""
    return functional_call(network, weights, normalise(image))


@torch.enable_grad()
def train(network: nn.Module, first: Tensor, labels: Tensor, steps: int) -> Weights:
    """Weights for the object of frame 0's labels (1, H, W)."""
    weights = own_weights(network)
    losses = (_first_loss(network, weights, first, labels, way) for way in draws(steps, seed=0))
    return descend(weights, torch.optim.Adam(weights.values(), lr=FIRST_RATE), losses)


@torch.enable_grad()
def adapt(network: nn.Module, start: Weights, known: Known, steps: int, seed: int) -> Weights:
    """`start` after a frame's steps: every fifth on the frame, the others on frame 0."""
    weights = own_weights(network)
    with torch.no_grad():
        for name, value in start.items():
            weights[name].copy_(value)
    losses = _losses(network, weights, known, draws(steps, seed))
    return descend(weights, torch.optim.Adam(weights.values(), lr=RATE), losses)


def _losses(
    network: nn.Module, weights: Weights, known: Known, ways: list[Augmentation]
) -> Iterator[Tensor]:
    for i, way in enumerate(ways):
        if i % CURRENT_EVERY == 0:
            yield CURRENT_WEIGHT * _current_loss(network, weights, known)
        else:
            yield _first_loss(network, weights, known.first, known.labels, way)


def _first_loss(
    network: nn.Module, weights: Weights, first: Tensor, labels: Tensor, way: Augmentation
) -> Tensor:
    return bootstrapped_loss(run(network, weights, way.image(first)), way.labels(labels))


def _current_loss(network: nn.Module, weights: Weights, known: Known) -> Tensor:
    """On the frame as it is, with labels from this very pass."""
    logits = run(network, weights, known.image)
    posterior = logits.detach().softmax(dim=1)[0, 1]
    return bootstrapped_loss(logits, pseudo_labels(posterior, known.far.to(logits.device)))
