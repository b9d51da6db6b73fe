"""`ttvos data`: the built-in clips, published data sets, weights, result masks."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ttvos.cli.options import add_run
from ttvos.core.errors import UserError
from ttvos.data.sources import NAMES, SET_NAMES, Source, find_source

if TYPE_CHECKING:
    from ttvos.data.check import Report

MASKS = "published-masks"


def add_options(data: argparse.ArgumentParser) -> None:
    from ttvos.cli.main import add_command

    kinds = data.add_subparsers(metavar="what", required=True, help="mini, fetch or check")
    command = add_command(kinds, "mini", "make the built-in clips")
    command.set_defaults(run=run_mini)
    add_run(command, "the run whose `mini` section says what clips to make")
    command.add_argument("--out", required=True, metavar="FOLDER", help="gets davis, stills, ytvos")
    text = "download a data set or weights and check them; goes on after an interruption"
    command = add_command(kinds, "fetch", text)
    command.set_defaults(run=run_fetch)
    command.add_argument("name", choices=NAMES, metavar="NAME", help=", ".join(NAMES))
    _add_root(command)
    text = f"{MASKS}: write to this JSON file what came and what did not, and then exit with 0"
    command.add_argument("--record", metavar="FILE", help=text)
    text = "say what is complete, missing or damaged, file by file; changes nothing"
    command = add_command(kinds, "check", text)
    command.set_defaults(run=run_check)
    text = "one of those that `ttvos data fetch --help` names; without it, all that are there"
    command.add_argument("name", nargs="?", choices=NAMES, metavar="NAME", help=text)
    _add_root(command)


def _add_root(command: argparse.ArgumentParser) -> None:
    """--root, and what chooses among the published masks."""
    text = "folder that holds the data sets"
    command.add_argument("--root", default="data", metavar="FOLDER", help=text)
    text = f"{MASKS}: only these methods', e.g. stm ranet crn (docs/published-masks.md)"
    command.add_argument("--methods", nargs="+", metavar="METHOD", help=text)
    text = f"{MASKS}: only of these validation sets"
    command.add_argument("--years", nargs="+", type=int, choices=[2016, 2017], help=text)


def run_mini(options: argparse.Namespace) -> None:
    """Make the built-in clips."""
    from ttvos.config.run import MiniConfig
    from ttvos.data.builtin.clips import generate
    from ttvos.plan.run import load_config

    generate(Path(options.out), load_config(options.config).mini or MiniConfig())
    print(f"{options.out}: davis, stills and ytvos, the built-in clips")


def run_fetch(options: argparse.Namespace) -> None:
    """Download and check one source."""
    from ttvos.data.fetch import fetch_set
    from ttvos.peers.fetch_weights import fetch_weights

    source, root = find_source(options.name), Path(options.root)
    if source.kind == "masks":
        return _fetch_masks(options, root)
    _refuse_choice(options)
    if source.kind == "record":
        from ttvos.data.site_fetch import fetch_record

        return print(fetch_record(source, root))
    if source.name not in SET_NAMES:
        return print(fetch_weights(source, root))
    report = fetch_set(source, root)
    print("\n".join([*report.lines(), f"  licence: {source.licence} ({source.page})"]))
    if not report.complete:
        raise UserError(f"{report.found.folder}: not complete; remove it to fetch it anew")


def _fetch_masks(options: argparse.Namespace, root: Path) -> None:
    """Each method's masks in turn; one that cannot be had does not keep the others back."""
    from ttvos.data.published_fetch import fetch_masks, write_record
    from ttvos.data.published_masks import choose

    chosen, failed = choose(options.methods, options.years), {}
    for masks in chosen:
        report, trouble = fetch_masks(masks, root)
        for line in report.lines() if report else ():
            print(line, flush=True)
        if trouble:
            print(f"FAILED {trouble}", flush=True)
            failed[masks.name] = trouble
    print("The archives belong to their authors: do not pass them on.")
    if options.record:
        write_record(options.record, chosen, failed)
    elif failed:
        raise UserError(
            f"{len(failed)} of {len(chosen)} published masks failed, for the reasons above: "
            f"{', '.join(failed)}"
        )


def _refuse_choice(options: argparse.Namespace) -> None:
    if options.methods or options.years or getattr(options, "record", None):
        raise UserError(
            f"--methods and --years choose among {MASKS}, and --record is theirs: leave them out"
        )


def run_check(options: argparse.Namespace) -> None:
    """Say what is complete, missing or damaged; UserError if anything is."""
    source, root = find_source(options.name) if options.name else None, Path(options.root)
    is_masks = source is not None and source.kind == "masks"
    if not is_masks:
        _refuse_choice(options)
    if source and source.kind == "record":
        from ttvos.data.site_fetch import check_record

        return print(check_record(source, root))
    if source and not is_masks and source.name not in SET_NAMES:
        from ttvos.peers.fetch_weights import check_weights

        return print(check_weights(source, root))
    reports = [] if is_masks else _check_sets(source, root)
    reports += _check_masks(options, root) if is_masks or source is None else []
    if not reports:
        what = options.name or "data set"
        raise UserError(f"{root}: no {what} in it, in any layout known; see docs/data.md")
    print("\n".join(line for report in reports for line in report.lines()))
    missing, damaged = (sum(len(getattr(r, k)) for r in reports) for k in ("missing", "damaged"))
    if missing or damaged:
        raise UserError(f"{root}: {missing} missing, {damaged} damaged, as listed")


def _check_sets(source: Source | None, root: Path) -> "list[Report]":
    """The best set of a source's layout against what was published; or all, by their own lists."""
    from ttvos.data.check import check_set
    from ttvos.data.fetch import best_match
    from ttvos.data.recognise import find_sets

    if source is None:
        return [check_set(one) for one in find_sets(root)]
    best = best_match(source, root)
    return [check_set(best, source.contents)] if best else []


def _check_masks(options: argparse.Namespace, root: Path) -> "list[Report]":
    """Published masks that are there; all that are asked for by method."""
    from ttvos.data.published_check import check_masks
    from ttvos.data.published_masks import choose

    chosen = choose(options.methods, options.years)
    return [check_masks(m, root) for m in chosen if options.methods or m.folder(root).is_dir()]
