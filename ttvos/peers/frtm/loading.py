"""FRTM's weights: published files, checkpoints of ours, and the backbone's from elsewhere.

Published files hold `refiner.*` under ["model"]; the backbone is then torchvision's of ImageNet.
It imports nothing of TTVOS or of training, so that the tracker's code depends on neither.
"""

from pathlib import Path

import torchvision

from ttvos.core.errors import UserError
from ttvos.core.shipped_weights import find_weights
from ttvos.model.state_dict import StateDict, read_facts, read_tensors, under
from ttvos.peers.base import fill_network
from ttvos.peers.frtm.backbone import Backbone
from ttvos.peers.frtm.refiner import Refiner

PARTS = ("refiner", "backbone")
# Formats of our files with a backbone in them, and where its names start there.
PREFIXES = {"ttvos-backbone-1": "net.", "ttvos-1": "backbone.net.", "ttvos-frtm-1": "backbone."}
CLASSIFIER = "fc."


def imagenet_weights(backbone: str) -> StateDict:
    """torchvision's IMAGENET1K_V1 without the classifier; needs a network.

    Facts: docs/peers.md, section 3.1.
    """
    try:
        net = torchvision.models.get_model(backbone, weights="IMAGENET1K_V1")
    except Exception as error:  # whatever the download's library raises
        raise UserError(
            f"ImageNet weights of {backbone} could not be had ({type(error).__name__}); fetch "
            f"them where there is a network (ttvos data fetch imagenet-{backbone}), or set "
            "frtm.initial to a file or null"
        ) from error
    return {k: v for k, v in net.state_dict().items() if not k.startswith(CLASSIFIER)}


def read_backbone(path: Path, backbone: str) -> StateDict:
    """A backbone's state dict from a file: of `ttvos data fetch imagenet-...` or `ttvos backbone`,
    a checkpoint of ours (TTVOS's or FRTM's), or torchvision's own.

    Raises UserError for a file of another backbone or format.
    """
    tensors, facts = read_tensors(path), read_facts(path)
    if facts.get("backbone", backbone) != backbone:
        raise UserError(f"{path}: is of backbone {facts['backbone']}, not {backbone}")
    prefix = PREFIXES.get(facts.get("format"), "")
    if facts and not prefix:
        known = ", ".join(PREFIXES)
        raise UserError(f"{path}: format {facts['format']!r} has no backbone; known: {known}")
    return {
        name: value.float() if value.is_floating_point() else value
        for name, value in under(tensors, prefix).items()
        if not name.startswith(CLASSIFIER)
    }


def load_weights(
    backbone: Backbone, refiner: Refiner, weights: Path | str, backbone_weights: Path | str | None
) -> None:
    """Fill both networks from a file of `refiner.*` and, in our checkpoints, `backbone.*`.

    backbone_weights: a file with the backbone's, for one of `refiner.*` only; None takes
    torchvision's ImageNet weights, which the published files were trained on. These need a
    network, or an earlier download. Raises UserError for files that do not fit.
    """
    path = find_weights(weights)
    tensors = read_tensors(path, nested="model")
    strange = [name for name in tensors if name.partition(".")[0] not in PARTS]
    if strange:
        raise UserError(f"{path}: {strange[0]} is no weight of FRTM's refiner.* or backbone.*")
    fill_network(refiner, under(tensors, "refiner."), path)
    own = under(tensors, "backbone.")
    if own and backbone_weights is None:
        fill_network(backbone, own, path)
    else:
        load_backbone(backbone, backbone_weights)


def load_backbone(backbone: Backbone, source: Path | str | None) -> None:
    """Fill the backbone from a file, or from torchvision's ImageNet weights for None."""
    if source is not None:
        path = find_weights(source)
        fill_network(backbone, read_backbone(path, backbone.name), path)
        return
    try:
        tensors = imagenet_weights(backbone.name)
    except UserError:
        raise UserError(
            f"the weights are of FRTM's refiner.* only, and torchvision's ImageNet weights of "
            f"{backbone.name} could not be had: track once where there is a network, or name a "
            f"file of them (FRTM's option backbone_weights)"
        ) from None
    fill_network(backbone, tensors, "torchvision's ImageNet weights")
