"""`ttvos predict`: masks of every sequence of a split."""

import argparse
import time

from ttvos.cli.chosen_tracker import add_choice, add_settings, chosen_tracker
from ttvos.cli.options import add_part, add_year, check_weights
from ttvos.core.errors import UserError


def add_options(command: argparse.ArgumentParser) -> None:
    add_choice(command)
    text = "data set in DAVIS layout"
    command.add_argument("--dataset", required=True, metavar="FOLDER", help=text)
    add_year(command, required=True)
    add_part(command)
    text = "gets <sequence>/<frame>.png and predict.json"
    command.add_argument("--out", required=True, metavar="FOLDER", help=text)
    text = "write this .npz too: what the model saw in one sequence, for Figure 7"
    command.add_argument("--maps", metavar="FILE", help=text)
    text = "the sequence that --maps shows (default: the first)"
    command.add_argument("--maps-sequence", metavar="SEQUENCE", help=text)
    add_settings(command)


def run(options: argparse.Namespace) -> None:
    from ttvos.tracking.predict import predict

    if options.maps_sequence and not options.maps:
        raise UserError("--maps-sequence says which sequence --maps shows: add --maps FILE.npz")
    check_weights(options)
    tracker, origin = chosen_tracker(options)
    start = time.perf_counter()
    result = predict(
        tracker,
        options.dataset,
        options.year,
        options.split,
        options.out,
        maps=options.maps,
        maps_sequence=options.maps_sequence,
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
