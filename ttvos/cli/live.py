"""`ttvos live`: J&F of the mask that is on screen, where the camera does not wait."""

import argparse
from typing import TYPE_CHECKING, Any

from ttvos.cli.options import OF_TTVOS, check_weights, parse_seed, refuse
from ttvos.cli.predict import add_dataset, add_tracker, chosen_tracker
from ttvos.core.errors import UserError

if TYPE_CHECKING:
    from ttvos.records.schema import LiveLatency

RATES = (10.0, 15.0, 24.0, 30.0, 60.0, 120.0)


def add_options(command: argparse.ArgumentParser) -> None:
    which = add_tracker(command)
    text = "in place of a tracker: a folder of masks, which are held back; needs no frames"
    which.add_argument("--masks", metavar="FOLDER", help=text)
    text = "with --masks: whose they are (default: the folder's name)"
    command.add_argument("--name", metavar="NAME", help=text)
    add_dataset(command)
    text = "frames a second that the camera delivers"
    command.add_argument("--rates", nargs="+", type=float, default=RATES, metavar="RATE", help=text)
    _add_latency(command)
    text = "of the draws of latencies"
    command.add_argument("--seed", type=parse_seed, default=0, metavar="N", help=text)
    text = "write this JSON file too: scores of each sequence, latencies, and the provenance"
    command.add_argument("--out", metavar="FILE", help=text)


def _add_latency(command: argparse.ArgumentParser) -> None:
    what = command.add_mutually_exclusive_group()
    text = "latencies that ttvos speed --out, or an earlier ttvos live --out, has written"
    what.add_argument("--latency", metavar="FILE", help=text)
    text = "a constant latency: frames a second, as the method's authors say (with --fps-device)"
    what.add_argument("--fps", type=float, metavar="N", help=text)
    text = "time the tracker here, on the clips themselves, before it is played (the default)"
    what.add_argument("--measure", action="store_true", help=text)
    text = "with --fps: the device that this speed was had on"
    command.add_argument("--fps-device", metavar="NAME", help=text)


def run(options: argparse.Namespace) -> None:
    check_weights(options)
    latency = _latency(options)
    follower = _follower(options)
    from ttvos.measure.latency import doubts
    from ttvos.measure.live import live
    from ttvos.measure.live_table import terminal_table
    from ttvos.records.store import write

    result = live(
        follower,
        options.dataset,
        options.year,
        options.split,
        options.rates,
        latency=latency,
        seed=options.seed,
        only=tuple(options.only),
        profile=options.profile,
    )
    if options.out:
        write(options.out, result)
    print(terminal_table(result), end="")
    for line in doubts(result) if result.load else ():
        print(line)


def _latency(options: argparse.Namespace) -> "LiveLatency | None":
    """As the options say; None where it is to be measured."""
    from ttvos.measure.live_latency import given_latency, read_latency

    if (options.fps is None) != (options.fps_device is None):
        raise UserError("--fps and --fps-device belong together: a speed, and the device of it")
    if options.fps is not None:
        return given_latency(options.fps, options.fps_device)
    return read_latency(options.latency) if options.latency else None


def _follower(options: argparse.Namespace) -> Any:
    from pathlib import Path

    from ttvos.measure.live_clip import MaskFollower, TrackerFollower

    if options.masks:
        unread = (*OF_TTVOS, "input_scale", "device", "measure")
        refuse(options, unread, "is of no use to --masks, which are there already")
        return MaskFollower(options.masks, options.name or Path(options.masks).resolve().name)
    refuse(options, ("name",), "goes with --masks")
    tracker, origin = chosen_tracker(options)
    if options.checkpoint:
        from ttvos.core.provenance import file_hash

        origin = {"checkpoint": file_hash(options.checkpoint), **(origin or {})}
    return TrackerFollower(tracker, options.device, origin)
