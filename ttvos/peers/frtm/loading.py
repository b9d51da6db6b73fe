"""FRTM's weights: the published files (`refiner.*` under ["model"]) and our own checkpoints."""

from pathlib import Path

from torch import Tensor

from ttvos.errors import UserError
from ttvos.peers.common import fill, read_weights
from ttvos.peers.frtm import pretrained
from ttvos.peers.frtm.backbone import Backbone
from ttvos.peers.frtm.refiner import Refiner
from ttvos.weights import find_weights

PARTS = ("refiner", "backbone")


def load_weights(
    backbone: Backbone, refiner: Refiner, weights: Path | str, backbone_weights: Path | str | None
) -> None:
    """Fill both networks from a file of `refiner.*` and, in our checkpoints, `backbone.*`.

    backbone_weights: a file with the backbone's, for one of `refiner.*` only; None takes
    torchvision's ImageNet weights, which the published files were trained on. These need a
    network, or an earlier download. Raises UserError for files that do not fit.
    """
    path = find_weights(weights)
    tensors = read_weights(path, nested="model")
    strange = [name for name in tensors if name.partition(".")[0] not in PARTS]
    if strange:
        raise UserError(f"{path}: {strange[0]} is no weight of FRTM's refiner.* or backbone.*")
    fill(refiner, _part(tensors, "refiner"), str(path))
    own = _part(tensors, "backbone")
    if own and backbone_weights is None:
        fill(backbone, own, str(path))
    else:
        load_backbone(backbone, backbone_weights)


def load_backbone(backbone: Backbone, source: Path | str | None) -> None:
    """Fill the backbone from a file, or from torchvision's ImageNet weights for None."""
    if source is not None:
        path = find_weights(source)
        if not path.is_file():
            raise UserError(f"{path}: no such weights file")
        fill(backbone, pretrained.backbone_weights(path, backbone.name), str(path))
        return
    try:
        tensors = pretrained.imagenet_weights(backbone.name)
    except UserError:
        raise UserError(
            f"the weights are of FRTM's refiner.* only, and torchvision's ImageNet weights of "
            f"{backbone.name} could not be had: track once where there is a network, or name a "
            f"file of them (FRTM's option backbone_weights)"
        ) from None
    fill(backbone, tensors, "torchvision's ImageNet weights")


def _part(tensors: dict[str, Tensor], part: str) -> dict[str, Tensor]:
    prefix = f"{part}."
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
