"""OnAVOS's training: on frame 0, then on every frame, and what the published steps cost.

Written from docs/peers.md, section 4.10. Batch norms keep their statistics.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.utils.flop_counter import FlopCounterMode

from ttvos.peers.common import normalise
from ttvos.peers.onavos_labels import Augmentation, bootstrapped_loss, draws, pseudo_labels
from ttvos.peers.onavos_network import OnAVOSNetwork
from ttvos.peers.online import Weights, descend, online_cost, own_weights

PUBLISHED_FIRST_STEPS, PUBLISHED_STEPS, PUBLISHED_PASSES = 50, 15, 10
FIRST_RATE, RATE = 3e-6, 1e-5  # of Adam, on frame 0 and on every frame
CURRENT_EVERY = 5  # steps; the others are on frame 0
CURRENT_WEIGHT = 0.05  # of the loss on the current frame


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


def published_cost(height: int = 480, width: int = 854) -> dict[str, int]:
    """MACs of the published schedule for one object; nothing is computed.

    Of frame 0, as `online_cost`: updates, passes_per_update, macs_per_update, macs. Of every other
    frame: frame_updates, frame_passes, and frame_macs, of both together. Augmentation changes
    sizes; every pass counts as one of the frame's own size.
    """
    first = online_cost(OnAVOSNetwork, [(1, 3, height, width)], PUBLISHED_FIRST_STEPS)
    with torch.device("meta"), torch.inference_mode(), FlopCounterMode(display=False) as counter:
        OnAVOSNetwork().eval()(torch.empty(1, 3, height, width))
    passes = PUBLISHED_PASSES * counter.get_total_flops() // 2
    return {
        **first,
        "frame_updates": PUBLISHED_STEPS,
        "frame_passes": PUBLISHED_PASSES,
        "frame_macs": PUBLISHED_STEPS * first["macs_per_update"] + passes,
    }
