"""What `ttvos data` does: the built-in clips, published data sets, weights, result masks.

As in `ttvos.cli.commands`, each function imports what it needs.
"""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ttvos.core.errors import UserError

if TYPE_CHECKING:
    from ttvos.data.check import Report
    from ttvos.data.sources import Source


def data(options: argparse.Namespace) -> None:
    """`ttvos data mini`: the built-in clips."""
    from ttvos.config.run import MiniConfig
    from ttvos.data.builtin.clips import generate
    from ttvos.plan.run import load_config

    generate(Path(options.out), load_config(options.config).mini or MiniConfig())


def data_fetch(options: argparse.Namespace) -> None:
    """`ttvos data fetch`: a published data set or weights, checked."""
    from ttvos.data.fetch import fetch_set
    from ttvos.data.sources import SET_NAMES, find_source
    from ttvos.peers.fetch_weights import fetch_weights

    source, root = find_source(options.name), Path(options.root)
    if source.kind == "masks":
        _fetch_masks(options, root)
        return
    _no_methods(options)
    if source.name not in SET_NAMES:
        print(fetch_weights(source, root))
        return
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
    print("The archives are their authors': not part of this project, not to be passed on.")
    if options.record:
        write_record(options.record, chosen, failed)
    elif failed:
        raise UserError(
            f"{len(failed)} of {len(chosen)} published masks failed, for the reasons above: "
            f"{', '.join(failed)}"
        )


def _no_methods(options: argparse.Namespace) -> None:
    if options.methods or options.years or getattr(options, "record", None):
        raise UserError(
            "--methods and --years choose among published-masks, --record is theirs; leave them out"
        )


def data_check(options: argparse.Namespace) -> None:
    """`ttvos data check`: what is complete, missing or damaged; changes nothing."""
    from ttvos.data.sources import SET_NAMES, find_source
    from ttvos.peers.fetch_weights import check_weights

    source, root = find_source(options.name) if options.name else None, Path(options.root)
    is_masks = source is not None and source.kind == "masks"
    if not is_masks:
        _no_methods(options)
    if source is None:
        reports = [*_check_sets(None, root), *_check_masks(options, root)]
    elif is_masks:
        reports = _check_masks(options, root)
    elif source.name not in SET_NAMES:
        print(check_weights(source, root))
        return
    else:
        reports = _check_sets(source, root)
    if not reports:
        what = options.name or "data set"
        raise UserError(f"{root}: no {what} in it, in any layout known; see docs/data.md")
    print("\n".join(line for report in reports for line in report.lines()))
    missing, damaged = (sum(len(getattr(r, k)) for r in reports) for k in ("missing", "damaged"))
    if missing or damaged:
        raise UserError(f"{root}: {missing} missing, {damaged} damaged, as listed")


def _check_sets(source: "Source | None", root: Path) -> "list[Report]":
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
