"""Weights of FRTM's backbones from elsewhere: torchvision's ImageNet weights, or a file's.

It imports nothing of TTVOS or of training, so that the tracker's code depends on neither.
"""

from pathlib import Path

import torchvision
from safetensors import safe_open
from torch import Tensor

from ttvos.errors import UserError
from ttvos.peers.common import read_weights

OWN = "ttvos-"  # what the format of a file of ours begins with
# Formats of our files with a backbone in them, and where its names start there.
PREFIXES = {"ttvos-backbone-1": "net.", "ttvos-1": "backbone.net.", "ttvos-frtm-1": "backbone."}
CLASSIFIER = "fc."


def imagenet_weights(backbone: str) -> dict[str, Tensor]:
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


def backbone_weights(path: Path, backbone: str) -> dict[str, Tensor]:
    """A backbone's state dict from a file: of `ttvos data fetch imagenet-...` or `ttvos backbone`,
    a checkpoint of ours (TTVOS's or FRTM's), or torchvision's own.

    Raises UserError for a file of another backbone or format.
    """
    tensors = read_weights(path)
    facts = _facts(path)
    if facts.get("backbone", backbone) != backbone:
        raise UserError(f"{path}: is of backbone {facts['backbone']}, not {backbone}")
    prefix = PREFIXES.get(facts.get("format"), "")
    if facts and not prefix:
        known = ", ".join(PREFIXES)
        raise UserError(f"{path}: format {facts['format']!r} has no backbone; known: {known}")
    kept = {
        name.removeprefix(prefix): value.float() if value.is_floating_point() else value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
    return {k: v for k, v in kept.items() if not k.startswith(CLASSIFIER)}


def _facts(path: Path) -> dict[str, str]:
    """What a file of ours says of itself; empty for another."""
    if path.suffix != ".safetensors":
        return {}
    with safe_open(path, framework="pt") as handle:
        facts = handle.metadata() or {}
    return facts if facts.get("format", "").startswith(OWN) else {}
