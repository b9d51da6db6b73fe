"""`ttvos compare`: what changed between two reports or two evaluations."""

import argparse
import os
import sys

from ttvos.core.errors import UserError

EXAMPLES = """examples:
  ttvos compare main/reports reports
      what changed between two reports: every accuracy with the interval of its paired
      difference, every sequence, every speed, every cell, and what differs behind them
  ttvos compare main/reports reports --fail-if worse
      exit code 1 where the J&F of a method got worse by its interval, or a speed fell by
      more than --tolerance, for continuous integration; --margin 0.5 lets half a point pass
  ttvos compare results/a/report results/b/report --html changes.html --json changes.json
      the same as a page to open, and as data
  ttvos compare old.json new.json
      two files that `ttvos evaluate --out` wrote

Speeds are judged only where device, precision, engine, frame size and clip are the same.
docs/compare.md says how it is decided."""


def add_options(command: argparse.ArgumentParser) -> None:
    command.epilog = EXAMPLES
    command.formatter_class = argparse.RawDescriptionHelpFormatter
    text = "what was: the folder of a report, its report.json, or a file of `ttvos evaluate --out`"
    command.add_argument("before", metavar="A", help=text)
    command.add_argument("after", metavar="B", help="what is: the same kind as A")
    text = (
        "exit with 1 if something is worse (a J&F whose interval lies below 0 less --margin, or a "
        "slower speed), "
        "or if anything changed (of times only speeds beyond the tolerance)"
    )
    command.add_argument("--fail-if", choices=["worse", "changed"], help=text)
    text = "share that a speed may be off, 0 to 1 (default: 0.1)"
    command.add_argument("--tolerance", type=float, default=0.1, metavar="SHARE", help=text)
    text = "points of J&F beyond which an interval must lie to be better or worse (default: 0)"
    command.add_argument("--margin", type=float, default=0.0, metavar="POINTS", help=text)
    command.add_argument("--json", metavar="FILE", help="write what was found as JSON, too")
    command.add_argument("--html", metavar="FILE", help="write a page of it, too")


def run(options: argparse.Namespace) -> None:
    if not 0 <= options.tolerance < 1:
        raise UserError(f"--tolerance {options.tolerance}: a share from 0 to below 1")
    if not 0 <= options.margin <= 100:
        raise UserError(f"--margin {options.margin}: points, from 0 to 100")
    from ttvos.report.changes.find import compare
    from ttvos.report.changes.sides import read_side
    from ttvos.report.changes.text import as_text

    sides = read_side(options.before), read_side(options.after)
    found = compare(*sides, options.tolerance, options.margin)
    print(as_text(found, _has_colour()))
    if options.json:
        from ttvos.core.provenance import provenance, public
        from ttvos.records.schema import Origin
        from ttvos.records.store import write

        origin = Origin.model_validate(public(provenance()))
        write(options.json, found.model_copy(update={"provenance": origin}))
    if options.html:
        from ttvos.report.changes.page import write_page

        write_page(found, options.html)
    if options.fail_if and not found.has_common:
        raise UserError(f"{options.after}: shares nothing with {options.before} to compare")
    if told := getattr(found, options.fail_if) if options.fail_if else []:
        raise UserError(f"{options.fail_if}: {_first(told)}")


def _has_colour() -> bool:
    return sys.stdout.isatty() and "NO_COLOR" not in os.environ


def _first(told: list[str]) -> str:
    more = f"; and {len(told) - 3} more" if len(told) > 3 else ""
    return "; ".join(told[:3]) + more
