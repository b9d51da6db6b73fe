"""Options that several commands share, and which of them go together."""

import argparse
from pathlib import Path
from typing import Any

from ttvos.config.experiments import BACKBONES
from ttvos.core.errors import UserError
from ttvos.core.shipped_weights import find_weights
from ttvos.engine import COMPILE, ENGINES, PRECISIONS

VARIANT = "experiment of the paper's Table 4: exp1 to exp8"
DEFAULT_VARIANT = "exp8"  # the full model
TRACKER = "a built peer by its name in data/peers/, e.g. stm, or your own package.module:Class"
OF_TTVOS = ("variant", "backbone", "single_object", "precision", "compile", "engine")
OF_TTVOS += ("checkpoint",)


def add_run(command: argparse.ArgumentParser, text: str) -> None:
    """--run: a file of settings, e.g. workflow/runs/mini.yaml. Formerly --config."""
    command.add_argument(
        "--run", "--config", dest="config", metavar="FILE", required=True, help=text
    )


def add_backbone(which, **required: bool) -> None:
    """--backbone of TTVOS, by name."""
    text = "feature extractor of TTVOS"
    which.add_argument("--backbone", choices=BACKBONES, help=text, **required)


def add_checkpoint(command, text: str, required: bool = False) -> None:
    """--checkpoint: a file, or the name of shipped weights."""
    text = f"{text}: a file, or the name of shipped weights, e.g. ttvos-hrnet-davis"
    command.add_argument(
        "--checkpoint", metavar="FILE", type=find_weights, required=required, help=text
    )


def add_weights(command: argparse.ArgumentParser) -> None:
    """--weights and --tracker-options, of trackers other than TTVOS."""
    text = "with --tracker: the file of the tracker's weights"
    command.add_argument("--weights", metavar="FILE", help=text)
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


def parse_seed(text: str) -> int:
    """A seed of random numbers; UserError for what is none."""
    if not text.isdecimal():
        raise UserError(f"seed {text!r}: a whole number, 0 or more")
    return int(text)


def add_year(command, text: str = "", **required: bool) -> None:
    """--year: how masks are read."""
    command.add_argument(
        "--year",
        type=int,
        choices=[2016, 2017],
        help=f"how masks are read; 2016: binary, one object a clip; 2017: object ids, where 255 "
        f"(void) is background{text}",
        **required,
    )


def add_part(command: argparse.ArgumentParser) -> None:
    """Which part of a data set, and what it is called."""
    text = "the list of sequences to take, ImageSets/<year>/SPLIT.txt"
    command.add_argument("--split", default="val", help=text)
    command.add_argument(
        "--only",
        nargs="+",
        default=(),
        metavar="SEQUENCE",
        type=lambda name: name.rstrip("/"),  # which the shell adds to the name of a folder
        help="take only these sequences of the split",
    )
    text = "what the result file calls the data, e.g. mini"
    command.add_argument("--data-name", "--profile", dest="profile", metavar="NAME", help=text)


def add_record(command: argparse.ArgumentParser) -> None:
    """--record: where the attributes of DAVIS-2016's sequences stand."""
    text = "folder of the DAVIS site's record, whose db_info.yml names the sequences' attributes"
    command.add_argument("--record", metavar="FOLDER", help=text)


def add_size(command: argparse.ArgumentParser) -> None:
    for side, default in (("height", 480), ("width", 854)):
        text = f"{side} of a frame in pixels"
        command.add_argument(f"--{side}", type=int, default=default, metavar="PIXELS", help=text)


def add_engine(command: argparse.ArgumentParser, precision: str) -> None:
    """--precision with that default, --compile and --engine."""
    command = command.add_argument_group("how TTVOS computes; not for other trackers")
    command.add_argument(
        "--precision",
        choices=PRECISIONS,
        default=precision,
        help="number format of the convolutions; auto: the fastest that keeps the masks on this "
        "processor (docs/performance.md)",
    )
    command.add_argument(
        "--compile",
        choices=COMPILE,
        default="auto",
        help="on: compile for each size of frame, which takes a minute and is kept on disk; "
        "auto: use what is kept there",
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


def refuse(options: argparse.Namespace, names: tuple[str, ...], reason: str) -> None:
    """UserError for the first of these options that was given: it would change nothing."""
    for name in names:
        if getattr(options, name) != options.parser.get_default(name):
            raise UserError(f"--{name.replace('_', '-')} {reason}")


def check_weights(options: argparse.Namespace) -> None:
    """UserError for --weights or --tracker-options without --tracker, or a file not there."""
    if not options.tracker:
        refuse(options, ("weights",), "goes with --tracker; TTVOS's own are --checkpoint")
        refuse(options, ("tracker_options",), "goes with --tracker")
    if options.weights and not Path(options.weights).is_file():
        raise UserError(f"{options.weights}: no such file")


def named_tracker(options: argparse.Namespace) -> tuple[Any, dict[str, Any]]:
    """The tracker that --tracker, --weights and --tracker-options name; its part of the origin."""
    refuse_ttvos(options)
    from ttvos.tracking.registry import load_tracker, tracker_origin

    own = dict(options.tracker_options)
    tracker = load_tracker(options.tracker, options.device, options.weights, own)
    return tracker, tracker_origin(options.tracker, options.weights)


def refuse_ttvos(options: argparse.Namespace) -> None:
    """UserError for an option of TTVOS's beside --tracker."""
    given = tuple(name for name in OF_TTVOS if hasattr(options, name))
    refuse(options, given, "is TTVOS's: leave it out, or --tracker")
