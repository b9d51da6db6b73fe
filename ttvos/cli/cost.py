"""`ttvos cost`: parameters and MACs of models, rows or trackers, one result each."""

import argparse
from typing import TYPE_CHECKING, Any

from ttvos.cli.options import (
    DEFAULT_VARIANT,
    TRACKER,
    VARIANT,
    add_backbone,
    add_size,
    add_weights,
    check_weights,
    refuse,
    refuse_ttvos,
)
from ttvos.config.experiments import find_row, find_variant
from ttvos.core.errors import UserError
from ttvos.core.process import limit_threads

if TYPE_CHECKING:
    from ttvos.records.schema import TrackerCost


def add_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--variant", help=f"{VARIANT} (default: {DEFAULT_VARIANT})")
    which = command.add_mutually_exclusive_group(required=True)
    add_backbone(which)
    text = "rows of data/experiments.tsv, e.g. exp8-hrnet, which name backbone and variant"
    which.add_argument("--rows", nargs="+", metavar="ROW", help=text)
    which.add_argument("--tracker", help=TRACKER)
    text = "several trackers, each named as by --tracker; the word all stands for all built peers"
    which.add_argument("--trackers", nargs="+", metavar="TRACKER", help=text)
    add_weights(command)
    add_size(command)
    text = "with --tracker: how many objects to track at once"
    command.add_argument("--objects", type=int, default=1, metavar="N", help=text)
    text = "with --tracker: take the cost from this folder if the same code made it"
    command.add_argument("--kept", metavar="FOLDER", help=text)
    text = (
        "write this JSON file too, with the cost of each part; with --rows or --trackers a folder, "
        "which gets one NAME.json each"
    )
    command.add_argument("--out", metavar="PATH", help=text)


def run(options: argparse.Namespace) -> None:
    check_weights(options)
    if options.tracker or options.trackers:
        return _trackers(options)
    refuse(options, ("objects", "kept"), "goes with --tracker")
    if options.rows and options.variant:
        raise UserError("a row names its variant: leave --variant out, or --rows")
    if options.rows:
        rows = [find_row(name) for name in options.rows]
        models = [(row.variant, row.backbone, f"{options.out}/{row.name}.json") for row in rows]
    else:
        variant = find_variant(options.variant or DEFAULT_VARIANT)
        models = [(variant, options.backbone, options.out)]
    limit_threads()
    from ttvos.measure.cost import cost
    from ttvos.records.store import write

    for variant, backbone, out in models:
        result = cost(variant, backbone, options.height, options.width)
        if options.out:
            write(out, result)
        print(
            f"{variant.name} {backbone}: {result.parameters.total:,} parameters  "
            f"{result.macs.frame / 1e9:.3f} GMAC a frame  "
            f"{result.macs.two_frame_clip / 1e9:.2f} GMAC by the paper's protocol"
        )


def _trackers(options: argparse.Namespace) -> None:
    """Any tracker, counted while it runs, or taken from what is kept."""
    refuse_ttvos(options)
    from tqdm import tqdm

    from ttvos.config.peers import built_peers
    from ttvos.measure.tracker_cost import counted_with, find_kept
    from ttvos.records.store import write

    several = tuple(built_peers()) if options.trackers == ["all"] else options.trackers
    named = [(name, f"{options.out}/{name}.json") for name in several or ()]
    size = (options.height, options.width, options.objects)
    own = dict(options.tracker_options)
    may_keep = options.kept and not options.weights and not own
    for name, out in tqdm(
        named or [(options.tracker, options.out)], desc="cost", unit="tracker", disable=None
    ):
        key = {**counted_with(name, *size), **({"tracker_options": own} if own else {})}
        kept = find_kept(options.kept, name, key) if may_keep else None
        result = kept or _counted(name, options.weights, own, size, key)
        if options.out:
            write(out, result)
        _show(name, result, " (kept)" if kept else "")


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


def _show(name: str, result: "TrackerCost", kept: str) -> None:
    macs = result.macs
    print(
        f"{name}: {result.parameters.total:,} parameters  "
        f"{macs.frame / 1e9:.3f} GMAC a frame  {macs.init / 1e9:.3f} GMAC for frame 0{kept}"
    )
    if result.uncounted:
        print(f"{name}: these operators are not in the MACs: {', '.join(result.uncounted)}")
    elif not macs.frame:
        print(f"{name}: it ran no product or convolution in PyTorch, so its MACs are not known")
