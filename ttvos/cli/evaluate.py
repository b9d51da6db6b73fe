"""`ttvos evaluate`: J and F of a folder of masks."""

import argparse

from ttvos.cli.options import add_part, add_year
from ttvos.core.errors import UserError


def add_asked(command: argparse.ArgumentParser) -> None:
    """What is scored, and how: which masks against which truth."""
    text = "folder with <sequence>/<frame>.png"
    command.add_argument("--masks", required=True, metavar="FOLDER", help=text)
    which = command.add_mutually_exclusive_group(required=True)
    text = "data set in DAVIS, YouTube-VOS or MOSE layout to score against; needs no frames"
    which.add_argument("--dataset", metavar="FOLDER", help=text)
    text = "in place of a data set: a folder of true masks, <sequence>/<frame>.png"
    which.add_argument("--truth", metavar="FOLDER", help=text)
    add_year(command, "; must be given for DAVIS layout (default elsewhere: 2017)")
    add_part(command)
    text = "judge nothing where the truth is 255 (void), which otherwise counts as background"
    command.add_argument("--ignore-void", action="store_true", help=text)
    text = (
        "first: score the objects of the first mask, as DAVIS does; all: also those that come "
        "later, each from its first frame on (default: first for DAVIS layout, else all)"
    )
    command.add_argument("--objects", choices=["first", "all"], help=text)
    text = (
        "file that `ttvos data fetch published-masks --record` wrote; if it says that these masks "
        "could not be fetched, --out gets that reason in place of scores"
    )
    command.add_argument("--fetched", metavar="FILE", help=text)
    text = "processes (default: one for each processor)"
    command.add_argument("--workers", type=int, metavar="N", help=text)


def add_options(command: argparse.ArgumentParser) -> None:
    add_asked(command)
    text = "official: the davis2017-evaluation package, where it is installed"
    evaluators = ["builtin", "official"]
    command.add_argument("--evaluator", choices=evaluators, default="builtin", help=text)
    text = "print the scores of each sequence, too"
    command.add_argument("--per-sequence", action="store_true", help=text)
    text = "write this JSON file too: scores of each object and frame, and the provenance"
    command.add_argument("--out", metavar="FILE", help=text)


def run(options: argparse.Namespace) -> None:
    if options.fetched and (reason := not_fetched(options)):
        print(f"not scored: {reason}")
        return
    from ttvos.evaluation.davis import evaluate
    from ttvos.evaluation.summary import per_sequence, summary
    from ttvos.records.store import write

    scores = evaluate(
        options.masks,
        options.dataset,
        options.year,
        options.split,
        options.evaluator,
        options.workers,
        options.profile,
        tuple(options.only),
        truth=options.truth,
        ignore_void=options.ignore_void,
        objects=options.objects,
    )
    if options.out:
        write(options.out, scores)
    if options.per_sequence:
        print(per_sequence(scores))
    print(summary(scores))


def not_fetched(options: argparse.Namespace) -> str | None:
    """Why the masks are not there, which is then written in place of scores; or None."""
    if not options.out:
        raise UserError("--fetched says what stands in place of scores: add --out FILE.json")
    from ttvos.core.provenance import provenance
    from ttvos.data import published_fetch
    from ttvos.records.schema import NotScored
    from ttvos.records.store import write

    if reason := published_fetch.not_fetched(options.fetched):
        write(options.out, NotScored(missing=reason, provenance=provenance()))
    return reason
