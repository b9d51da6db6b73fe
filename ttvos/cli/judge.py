"""`ttvos judge`: whether a number of the paper holds."""

import argparse

# What --kind names, by the rule of `ttvos.evaluation.judge` that it is.
KINDS = {"accuracy": "accuracy", "masks": "masks", "count": "parameters", "macs": "macs"}


def add_options(command: argparse.ArgumentParser) -> None:
    text = "the paper's number with the digits that it prints, e.g. 81.1"
    command.add_argument("--paper", required=True, metavar="NUMBER", help=text)
    text = "what was measured, in the paper's unit: for accuracy one value for each seed, else one"
    command.add_argument(
        "--values", required=True, nargs="+", type=float, metavar="NUMBER", help=text
    )
    text = (
        "accuracy: points of J&F of trainings; masks: points of J&F of given masks or weights; "
        "count: parameters; macs: MACs"
    )
    command.add_argument("--kind", choices=tuple(KINDS), default="accuracy", help=text)


def run(options: argparse.Namespace) -> None:
    from ttvos.evaluation.judge import check_points, judge

    if options.kind in ("accuracy", "masks"):
        check_points(options.paper, options.values)
    found = judge(KINDS[options.kind], options.paper, options.values)
    print(f"{found.status}: {found.reason}")
