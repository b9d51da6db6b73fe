"""`ttvos predict`: masks of every sequence of a split."""

import argparse
import time
from typing import Any

from ttvos.cli.options import (
    OF_TTVOS,
    TRACKER,
    add_checkpoint,
    add_device,
    add_engine,
    add_part,
    add_weights,
    add_year,
    check_weights,
    named_tracker,
    parse_seed,
    refuse,
)
from ttvos.config.experiments import BACKBONES
from ttvos.config.stress import parse_stress
from ttvos.core.errors import UserError
from ttvos.core.process import limit_threads


def add_tracker(command: argparse.ArgumentParser) -> Any:
    """Who tracks, and how; returns the group of options of which one says who."""
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
    return which


def add_dataset(command: argparse.ArgumentParser) -> None:
    """Which sequences are tracked."""
    text = "data set in DAVIS layout"
    command.add_argument("--dataset", required=True, metavar="FOLDER", help=text)
    add_year(command, required=True)
    add_part(command)


def add_options(command: argparse.ArgumentParser) -> None:
    add_tracker(command)
    add_dataset(command)
    text = "gets <sequence>/<frame>.png and predict.json"
    command.add_argument("--out", required=True, metavar="FOLDER", help=text)
    text = "write this .npz too: what the model saw in one sequence, for Figure 7"
    command.add_argument("--maps", metavar="FILE", help=text)
    text = "the sequence that --maps shows (default: the first)"
    command.add_argument("--maps-sequence", metavar="SEQUENCE", help=text)
    text = "write <sequence>/maps.npz into --out too: what the model saw in every frame, small"
    command.add_argument("--all-maps", action="store_true", help=text)
    text = "worsen what the tracker sees, e.g. blur=2 or skip=1 (docs/stress.md)"
    command.add_argument("--stress", type=parse_stress, metavar="NAME=STRENGTH", help=text)
    add_stress_seed(command)


def add_stress_seed(command: argparse.ArgumentParser) -> None:
    text = "of the stresses' noise and directions"
    command.add_argument("--stress-seed", type=parse_seed, default=0, metavar="N", help=text)


def run(options: argparse.Namespace) -> None:
    from ttvos.tracking.predict import predict

    if options.maps_sequence and not options.maps:
        raise UserError("--maps-sequence says which sequence --maps shows: add --maps FILE.npz")
    check_weights(options)
    tracker, origin = chosen_tracker(options)
    if options.stress:
        from ttvos.tracking.stress import stressed

        if options.maps or options.all_maps:
            raise UserError("maps show the tracker as it is: leave them out, or --stress")
        tracker = stressed(tracker, options.stress, options.stress_seed)
    start = time.perf_counter()
    result = predict(
        tracker,
        options.dataset,
        options.year,
        options.split,
        options.out,
        maps=options.maps,
        maps_sequence=options.maps_sequence,
        all_maps=options.all_maps,
        device=options.device,
        profile=options.profile,
        checkpoint=options.checkpoint,
        only=tuple(options.only),
        origin=origin,
    )
    seconds = time.perf_counter() - start
    sequences = result.sequences.values()
    frames = sum(sequence.frames for sequence in sequences)
    print(
        f"{options.out}: masks of {frames} frames, {len(sequences)} sequences; {seconds:.1f} s, "
        f"{frames / seconds:.1f} FPS with reading and writing (ttvos speed times the tracker alone)"
    )


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
