"""`ttvos data` on the command line: mini, fetch, check."""

import argparse
from collections.abc import Callable

from ttvos.cli import data_commands as commands_data
from ttvos.data.sources import NAMES


def add_data(subcommands, command_of: Callable[..., argparse.ArgumentParser]) -> None:
    """Add the command.

    command_of: what `ttvos.cli.main` adds a command by, given subcommands, name, function, help
    text.
    """
    text = "make the built-in clips; fetch or check the published data sets"
    data = subcommands.add_parser("data", help=text, description=text)
    kinds = data.add_subparsers(metavar="what", required=True, help="mini, fetch or check")
    command = command_of(kinds, "mini", commands_data.data, "make the built-in clips")
    command.add_argument("--config", required=True, help="a run's file; its `mini` section is used")
    command.add_argument("--out", required=True, help="folder to fill: davis/ stills/ ytvos/")
    text = "bring a data set or weights below a folder, and check it; goes on after a break"
    command = command_of(kinds, "fetch", commands_data.data_fetch, text)
    command.add_argument("name", choices=NAMES, metavar="NAME", help=", ".join(NAMES))
    _add_root(command)
    text = "published-masks: JSON file that says what came and what did not; then exit with 0"
    command.add_argument("--record", help=text)
    text = "say what is complete, missing or damaged, file by file; changes nothing"
    command = command_of(kinds, "check", commands_data.data_check, text)
    names = "default: all that is there, each by its own lists"
    command.add_argument("name", nargs="?", choices=NAMES, metavar="NAME", help=names)
    _add_root(command)


def _add_root(command: argparse.ArgumentParser) -> None:
    """--root, and what chooses among the published masks."""
    command.add_argument("--root", default="data", help="folder that holds the data sets")
    text = "published-masks: these only, e.g. stm ranet crn; see docs/published-masks.md"
    command.add_argument("--methods", nargs="+", metavar="METHOD", help=text)
    text = "published-masks: of these validation sets only"
    command.add_argument("--years", nargs="+", type=int, choices=[2016, 2017], help=text)
