"""`ttvos data fetch` for weights: ImageNet's of every backbone, and the authors' checkpoints.

It stands here because FRTM-VOS's ResNet101 is a backbone too.
"""

from pathlib import Path

from ttvos.config.experiments import BACKBONES, find_variant
from ttvos.core.errors import UserError
from ttvos.core.provenance import provenance
from ttvos.data.fetch import manual
from ttvos.data.sources import Source


def fetch_weights(source: Source, root: Path) -> str:
    """Bring weights to `<root>/<source.folder>`; what is there is only checked. Returns a line.

    ImageNet weights come through timm or torchvision and are written as a file that
    `train.initial` and `frtm.initial` accept, for machines without a network. Raises UserError
    when they cannot be had, or must be fetched by hand.
    """
    path = root / source.folder
    if source.kind == "released" or path.exists():
        return check_weights(source, root)
    backbone, facts = source.name.removeprefix("imagenet-"), provenance(initial="imagenet")
    if backbone in BACKBONES:
        from ttvos.model import weights as checkpoint
        from ttvos.model.ttvos import build_model

        model = build_model(find_variant("exp8"), backbone)
        model.backbone.load_imagenet()
        checkpoint.save_backbone(model, path, facts, half=False)
    else:  # of FRTM-VOS alone
        from ttvos.peers.frtm.learner import save_backbone
        from ttvos.peers.frtm.loading import imagenet_weights

        save_backbone(imagenet_weights(backbone), backbone, path, facts)
    return f"{path}: {source.title}"


def check_weights(source: Source, root: Path) -> str:
    """Say which weights are there; UserError when they are missing or not what they should be."""
    path = root / source.folder
    if source.kind == "released":
        files = sorted(p for p in path.glob("*") if p.is_file()) if path.is_dir() else []
        if not files:
            raise UserError(manual(source, root))
        return f"{path}: {', '.join(file.name for file in files)} (ttvos predict checks the keys)"
    backbone = source.name.removeprefix("imagenet-")
    if not path.is_file():
        raise UserError(f"{path}: missing; ttvos data fetch {source.name} --root {root}")
    if backbone in BACKBONES:
        from ttvos.model import weights as checkpoint
        from ttvos.model.ttvos import build_model

        checkpoint.initial_backbone(build_model(find_variant("exp8"), backbone), path)
    else:
        from ttvos.peers.frtm.backbone import Backbone
        from ttvos.peers.frtm.loading import load_backbone

        load_backbone(Backbone(backbone), path)
    return f"{path}: {source.title}, complete"
