"""Weights as data: ImageNet's for the backbones, and the authors' checkpoints."""

from pathlib import Path

from ttvos.data.fetch import manual
from ttvos.data.sources import Source
from ttvos.errors import UserError


def fetch_weights(source: Source, root: Path) -> str:
    """Bring weights to `<root>/<source.folder>`; what is there is only checked. Returns a line.

    ImageNet weights come through timm or torchvision and are written as a file that
    `train.initial` accepts, for machines without a network. Raises UserError when they cannot be
    had, or must be fetched by hand.
    """
    if source.kind == "released" or (root / source.folder).exists():
        return check_weights(source, root)
    from ttvos import checkpoint
    from ttvos.model.ttvos import build_model
    from ttvos.provenance import provenance
    from ttvos.variants import find_variant

    backbone = source.name.removeprefix("imagenet-")
    model = build_model(find_variant("exp8"), backbone)
    model.backbone.load_imagenet()
    facts = provenance(initial="imagenet")
    checkpoint.save_backbone(model, root / source.folder, facts, half=False)
    return f"{root / source.folder}: {source.title}"


def check_weights(source: Source, root: Path) -> str:
    """Say which weights are there; UserError when they are missing or not what they should be."""
    path = root / source.folder
    if source.kind == "released":
        files = sorted(p for p in path.glob("*") if p.is_file()) if path.is_dir() else []
        if not files:
            raise UserError(manual(source, root))
        return f"{path}: {', '.join(file.name for file in files)} (ttvos predict checks the keys)"
    from ttvos import checkpoint
    from ttvos.model.ttvos import build_model
    from ttvos.variants import find_variant

    backbone = source.name.removeprefix("imagenet-")
    if not path.is_file():
        raise UserError(f"{path}: missing; ttvos data fetch {source.name} --root {root}")
    checkpoint.initial_backbone(build_model(find_variant("exp8"), backbone), path)
    return f"{path}: {source.title}, complete"
