"""What a training of FRTM starts from, and what decides its result."""

from typing import Any

import torch

from ttvos.checkpoint import trained_within
from ttvos.config import as_plain
from ttvos.config_frtm import FRTMTraining
from ttvos.errors import UserError
from ttvos.imports import code_hash
from ttvos.peers.common import fill
from ttvos.peers.frtm.backbone import BACKBONES, Backbone
from ttvos.peers.frtm.pretrained import backbone_weights, imagenet_weights
from ttvos.peers.frtm.training_learner import Learner
from ttvos.provenance import file_hash
from ttvos.training.initial import draw_weights, own_generator
from ttvos.training.setup import listing_hash
from ttvos.weights import find_weights

# Fields of FRTMTraining that do not decide the weights.
UNDECISIVE = ("checkpoint_every", "skip_damaged", "target_cache", "workers")


def initial_learner(
    config: FRTMTraining, backbone: str, transition_loss: bool, seed: int
) -> tuple[Learner, dict[str, str | None]]:
    """All modules before the first step, and {"source", "sha256"} of the backbone's weights.

    The segmentation network is random, each module from `seed` and its name, equally with and
    without the transition loss; the backbone is by `config.initial`, random likewise where it
    names nothing.
    """
    with own_generator(seed, "network"):  # not the caller's; all of it is drawn again
        learner = Learner(backbone, config.freeze_backbone, config.precision)
    draw_weights(learner, seed, {"backbone": lambda: Backbone(backbone)})
    if transition_loss:
        learner.add_transition(seed)
    source = config.initial.get(backbone)
    if source is None:
        return learner, {"source": "random", "sha256": None}
    if source == "imagenet":
        fill(learner.backbone, imagenet_weights(backbone), "ImageNet weights")
        return learner, {"source": source, "sha256": None}
    path = find_weights(source)
    fill(learner.backbone, backbone_weights(path, backbone), str(path))
    return learner, {"source": source, "sha256": file_hash(path)} | trained_within(path)


def all_settings(
    config: FRTMTraining, backbone: str, transition_loss: bool, seed: int, device: str
) -> dict[str, Any]:
    """Everything that decides the trained weights, as plain data: also the data; and the code,
    which is recorded only (`ttvos.training.stale`).

    Raises UserError for missing data, an unknown backbone, or a missing file of initial weights.
    """
    if backbone not in BACKBONES:
        raise UserError(f"unknown backbone {backbone!r} of FRTM; known: {', '.join(BACKBONES)}")
    plain = as_plain(config)
    for name in (*UNDECISIVE, "initial"):
        plain.pop(name)
    source = config.initial.get(backbone)
    is_file = source not in (None, "imagenet")
    if is_file and not find_weights(source).is_file():
        raise UserError(f"frtm.initial: {backbone}: {source}: no such file")
    return {
        **plain,
        "initial": file_hash(find_weights(source)) if is_file else source,
        "tracker": "frtm",
        "transition_loss": transition_loss,
        "backbone": backbone,
        "seed": seed,
        "device": device,
        "torch": torch.__version__,
        "code": code_hash(*config.modules),
        "data": {root: listing_hash(root) for root in config.all_roots()},
    }
