"""`ttvos steptime`: seconds of a training step, and the hours of a whole run."""

import argparse
import sys
from typing import Any

from ttvos.cli.options import add_device, add_run
from ttvos.core.files import write_json
from ttvos.core.process import limit_threads


def add_options(command: argparse.ArgumentParser) -> None:
    add_run(command, "the run whose training is timed")
    text = "time only these rows of the run"
    command.add_argument("--rows", nargs="+", default=(), metavar="ROW", help=text)
    text = "steps to time of each stage; 0 times none"
    command.add_argument("--steps", type=int, default=5, metavar="N", help=text)
    text = "steps before them that are not timed"
    command.add_argument("--warmup", type=int, default=2, metavar="N", help=text)
    text = "parts that each batch is computed in (default: the run's train.accumulate)"
    command.add_argument("--accumulate", type=int, metavar="N", help=text)
    text = "begin no further row after so many seconds; --out is written after each row"
    command.add_argument("--seconds", type=float, metavar="S", help=text)
    text = "write this JSON file too, with every step's time"
    command.add_argument("--out", metavar="FILE", help=text)
    add_device(command)


def run(options: argparse.Namespace) -> None:
    from ttvos.plan.run import load_config

    config = load_config(options.config)
    limit_threads()
    from ttvos.measure.latency import doubts
    from ttvos.measure.steptable import summary
    from ttvos.measure.steptime import steptime
    from ttvos.plan.needs import run_needs

    def keep(result: dict[str, Any]) -> None:
        if options.out:
            write_json(options.out, result)

    def keep_and_tell(result: dict[str, Any]) -> None:
        keep(result)
        timed = [row for row in result["rows"] if row["hours"] is not None]
        print(f"{timed[-1]['row']}: {timed[-1]['hours']:.1f} hours a seed", file=sys.stderr)

    result = steptime(
        config,
        tuple(options.rows),
        options.device,
        options.steps,
        options.warmup,
        options.accumulate,
        options.seconds,
        keep_and_tell,
        run_needs(config),
    )
    keep(result)
    print(summary(result))
    if result["hours"] is not None:
        for line in doubts(result):
            print(line)
