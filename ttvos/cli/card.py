"""`ttvos card`: weights to ship, with their model card."""

import argparse

from ttvos.cli.options import add_checkpoint


def add_options(command: argparse.ArgumentParser) -> None:
    add_checkpoint(command, "a checkpoint that `ttvos train` made", required=True)
    text = "the train.json beside the checkpoint"
    command.add_argument("--train", required=True, metavar="FILE", help=text)
    named = {"nargs": "+", "metavar": "NAME=FILE", "type": _named}
    text = "evaluate.json of each data set, scored with the checkpoint or the shipped weights"
    command.add_argument("--scores", required=True, help=text, **named)
    text = "evaluate.json of other trackers on the same data"
    command.add_argument("--references", default=(), help=text, **named)
    text = "path without suffix, e.g. weights/NAME: writes NAME.safetensors, NAME.md, NAME.json"
    command.add_argument("--out", required=True, metavar="PATH", help=text)


def _named(text: str) -> tuple[str, str]:
    """NAME=FILE as a pair."""
    name, _, file = text.partition("=")
    if not name or not file:
        raise argparse.ArgumentTypeError(f"expected NAME=FILE, got {text!r}")
    return name, file


def run(options: argparse.Namespace) -> None:
    from ttvos.report.card.make import make_card

    made = make_card(
        options.checkpoint, options.train, options.scores, options.references, options.out
    )
    print(f"{options.out}.safetensors: {made['weights']['bytes']:,} bytes; {options.out}.md")
