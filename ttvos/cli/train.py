"""`ttvos train`: one row through all stages."""

import argparse
from pathlib import Path

from ttvos.cli.options import DEFAULT_VARIANT, VARIANT, add_backbone, add_device, add_run
from ttvos.config.experiments import Row, find_row, find_variant
from ttvos.core.errors import UserError
from ttvos.core.process import limit_threads


def add_options(command: argparse.ArgumentParser) -> None:
    which = command.add_mutually_exclusive_group(required=True)
    add_backbone(which)
    text = "a row of data/experiments.tsv, e.g. frtm-resnet18-tm, which names backbone and variant"
    which.add_argument("--row", help=text)
    command.add_argument("--variant", help=f"{VARIANT} (default: {DEFAULT_VARIANT})")
    add_run(command, "the run whose `train` section holds the settings (`frtm` for rows of FRTM)")
    text = "seed of the weights and of the order of clips"
    command.add_argument("--seed", type=int, default=0, help=text)
    text = "folder for checkpoint.safetensors and what is logged"
    command.add_argument("--out", required=True, metavar="FOLDER", help=text)
    add_device(command)


def run(options: argparse.Namespace) -> None:
    from ttvos.plan.run import load_config

    row = _row(options)
    config, out = load_config(options.config), Path(options.out)
    section = {"ttvos": config.train, "frtm": config.frtm}.get(row.tracker)
    if not row.trains:
        raise UserError(f"row {row.name}: its tracker is not trained here")
    if section is None:
        name = "train" if row.tracker == "ttvos" else row.tracker
        raise UserError(f"{options.config} has no {name} section")
    limit_threads()
    rest = (options.seed, out, options.device, config.run)
    if row.tracker == "frtm":
        from ttvos.peers.frtm.training import train_frtm

        train_frtm(section, row.backbone, bool(row.transition_loss), *rest)
    else:
        from ttvos.training.ttvos import train

        train(section, row.variant, row.backbone, *rest)


def _row(options: argparse.Namespace) -> Row:
    """The row that is named, or one made of --variant and --backbone."""
    if options.row and options.variant:
        raise UserError("a row names its variant: leave --variant out, or --row")
    if options.row:
        return find_row(options.row)
    variant = find_variant(options.variant or DEFAULT_VARIANT)
    return Row(variant.name, variant, options.backbone, ())
