"""The command line: one subcommand for each arrow of the data flow.

Only argparse is imported here, and what the subcommands do stands in `ttvos.cli.commands`, where
each imports what it needs when it runs: so `ttvos --help` answers at once.
"""

import argparse
import sys
import warnings
from typing import NoReturn

from ttvos.cli import commands
from ttvos.cli.data import add_data
from ttvos.cli.options import (
    add_checkpoint,
    add_dataset,
    add_device,
    add_engine,
    add_model,
    add_size,
    add_truth,
    add_weights,
)
from ttvos.config.experiments import BACKBONES
from ttvos.core.errors import UserError, UserNotice
from ttvos.core.folders import expand

TRACKER = "a built peer (data/peers/NAME.yaml), e.g. stm, or your own: package.module:Class"
EPILOG = """examples:
  ttvos data mini --config workflow/runs/mini.yaml --out data/mini
  ttvos data fetch davis2017 --root data
  ttvos train --variant exp8 --backbone hrnet --config workflow/runs/mini.yaml --out runs/exp8
  ttvos predict --checkpoint runs/exp8/checkpoint.safetensors --dataset DAVIS --year 2016 \\
      --out masks
  ttvos evaluate --masks masks --dataset DAVIS --year 2016 --out scores.json
  ttvos evaluate --masks masks --truth true-masks --per-sequence
  ttvos cost --backbone hrnet --out cost.json
  ttvos speed --backbone hrnet --device cuda --out speed.json
  ttvos judge --paper 81.1 --values 80.7 81.3 80.9
  ttvos speed --tracker my_package.my_module:MyTracker --out mine.json

`snakemake --cores all reports/` runs all of them and renders the report."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 on success, 1 with one line on standard error for the user's trouble.

    An OSError that no command has explained (a full disk, no permission) is such trouble too.
    """
    before, warnings.formatwarning = warnings.formatwarning, _format_warning
    try:
        options = build_parser().parse_args(arguments)
        for name, value in vars(options).items():
            setattr(options, name, expand(value))
        options.run(options)
    except UserError as error:
        return _fail(error.on_command_line)
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
        none = action.default is None or action.default is False or action.default == ()
        return action.help if none else super()._get_help_string(action)


def build_parser() -> argparse.ArgumentParser:
    """The parser with all subcommands; `options.run` is the chosen one's function."""
    parser = _Parser(
        prog="ttvos",
        description="Train, run, score and measure TTVOS, and render the paper's tables.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    subcommands = parser.add_subparsers(metavar="command", required=True)
    add_data(subcommands, _command)
    for add in (
        _add_train,
        _add_backbone,
        _add_snapshot,
        _add_predict,
        _add_evaluate,
        _add_cost,
        _add_speed,
        _add_steptime,
        _add_judge,
        _add_report,
        _add_publish,
        _add_fill,
        _add_card,
        _add_schemas,
    ):
        add(subcommands)
    return parser


def _command(subcommands, name: str, run, text: str) -> argparse.ArgumentParser:
    command = subcommands.add_parser(name, help=text, description=text, formatter_class=_Help)
    command.set_defaults(run=run, parser=command)
    return command


def _add_train(subcommands) -> None:
    text = "train one experiment through all stages; goes on by itself after an interruption"
    command = _command(subcommands, "train", commands.train, text)
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument("--backbone", choices=BACKBONES, help="feature extractor of TTVOS")
    text = "row of experiments.tsv, e.g. frtm-resnet18-tm, in place of --variant and --backbone"
    which.add_argument("--row", help=text)
    command.add_argument("--variant", help="experiment of Table 4: exp1 to exp8; default: exp8")
    command.add_argument(
        "--config", required=True, help="a run's file; its `train` section is used"
    )
    command.add_argument("--seed", type=int, default=0, help="of weights and of the clips' draw")
    command.add_argument("--out", required=True, help="folder for checkpoint.safetensors")
    add_device(command)


def _add_backbone(subcommands) -> None:
    text = "take the backbone out of a checkpoint, in half precision, to start trainings from"
    command = _command(subcommands, "backbone", commands.backbone, text)
    add_checkpoint(command, "one of our checkpoints", required=True)
    command.add_argument("--out", required=True, help="safetensors file to write")


def _add_snapshot(subcommands) -> None:
    text = "make a checkpoint of a training that still runs, to look at what it has learnt so far"
    command = _command(subcommands, "snapshot", commands.snapshot, text)
    command.add_argument("--state", required=True, help="the state.pt in the training's folder")
    add_model(command)
    command.add_argument("--out", required=True, help="safetensors file to write")


def _add_predict(subcommands) -> None:
    text = "track every sequence and write masks"
    command = _command(subcommands, "predict", commands.predict, text)
    source = command.add_mutually_exclusive_group(required=True)
    add_checkpoint(source, "ours, or the authors' together with --backbone")
    source.add_argument(
        "--reference", choices=["still", "flow"], help="first mask held still, or carried by flow"
    )
    source.add_argument("--tracker", help=TRACKER)
    add_weights(command)
    command.add_argument("--backbone", choices=BACKBONES, help="needed for a released checkpoint")
    command.add_argument("--variant", help="what the checkpoint must be, e.g. exp8; else an error")
    add_dataset(command)
    command.add_argument("--out", required=True, help="folder for <sequence>/<frame>.png")
    command.add_argument("--maps", help="also write this .npz: what the model saw, for Figure 7")
    command.add_argument("--maps-sequence", help="sequence of --maps; default: the first")
    command.add_argument(
        "--single-object",
        choices=["aggregated", "direct"],
        default="aggregated",
        help="one object's heatmap in TTVOS: aggregated (released code), fed back directly (paper)",
    )
    command.add_argument(
        "--input-scale",
        type=float,
        default=1.0,
        help="size at which the network sees a frame, as a share of its own (0.5: a quarter of "
        "its pixels)",
    )
    add_engine(command, precision="float32")
    add_device(command)


def _add_evaluate(subcommands) -> None:
    text = "score masks by the DAVIS protocol"
    command = _command(subcommands, "evaluate", commands.evaluate, text)
    command.add_argument("--masks", required=True, help="folder with <sequence>/<frame>.png")
    add_truth(command)
    command.add_argument(
        "--evaluator",
        choices=["builtin", "official"],
        default="builtin",
        help="official: the davis2017-evaluation package, where it is installed",
    )
    text = (
        "a file of `ttvos data fetch --record`; where it says that there are no masks, why not is "
    )
    command.add_argument("--fetched", metavar="RECORD", help=text + "written in place of scores")
    command.add_argument(
        "--workers", type=int, help="processes of the builtin evaluator; default: one a processor"
    )
    text = "print the scores of each sequence, too"
    command.add_argument("--per-sequence", action="store_true", help=text)
    text = "JSON file to write too: scores of each object and each frame, and the provenance"
    command.add_argument("--out", help=text)


def _add_cost(subcommands) -> None:
    text = "count parameters and MACs, of one model or of many rows in one process"
    command = _command(subcommands, "cost", commands.cost, text)
    command.add_argument("--variant", help="experiment of Table 4: exp1 to exp8; default: exp8")
    which = command.add_mutually_exclusive_group(required=True)
    which.add_argument("--backbone", choices=BACKBONES, help="feature extractor of TTVOS")
    text = "rows of data/experiments.tsv, e.g. exp8-hrnet, in place of the other two"
    which.add_argument("--rows", nargs="+", metavar="ROW", help=text)
    text = f"all built peers with the word all; or each {TRACKER}"
    which.add_argument("--trackers", nargs="+", metavar="TRACKER", help=text)
    which.add_argument("--tracker", help=f"one of them; {TRACKER}")
    add_weights(command)
    add_size(command)
    command.add_argument("--objects", type=int, default=1, help="with --tracker: objects at once")
    text = "folder of trackers' cost files: one that was counted with the same code is taken over"
    command.add_argument("--kept", metavar="FOLDER", help=text)
    text = (
        "JSON file to write too, with each part's share; with --rows or --trackers a folder, which "
        "receives NAME.json of each"
    )
    command.add_argument("--out", help=text)


def _add_speed(subcommands) -> None:
    text = "time the model: strict streaming beside the released code's protocol; one table"
    command = _command(subcommands, "speed", commands.speed, text)
    which = command.add_mutually_exclusive_group()
    text = "feature extractor of TTVOS; default: the checkpoint's"
    which.add_argument("--backbone", choices=BACKBONES, help=text)
    which.add_argument("--tracker", help=TRACKER)
    text = "experiment of Table 4: exp1 to exp8; default: the checkpoint's, or exp8"
    command.add_argument("--variant", help=text)
    add_weights(command)
    add_size(command)
    add_checkpoint(command, "weights to time, in place of random ones, which take the same time")
    command.add_argument("--frames", type=int, default=6, help="length of the clip, with frame 0")
    command.add_argument("--repeats", type=int, default=5, help="clips timed, 5 or more")
    command.add_argument("--objects", type=int, default=1, help="objects tracked at once")
    command.add_argument("--out", help="JSON file to write too: all latencies, and the provenance")
    add_engine(command, precision="auto")
    add_device(command)


def _add_steptime(subcommands) -> None:
    text = "time some training steps of a run, and count the hours that the whole needs"
    command = _command(subcommands, "steptime", commands.steptime, text)
    command.add_argument("--config", required=True, help="a run's file; its training is timed")
    command.add_argument("--rows", nargs="+", default=(), help="these of the run's; else all")
    command.add_argument("--steps", type=int, default=5, help="steps to time of a stage; 0: none")
    command.add_argument("--warmup", type=int, default=2, help="steps before them")
    text = "parts of each batch, in place of the run's train.accumulate"
    command.add_argument("--accumulate", type=int, help=text)
    text = "time no further row after so many; the file is written anew after each row"
    command.add_argument("--seconds", type=float, help=text)
    command.add_argument("--out", help="JSON file to write too, with every step's time")
    add_device(command)


def _add_judge(subcommands) -> None:
    text = "does a paper's number hold? the verdict on measured values, by the report's rules"
    command = _command(subcommands, "judge", commands.judge, text)
    text = "the paper's number, with the digits that it prints, e.g. 81.1"
    command.add_argument("--paper", required=True, metavar="NUMBER", help=text)
    text = "measured, in the paper's unit; one a training (seed) for accuracy, else one"
    command.add_argument("--values", required=True, nargs="+", type=float, help=text)
    text = (
        "accuracy: points of J&F of trainings; masks: points of J&F of given masks or weights; "
        "count: parameters; macs: MACs"
    )
    command.add_argument("--kind", choices=tuple(commands.KINDS), default="accuracy", help=text)


def _add_report(subcommands) -> None:
    text = "render tables, figures and the page"
    command = _command(subcommands, "report", commands.report, text)
    command.add_argument("--manifest", required=True, help="JSON that names the result files")
    command.add_argument("--out", required=True, help="folder for index.html and its files")


def _add_publish(subcommands) -> None:
    text = "collect a run's scores, with their provenance, into a small folder to be kept"
    command = _command(subcommands, "publish", commands.publish, text)
    command.add_argument("--manifest", required=True, help="JSON that names the result files")
    command.add_argument("--out", required=True, help="folder, e.g. results-published/NAME")


def _add_fill(subcommands) -> None:
    text = "write the tables in Markdown pages anew, from result files"
    command = _command(subcommands, "fill", commands.fill, text)
    text = "files with markers, e.g. <!-- scores: FOLDER --> (ttvos/report/publication/document.py)"
    command.add_argument("pages", nargs="+", help=text)


def _add_card(subcommands) -> None:
    text = "weights to be shipped: half precision, a model card, and its facts as JSON"
    command = _command(subcommands, "card", commands.card, text)
    add_checkpoint(command, "one that `ttvos train` made", required=True)
    command.add_argument("--train", required=True, help="the train.json beside it")
    named = {"nargs": "+", "metavar": "NAME=FILE", "type": _named}
    text = "evaluate.json of each data set, made with the checkpoint or with the shipped weights"
    command.add_argument("--scores", required=True, help=text, **named)
    text = "evaluate.json of other trackers on the same data"
    command.add_argument("--references", default=(), help=text, **named)
    text = "path without suffix, e.g. weights/NAME: NAME.safetensors, NAME.md, NAME.json"
    command.add_argument("--out", required=True, help=text)


def _add_schemas(subcommands) -> None:
    text = "write JSON Schemas of a run's settings and of the result files, for editors and others"
    command = _command(subcommands, "schemas", commands.schemas, text)
    command.add_argument("--out", required=True, help="folder for NAME.schema.json of each")


def _named(text: str) -> tuple[str, str]:
    """NAME=FILE as a pair."""
    name, _, file = text.partition("=")
    if not name or not file:
        raise argparse.ArgumentTypeError(f"expected NAME=FILE, got {text!r}")
    return name, file


if __name__ == "__main__":
    sys.exit(main())
