"""`ttvos stress`: what a tracker's J&F loses when its input gets worse."""

import argparse
from typing import TYPE_CHECKING

from ttvos.cli.options import check_weights
from ttvos.cli.predict import add_dataset, add_stress_seed, add_tracker, chosen_tracker
from ttvos.config.stress import KINDS, all_stresses, parse_stress

if TYPE_CHECKING:
    from ttvos.records.schema import StressTest


def add_options(command: argparse.ArgumentParser) -> None:
    add_tracker(command)
    add_dataset(command)
    command.add_argument(
        "--stresses",
        nargs="+",
        default=(),
        type=parse_stress,
        metavar="NAME=STRENGTH",
        help=f"those to measure (default: all, each at its usual strengths): {', '.join(KINDS)}",
    )
    add_stress_seed(command)
    text = "write this JSON file too: J&F at each strength, slopes, and the provenance"
    command.add_argument("--out", metavar="FILE", help=text)


def run(options: argparse.Namespace) -> None:
    from ttvos.measure.stress import measure_stress
    from ttvos.records.store import write

    check_weights(options)
    tracker, origin = chosen_tracker(options)
    found = measure_stress(
        tracker,
        options.dataset,
        options.year,
        options.split,
        list(options.stresses) or all_stresses(),
        options.stress_seed,
        tuple(options.only),
        options.profile,
        options.checkpoint,
        origin,
    )
    if options.out:
        write(options.out, found)
    print("\n".join(_told(found)))


def _told(found: "StressTest") -> list[str]:
    """A line a kind: its slope, and J&F at each strength."""
    lines = [f"{found.tracker}: J&F {100 * found.jf_mean:.1f} without stress"]
    for slope in found.slopes:
        own = [line for line in found.lines if line.stress == slope.stress]
        values = ", ".join(f"{line.strength:g}: {100 * line.jf_mean:.1f}" for line in own)
        lines.append(
            f"{slope.stress:8} {100 * slope.lost:+5.1f} points lost per {slope.per:g}  ({values}): "
            f"{KINDS[slope.stress].does}"
        )
    return lines
