"""Which tracker `ttvos predict` and `ttvos live` run, and the options that say it."""

import argparse
from typing import Any

from ttvos.cli.options import (
    OF_TTVOS,
    TRACKER,
    add_checkpoint,
    add_device,
    add_engine,
    add_weights,
    named_tracker,
    refuse,
)
from ttvos.config.experiments import BACKBONES
from ttvos.core.process import limit_threads


def add_choice(command: argparse.ArgumentParser) -> Any:
    """--checkpoint, --reference or --tracker; returns their group, of which one is needed."""
    which = command.add_mutually_exclusive_group(required=True)
    add_checkpoint(which, "weights of TTVOS, ours or (with --backbone) the authors'")
    text = "in place of a model: the first mask held still, or carried along by optical flow"
    which.add_argument("--reference", choices=["still", "flow"], help=text)
    which.add_argument("--tracker", help=TRACKER)
    add_weights(command)
    text = "feature extractor of TTVOS; needed for the authors' checkpoints, which do not name it"
    command.add_argument("--backbone", choices=BACKBONES, help=text)
    text = "stop with an error if the checkpoint is of another experiment than this, e.g. exp8"
    command.add_argument("--variant", help=text)
    return which


def add_settings(command: argparse.ArgumentParser) -> None:
    """How it computes."""
    command.add_argument(
        "--single-object",
        choices=["aggregated", "direct"],
        default="aggregated",
        help="how TTVOS feeds the heatmap of a single object back: aggregated as several objects' "
        "are (released code), or directly (paper)",
    )
    command.add_argument(
        "--input-scale",
        type=float,
        default=1.0,
        metavar="SCALE",
        help="share of a frame's height and width that the network sees; 0.5 is a quarter of the "
        "pixels",
    )
    add_engine(command, precision="float32")
    add_device(command)


def chosen_tracker(options: argparse.Namespace) -> tuple[Any, dict[str, Any] | None]:
    """What tracks, and its part of the provenance, where the tracker itself does not say it."""
    if options.reference:
        unread = (*OF_TTVOS, "input_scale")
        refuse(options, unread, "is not for the reference trackers: leave it out, or --reference")
        refuse(options, ("device",), "is not for the reference trackers, which run on the CPU only")
        from ttvos.tracking.baselines import FlowCarried, HeldStill

        return {"still": HeldStill, "flow": FlowCarried}[options.reference](), None
    limit_threads()
    if options.tracker:
        tracker, origin = named_tracker(options)
        if options.input_scale != 1:
            from ttvos.tracking.adapters import ScaledTracker

            tracker = ScaledTracker(tracker, options.input_scale)
        return tracker, origin
    from ttvos.engine.tracker import make_tracker
    from ttvos.model import weights

    tracker = make_tracker(
        weights.load(options.checkpoint, options.backbone, options.variant),
        options.device,
        options.single_object,
        options.input_scale,
        options.precision,
        options.compile,
        options.engine,
    )
    return tracker, None
