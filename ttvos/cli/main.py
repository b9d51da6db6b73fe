"""The command line: one subcommand for each arrow of the data flow, one module for each.

A command's module in `ttvos.cli` has `add_options(parser)` and `run(options)`, and imports slow
libraries only when it runs. The module itself is imported when its command is asked for: so
`ttvos --help` answers at once.
"""

import argparse
import sys
import warnings
from collections.abc import Container
from importlib import import_module
from typing import NoReturn

from ttvos import __version__
from ttvos.core.errors import UserError, UserNotice
from ttvos.core.folders import expand

COMMANDS = {
    "data": "make the built-in clips; fetch or check the published data sets",
    "train": "train one row through all stages; an interrupted training goes on where it was",
    "backbone": "take the backbone out of a checkpoint, in half precision, for other trainings",
    "snapshot": "make a checkpoint of a training that still runs, to see what it has learnt so far",
    "predict": "track every sequence of a data set and write the masks",
    "evaluate": "score a folder of masks by the DAVIS protocol (J, F, recall and decay)",
    "cost": "count parameters and MACs: of one model, of rows, or of any tracker",
    "speed": "measure latency and FPS: strict streaming beside the released code's protocol",
    "live": "score the mask on screen while a camera delivers frames and does not wait",
    "steptime": "time some training steps of a run, and say how many hours the whole run needs",
    "judge": "say whether a number of the paper holds, given measured values",
    "site": "compare scores of published masks with those that the DAVIS site printed for them",
    "report": "render the tables, the figures and the page of a run",
    "publish": "collect a run's scores and their provenance in a small folder to keep",
    "fill": "write the tables inside Markdown pages anew, from result files",
    "card": "make weights to ship: half precision, a model card, and its facts as JSON",
    "schemas": "write JSON Schemas of a run's settings and of the result files, e.g. for editors",
}
EPILOG = """examples:
  ttvos data mini --run workflow/runs/mini.yaml --out data/mini
  ttvos data fetch davis2017 --root data
  ttvos train --variant exp8 --backbone hrnet --run workflow/runs/mini.yaml --out runs/exp8
  ttvos predict --checkpoint runs/exp8/checkpoint.safetensors --dataset DAVIS --year 2016 \\
      --out masks
  ttvos evaluate --masks masks --dataset DAVIS --year 2016 --out scores.json
  ttvos evaluate --masks masks --truth true-masks --per-sequence
  ttvos cost --backbone hrnet --out cost.json
  ttvos speed --backbone hrnet --device cuda --out speed.json
  ttvos judge --paper 81.1 --values 80.7 81.3 80.9
  ttvos speed --tracker my_package.my_module:MyTracker --out mine.json

`snakemake --cores all reports/` runs all of them and renders the report."""
# Libraries that not every installation has, and the extra of pyproject.toml that brings each.
EXTRAS = {
    "cv2": "train",
    "jinja2": "report",
    "matplotlib": "report",
    "pandas": "report",
    "tensorboard": "train",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 on success, 1 with one line on standard error for the user's trouble.

    An OSError that no command has explained (a full disk, no permission) is such trouble too, and
    so is an optional library that is not installed. 130 after Control-C.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    before, warnings.formatwarning = warnings.formatwarning, _format_warning
    try:
        options = build_parser(arguments[:1]).parse_args(arguments)
        for name, value in vars(options).items():
            setattr(options, name, expand(value))
        options.run(options)
    except UserError as error:
        return _fail(error.on_command_line)
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        return _fail(f'{error.name} is not installed: pip install "ttvos[{EXTRAS[error.name]}]"')
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _fail(f"{where}{error.strerror or error}")
    except KeyboardInterrupt:
        print("ttvos: interrupted", file=sys.stderr)
        return 130
    finally:
        warnings.formatwarning = before
    return 0


def _fail(text: str) -> int:
    print("ttvos:", " ".join(text.splitlines()), file=sys.stderr)
    return 1


_format_any_warning = warnings.formatwarning


def _format_warning(message, category, *where) -> str:
    """Notices for the user are a line, without the place in the code that others show."""
    if issubclass(category, UserNotice):
        return f"ttvos: {' '.join(str(message).split())}\n"
    return _format_any_warning(message, category, *where)


class _Parser(argparse.ArgumentParser):
    """Wrong usage is one clear line, as every other error."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see {self.prog} --help")


class _Help(argparse.ArgumentDefaultsHelpFormatter):
    """Shows defaults where there are any."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        has_default = action.default not in (None, False, ())
        return super()._get_help_string(action) if has_default else action.help


def build_parser(wanted: Container[str] = COMMANDS) -> argparse.ArgumentParser:
    """The parser, with the options of the `wanted` commands; `options.run` is what to call."""
    parser = _Parser(
        prog="ttvos",
        description="Train, run, score and measure TTVOS, and render the paper's tables.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"ttvos {__version__}")
    subcommands = parser.add_subparsers(metavar="command", required=True)
    for name, text in COMMANDS.items():
        command = add_command(subcommands, name, text)
        if name in wanted:
            module = import_module(f"ttvos.cli.{name}")
            command.set_defaults(run=getattr(module, "run", None))
            module.add_options(command)
    return parser


def add_command(subcommands, name: str, text: str) -> argparse.ArgumentParser:
    """A command's own parser, which its options know as `options.parser`."""
    description = f"{text[0].upper()}{text[1:]}."
    command = subcommands.add_parser(
        name, help=text, description=description, formatter_class=_Help
    )
    command.set_defaults(parser=command)
    return command


if __name__ == "__main__":
    sys.exit(main())
