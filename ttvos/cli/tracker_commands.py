"""What `ttvos predict`, `cost` and `speed` do with `--tracker`; which options go with what.

As in `ttvos.cli.commands`, each function imports what it needs.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ttvos.core.errors import UserError
from ttvos.core.process import limit_threads

if TYPE_CHECKING:
    from ttvos.records.schema import Speed, TrackerCost

MODEL_OPTIONS = ("variant", "backbone", "single_object", "precision", "compile", "engine")


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


def chosen_tracker(options: argparse.Namespace) -> Any:
    """The tracker of `ttvos predict`."""
    if options.reference:
        return _reference(options)
    limit_threads()
    if options.tracker:
        return _named(options)
    from ttvos.engine.tracker import make_tracker
    from ttvos.model import weights as checkpoint

    model = checkpoint.load(options.checkpoint, options.backbone, options.variant)
    return make_tracker(
        model,
        options.device,
        options.single_object,
        options.input_scale,
        options.precision,
        options.compile,
        options.engine,
    )


def _reference(options: argparse.Namespace) -> Any:
    unread = (*MODEL_OPTIONS, "input_scale")
    refuse(options, unread, "is not for the reference trackers: leave it out, or --reference")
    refuse(options, ("device",), "is not for the reference trackers, which run on the CPU only")
    from ttvos.tracking.baselines import FlowCarried, HeldStill

    return {"still": HeldStill, "flow": FlowCarried}[options.reference]()


def _named(options: argparse.Namespace) -> Any:
    refuse(options, MODEL_OPTIONS, "is TTVOS's: leave it out, or --tracker")
    from ttvos.tracking.registry import load_tracker

    own = dict(options.tracker_options)
    tracker = load_tracker(options.tracker, options.device, options.weights, own)
    if options.input_scale == 1:
        return tracker
    from ttvos.tracking.adapters import ScaledTracker

    return ScaledTracker(tracker, options.input_scale)


def tracker_costs(options: argparse.Namespace) -> None:
    """`ttvos cost --tracker` and `--trackers`: any tracker, counted while it runs, or kept."""
    refuse(options, ("variant",), "is TTVOS's: leave it out, or --tracker")
    from tqdm import tqdm

    from ttvos.measure.tracker_cost import counted_with, find_kept
    from ttvos.peers.record import built_peers
    from ttvos.records.store import write

    several = tuple(built_peers()) if options.trackers == ["all"] else options.trackers
    named = [(name, f"{options.out}/{name}.json") for name in several or ()]
    named = named or [(options.tracker, options.out)]
    size = (options.height, options.width, options.objects)
    own = dict(options.tracker_options)
    may_keep = options.kept and not options.weights and not own
    for name, out in tqdm(named, desc="cost", unit="tracker", disable=None):
        key = {**counted_with(name, *size), **({"tracker_options": own} if own else {})}
        kept = find_kept(options.kept, name, key) if may_keep else None
        result = kept or _counted(name, options.weights, own, size, key)
        if options.out:
            write(out, result)
        macs = result.macs
        print(
            f"{name}: {result.parameters.total:,} parameters  "
            f"{macs.frame / 1e9:.3f} GMAC a frame  {macs.init / 1e9:.3f} GMAC for frame 0"
            f"{'  (kept)' if kept else ''}"
        )
        if result.uncounted:
            print(f"{name}: not in the MACs, nor countable: {', '.join(result.uncounted)}")
        elif not macs.frame:
            print(f"{name}: no product or convolution of PyTorch's ran: its MACs are not known")


def _counted(
    name: str,
    weights: str | None,
    own: dict[str, Any],
    size: tuple[int, int, int],
    key: dict[str, Any],
) -> "TrackerCost":
    limit_threads()
    from ttvos.measure.tracker_cost import cost_tracker
    from ttvos.tracking.registry import load_tracker, tracker_origin

    tracker = load_tracker(name, weights=weights, options=own)
    return cost_tracker(tracker, *size, tracker_origin(name, weights), key)


def tracker_speed(options: argparse.Namespace) -> None:
    """`ttvos speed --tracker`: any tracker, frame by frame."""
    unread = ("variant", "checkpoint", "precision", "compile", "engine")
    refuse(options, unread, "is TTVOS's: leave it out, or --tracker")
    limit_threads()
    from ttvos.measure.tracker_speed import speed_tracker
    from ttvos.tracking.registry import load_tracker, tracker_origin

    own = dict(options.tracker_options)
    result = speed_tracker(
        load_tracker(options.tracker, options.device, options.weights, own),
        options.device,
        options.height,
        options.width,
        frames=options.frames,
        repeats=options.repeats,
        objects=options.objects,
        origin=tracker_origin(options.tracker, options.weights),
    )
    show_speed(result, options.out)
    growth, whole = result.growth, result.with_initialisation
    print(
        f"with frame 0: {whole.fps:.2f} FPS over {whole.frames} frames; state "
        f"{growth.state_bytes_first / 2**20:.1f} MiB after frame 1, "
        f"{growth.state_bytes_last / 2**20:.1f} MiB after the last"
    )


def show_speed(result: "Speed", out: str | None) -> None:
    """Print the table of a speed result, and why not to use it where the machine was busy; write
    the result to `out`, where that is given."""
    from ttvos.measure.latency import doubts
    from ttvos.measure.speedtable import LEGEND, terminal_table
    from ttvos.records.store import write

    if out:
        write(out, result)
    print(terminal_table(result.rows) + LEGEND)
    for line in doubts(result):
        print(line)
