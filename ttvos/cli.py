"""The command line: one subcommand for each arrow of the data flow.

Only argparse is imported here; each command imports what it needs when it runs, so that
`ttvos --help` answers at once.
"""

import argparse
import os
import sys
from pathlib import Path

from ttvos.config import BACKBONES
from ttvos.errors import UserError

EPILOG = """examples:
  ttvos data mini --config workflow/config/mini.yaml --out data/mini
  ttvos train --variant exp8 --backbone hrnet --config workflow/config/mini.yaml --out runs/exp8
  ttvos predict --checkpoint runs/exp8/checkpoint.safetensors --dataset DAVIS --year 2016 \\
      --out masks
  ttvos evaluate --masks masks --dataset DAVIS --year 2016 --out scores.json
  ttvos cost --backbone hrnet --out cost.json
  ttvos speed --backbone hrnet --device cuda --out speed.json

`snakemake --cores all reports/` runs all of them and renders the report."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 on success, 1 with one line on standard error for a UserError."""
    options = build_parser().parse_args(arguments)
    try:
        options.run(options)
    except UserError as error:
        print(f"ttvos: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("ttvos: interrupted", file=sys.stderr)
        return 130
    return 0


def build_parser() -> argparse.ArgumentParser:
    """The parser with all subcommands; `options.run` is the chosen one's function."""
    parser = argparse.ArgumentParser(
        prog="ttvos",
        description="Train, run, score and measure TTVOS, and render the paper's tables.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="command", required=True)
    for add in (
        add_data,
        add_train,
        add_backbone,
        add_predict,
        add_evaluate,
        add_cost,
        add_speed,
        add_report,
    ):
        add(commands)
    return parser


def _command(commands, name: str, run, text: str) -> argparse.ArgumentParser:
    command = commands.add_parser(
        name,
        help=text,
        description=text,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    command.set_defaults(run=run)
    return command


def add_data(commands) -> None:
    """`ttvos data mini`."""
    command = _command(commands, "data", run_data, "make the built-in clips")
    command.add_argument("what", choices=["mini"], help="which data")
    command.add_argument("--config", required=True, help="profile whose `mini` section is used")
    command.add_argument("--out", required=True, help="folder to fill: davis/ stills/ ytvos/")


def run_data(options: argparse.Namespace) -> None:
    from ttvos.config import MiniConfig, load_config
    from ttvos.data.mini import generate

    generate(Path(options.out), load_config(options.config).mini or MiniConfig())


def add_train(commands) -> None:
    """`ttvos train`."""
    text = "train one experiment through all stages; goes on by itself after an interruption"
    command = _command(commands, "train", run_train, text)
    _add_model(command)
    command.add_argument("--config", required=True, help="profile whose `train` section is used")
    command.add_argument("--seed", type=int, default=0, help="of weights and of the clips' draw")
    command.add_argument("--out", required=True, help="folder for checkpoint.safetensors")
    _add_device(command)


def run_train(options: argparse.Namespace) -> None:
    from ttvos.config import find_variant, load_config

    variant, config = find_variant(options.variant), load_config(options.config)
    if config.train is None:
        raise UserError(f"{options.config} has no train section")
    _limit_threads()
    from ttvos.train import train

    train(
        config.train,
        variant,
        options.backbone,
        options.seed,
        Path(options.out),
        options.device,
        config.profile,
    )


def add_backbone(commands) -> None:
    """`ttvos backbone`."""
    text = "take the backbone out of a checkpoint, in half precision, to start trainings from"
    command = _command(commands, "backbone", run_backbone, text)
    command.add_argument("--checkpoint", required=True, help="one of our checkpoints")
    command.add_argument("--out", required=True, help="safetensors file to write")


def run_backbone(options: argparse.Namespace) -> None:
    from ttvos import checkpoint
    from ttvos.provenance import file_hash, provenance

    origin = checkpoint.metadata(options.checkpoint).get("provenance")
    facts = {"checkpoint": file_hash(options.checkpoint), "checkpoint_provenance": origin}
    model = checkpoint.load(options.checkpoint)
    checkpoint.save_backbone(model, options.out, provenance(precision="float16", **facts))


def add_predict(commands) -> None:
    """`ttvos predict`."""
    command = _command(commands, "predict", run_predict, "track every sequence and write masks")
    source = command.add_mutually_exclusive_group(required=True)
    source.add_argument("--checkpoint", help="ours, or the authors' together with --backbone")
    source.add_argument(
        "--reference", choices=["still", "flow"], help="first mask held still, or carried by flow"
    )
    command.add_argument("--backbone", choices=BACKBONES, help="needed for a released checkpoint")
    command.add_argument("--variant", help="what the checkpoint must be, e.g. exp8; else an error")
    _add_dataset(command)
    command.add_argument("--out", required=True, help="folder for <sequence>/<frame>.png")
    command.add_argument("--maps", help="also write this .npz: what the model saw, for Figure 7")
    command.add_argument("--maps-sequence", help="sequence of --maps; default: the first")
    command.add_argument(
        "--single-object",
        choices=["aggregated", "direct"],
        default="aggregated",
        help="one object's heatmap: aggregated (released code) or fed back directly (paper)",
    )
    _add_device(command)


def run_predict(options: argparse.Namespace) -> None:
    from ttvos.predict import predict

    tracker = _tracker(options)
    predict(
        tracker,
        options.dataset,
        options.year,
        options.split,
        options.out,
        maps=options.maps,
        maps_sequence=options.maps_sequence,
        device=options.device,
        profile=options.profile,
    )


def _tracker(options: argparse.Namespace):
    if options.reference:
        from ttvos.references import FlowCarried, HeldStill

        return {"still": HeldStill, "flow": FlowCarried}[options.reference]()
    _limit_threads()
    from ttvos import checkpoint
    from ttvos.model.tracking import TTVOSTracker

    model = checkpoint.load(options.checkpoint, options.backbone, options.variant)
    return TTVOSTracker(model, options.device, options.single_object)


def add_evaluate(commands) -> None:
    """`ttvos evaluate`."""
    command = _command(commands, "evaluate", run_evaluate, "score masks by the DAVIS protocol")
    command.add_argument("--masks", required=True, help="folder with <sequence>/<frame>.png")
    _add_dataset(command)
    command.add_argument("--evaluator", choices=["builtin", "official"], default="builtin")
    command.add_argument("--workers", type=int, help="processes; default: one a processor")
    command.add_argument("--out", required=True, help="JSON file to write")


def run_evaluate(options: argparse.Namespace) -> None:
    from ttvos.evaluation.davis import evaluate
    from ttvos.files import write_json

    scores = evaluate(
        options.masks,
        options.dataset,
        options.year,
        options.split,
        options.evaluator,
        options.workers,
        options.profile,
    )
    write_json(options.out, scores)
    overall = scores["global"]
    shown = ("J&F-Mean", "J-Mean", "F-Mean")
    print("  ".join(f"{name} {100 * overall[name]:.1f}" for name in shown))


def add_cost(commands) -> None:
    """`ttvos cost`."""
    command = _command(commands, "cost", run_cost, "count parameters and MACs")
    _add_model(command)
    _add_size(command)
    command.add_argument("--out", required=True, help="JSON file to write")


def run_cost(options: argparse.Namespace) -> None:
    from ttvos.config import find_variant
    from ttvos.files import write_json

    variant = find_variant(options.variant)
    from ttvos.measure.cost import cost

    result = cost(variant, options.backbone, options.height, options.width)
    write_json(options.out, result)
    parameters, macs = result["parameters"], result["macs"]
    print(
        f"{parameters['total']:,} parameters  {macs['frame'] / 1e9:.3f} GMAC a frame  "
        f"{macs['two_frame_clip'] / 1e9:.2f} GMAC by the paper's protocol"
    )


def add_speed(commands) -> None:
    """`ttvos speed`."""
    text = "time the model: strict streaming beside the released code's protocol"
    command = _command(commands, "speed", run_speed, text)
    _add_model(command)
    _add_size(command)
    command.add_argument("--checkpoint", help="weights to time; random ones take the same time")
    command.add_argument("--frames", type=int, default=6, help="length of the clip, with frame 0")
    command.add_argument("--repeats", type=int, default=5, help="clips timed, at least 5")
    command.add_argument("--objects", type=int, default=1, help="objects tracked at once")
    command.add_argument("--out", required=True, help="JSON file to write")
    _add_device(command)


def run_speed(options: argparse.Namespace) -> None:
    from ttvos.config import find_variant
    from ttvos.files import write_json

    variant = find_variant(options.variant)
    from ttvos.measure.speed import speed

    result = speed(
        variant,
        options.backbone,
        options.device,
        options.height,
        options.width,
        frames=options.frames,
        repeats=options.repeats,
        objects=options.objects,
        checkpoint=options.checkpoint,
    )
    write_json(options.out, result)
    streaming, released = result["streaming"], result["released"]
    print(
        f"streaming {streaming['fps']:.2f} FPS, p50 {streaming['p50_ms']:.0f} ms, "
        f"p99 {streaming['p99_ms']:.0f} ms; released protocol {released['fps']:.2f} FPS"
    )


def add_report(commands) -> None:
    """`ttvos report`."""
    command = _command(commands, "report", run_report, "render tables, figures and the page")
    command.add_argument("--manifest", required=True, help="JSON that names the result files")
    command.add_argument("--out", required=True, help="folder for index.html and its files")


def run_report(options: argparse.Namespace) -> None:
    from ttvos.provenance import provenance
    from ttvos.render.inputs import load_inputs
    from ttvos.render.report import render

    render(load_inputs(options.manifest, rendered_by=provenance()), Path(options.out))
    print(Path(options.out) / "index.html")


def _add_model(command: argparse.ArgumentParser) -> None:
    command.add_argument("--variant", default="exp8", help="experiment of Table 4: exp1 to exp8")
    command.add_argument("--backbone", required=True, choices=BACKBONES)


def _add_dataset(command: argparse.ArgumentParser) -> None:
    command.add_argument("--dataset", required=True, help="folder in DAVIS layout")
    command.add_argument(
        "--year", type=int, required=True, choices=[2016, 2017], help="2016: one object a clip"
    )
    command.add_argument("--split", default="val", help="list in ImageSets/<year>/")
    command.add_argument("--profile", help="name of the data, for the record")


def _add_size(command: argparse.ArgumentParser) -> None:
    command.add_argument("--height", type=int, default=480, help="of a frame, pixels")
    command.add_argument("--width", type=int, default=854, help="of a frame, pixels")


def _add_device(command: argparse.ArgumentParser) -> None:
    command.add_argument("--device", choices=["cpu", "cuda"], default="cpu")


def _limit_threads() -> None:
    """Let TTVOS_THREADS set PyTorch's threads: jobs that run side by side share the cores."""
    threads = os.environ.get("TTVOS_THREADS")
    if threads:
        import torch

        torch.set_num_threads(int(threads))


if __name__ == "__main__":
    sys.exit(main())
