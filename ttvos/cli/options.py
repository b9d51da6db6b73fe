"""Options that several subcommands share (`ttvos.cli.main`)."""

import argparse
from typing import Any

from ttvos.config.experiments import BACKBONES
from ttvos.core.shipped_weights import find_weights
from ttvos.engine import COMPILE, ENGINES, PRECISIONS


def add_model(command: argparse.ArgumentParser) -> None:
    command.add_argument("--variant", default="exp8", help="experiment of Table 4: exp1 to exp8")
    command.add_argument("--backbone", required=True, choices=BACKBONES, help="feature extractor")


def add_checkpoint(command, text: str, required: bool = False) -> None:
    """--checkpoint: a file, or the name of shipped weights."""
    text = f"{text}; a file, or a name of weights/*.safetensors"
    command.add_argument("--checkpoint", type=find_weights, required=required, help=text)


def add_weights(command: argparse.ArgumentParser) -> None:
    """--weights and --tracker-options, of trackers other than TTVOS."""
    command.add_argument("--weights", help="with --tracker: file of its weights")
    text = "with --tracker: keywords of its class, e.g. fast=true backbone_weights=FILE"
    command.add_argument(
        "--tracker-options", nargs="+", default=(), metavar="KEY=VALUE", type=_keyword, help=text
    )


def _keyword(text: str) -> tuple[str, Any]:
    """KEY=VALUE as a pair; true, false and numbers are read as such."""
    import yaml

    key, equals, value = text.partition("=")
    if not key.isidentifier() or not equals:
        raise argparse.ArgumentTypeError(f"expected KEY=VALUE, got {text!r}")
    try:
        return key, yaml.safe_load(value)
    except yaml.YAMLError:
        return key, value


def add_dataset(command: argparse.ArgumentParser) -> None:
    command.add_argument("--dataset", required=True, help="folder in DAVIS layout")
    command.add_argument(
        "--year",
        type=int,
        required=True,
        choices=[2016, 2017],
        help="2016: binary masks, one object a clip; 2017: ids, 255 (void) is background",
    )
    _add_part(command)


def add_truth(command: argparse.ArgumentParser) -> None:
    """What masks are scored against: a data set, or a plain folder of masks."""
    which = command.add_mutually_exclusive_group(required=True)
    text = "folder in DAVIS, YouTube-VOS or MOSE layout; its frames are not needed"
    which.add_argument("--dataset", help=text)
    text = "in place of a data set: folder of true masks, <sequence>/<frame>.png"
    which.add_argument("--truth", metavar="DIR", help=text)
    text = (
        "2016: binary masks, one object a clip; 2017: ids, 255 (void) is background; "
        "default: 2017, but for DAVIS layout, which needs it"
    )
    command.add_argument("--year", type=int, choices=[2016, 2017], help=text)
    _add_part(command)
    text = "judge nothing where the truth is 255 (void), which is background otherwise"
    command.add_argument("--ignore-void", action="store_true", help=text)
    text = (
        "first: those of the first mask, as DAVIS; all: also those that come later, each from "
        "its first frame on; default: first for DAVIS layout, else all"
    )
    command.add_argument("--objects", choices=["first", "all"], help=text)


def _add_part(command: argparse.ArgumentParser) -> None:
    """Which part of a data set, and what it is called."""
    command.add_argument("--split", default="val", help="list in ImageSets/<year>/")
    command.add_argument(
        "--only",
        nargs="+",
        default=(),
        metavar="SEQUENCE",
        type=lambda name: name.rstrip("/"),  # which the shell adds to the name of a folder
        help="these of the split, not all",
    )
    command.add_argument("--profile", help="name of the data, for the record")


def add_size(command: argparse.ArgumentParser) -> None:
    command.add_argument("--height", type=int, default=480, help="of a frame, pixels")
    command.add_argument("--width", type=int, default=854, help="of a frame, pixels")


def add_engine(command: argparse.ArgumentParser, precision: str) -> None:
    """--precision with that default, --compile and --engine."""
    command = command.add_argument_group("how TTVOS computes; not for other trackers")
    command.add_argument(
        "--precision",
        choices=PRECISIONS,
        default=precision,
        help="of the convolutions; auto: the fastest that keeps the masks (docs/performance.md), "
        "which depends on the processor",
    )
    command.add_argument(
        "--compile",
        choices=COMPILE,
        default="auto",
        help="on: compile for each size of frame, a minute, kept on disk; auto: use what is there",
    )
    command.add_argument(
        "--engine",
        choices=ENGINES,
        default="fast",
        help="reference: plain PyTorch in float32, to compare with",
    )


def add_device(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--device",
        choices=["cpu", "cuda"],
        default="cpu",
        help="where to compute; CUDA_VISIBLE_DEVICES picks a GPU",
    )
