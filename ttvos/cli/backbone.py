"""`ttvos backbone`: the backbone of a checkpoint alone."""

import argparse

from ttvos.cli.options import add_checkpoint


def add_options(command: argparse.ArgumentParser) -> None:
    add_checkpoint(command, "one of our checkpoints", required=True)
    command.add_argument("--out", required=True, metavar="FILE", help="safetensors file to write")


def run(options: argparse.Namespace) -> None:
    from ttvos.core.provenance import file_hash, provenance
    from ttvos.model import weights

    model = weights.load(options.checkpoint)
    origin = provenance(
        precision="float16",
        checkpoint=file_hash(options.checkpoint),
        checkpoint_provenance=weights.metadata(options.checkpoint).get("provenance"),
        trained_within=model.variant.name,
    )
    weights.save_backbone(model, options.out, origin)
    print(f"{options.out}: the {model.backbone_name} of {options.checkpoint}")
