"""`ttvos speed`: frames a second of TTVOS, by several protocols, or of any tracker."""

import argparse
from typing import TYPE_CHECKING

from ttvos.cli.options import (
    DEFAULT_VARIANT,
    TRACKER,
    VARIANT,
    add_backbone,
    add_checkpoint,
    add_device,
    add_engine,
    add_size,
    add_weights,
    check_weights,
    named_tracker,
)
from ttvos.core.errors import UserError
from ttvos.core.process import limit_threads

if TYPE_CHECKING:
    from ttvos.records.schema import Speed


def add_options(command: argparse.ArgumentParser) -> None:
    which = command.add_mutually_exclusive_group()
    add_backbone(which)
    which.add_argument("--tracker", help=TRACKER)
    text = f"{VARIANT} (default: the checkpoint's, or else {DEFAULT_VARIANT})"
    command.add_argument("--variant", help=text)
    add_checkpoint(command, "time these weights in place of random ones, which are as fast")
    add_weights(command)
    add_size(command)
    text = "length of the clip, frame 0 included"
    command.add_argument("--frames", type=int, default=6, metavar="N", help=text)
    text = "how often to time the clip; 5 or more"
    command.add_argument("--repeats", type=int, default=5, metavar="N", help=text)
    text = "how many objects to track at once"
    command.add_argument("--objects", type=int, default=1, metavar="N", help=text)
    text = "write this JSON file too: all latencies, and the provenance"
    command.add_argument("--out", metavar="FILE", help=text)
    add_engine(command, precision="auto")
    add_device(command)


def run(options: argparse.Namespace) -> None:
    check_weights(options)
    if options.tracker:
        return _tracker(options)
    if not options.backbone and not options.checkpoint:
        raise UserError("name what to time: --backbone, --checkpoint or --tracker")
    from ttvos.config.experiments import find_variant

    # A checkpoint says its variant; random weights are by default of the full model.
    name = options.variant or (None if options.checkpoint else DEFAULT_VARIANT)
    variant = find_variant(name) if name else None
    limit_threads()
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
        precision=options.precision,
        compile=options.compile,
        engine=options.engine,
    )
    _show(result, options.out)


def _tracker(options: argparse.Namespace) -> None:
    """Any tracker, frame by frame."""
    limit_threads()
    tracker, origin = named_tracker(options)
    from ttvos.measure.tracker_speed import speed_tracker

    result = speed_tracker(
        tracker,
        options.device,
        options.height,
        options.width,
        frames=options.frames,
        repeats=options.repeats,
        objects=options.objects,
        origin=origin,
    )
    _show(result, options.out)
    growth, whole = result.growth, result.with_initialisation
    print(
        f"with frame 0: {whole.fps:.2f} FPS over {whole.frames} frames; state "
        f"{growth.state_bytes_first / 2**20:.1f} MiB after frame 1, "
        f"{growth.state_bytes_last / 2**20:.1f} MiB after the last"
    )


def _show(result: "Speed", out: str | None) -> None:
    """Write the result, print its table, and say why not to use it if the machine was busy."""
    from ttvos.measure.latency import doubts
    from ttvos.measure.speedtable import LEGEND, terminal_table
    from ttvos.records.store import write

    if out:
        write(out, result)
    print(terminal_table(result.rows) + LEGEND)
    for line in doubts(result):
        print(line)
