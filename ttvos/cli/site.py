"""`ttvos site`: scores of published masks against those that the DAVIS site printed."""

import argparse
from typing import TYPE_CHECKING

from ttvos.core.errors import UserError

if TYPE_CHECKING:
    from ttvos.records.schema import MethodDifference, Scores, SiteCheck


def add_options(command: argparse.ArgumentParser) -> None:
    text = "folder of the DAVIS site's record, which `ttvos data fetch davis-record` brings"
    command.add_argument("--record", required=True, metavar="FOLDER", help=text)
    text = (
        "a method's name on the site, e.g. stm, and the file of its scores that `ttvos evaluate "
        "--out` wrote"
    )
    command.add_argument("--scores", required=True, nargs="+", metavar="NAME=FILE", help=text)
    text = "write this JSON file too: what differs, and the means by attribute"
    command.add_argument("--out", metavar="FILE", help=text)


def run(options: argparse.Namespace) -> None:
    from ttvos.records.store import write

    scores = _read(options.scores)
    check = _check(scores, options.record)
    if options.out:
        write(options.out, check)
    for method in check.methods:
        print("\n".join(_told(method, check)))
    for name in check.not_on_site:
        print(f"{name}: not in the site's record")


def _read(named: list[str]) -> "dict[str, Scores]":
    """The scores by method; a file that says why there are none is left out."""
    from ttvos.records.schema import NotScored, Scores
    from ttvos.records.store import read

    found = {}
    for text in named:
        name, given, path = text.partition("=")
        if not given:
            raise UserError(f"--scores {text}: expected NAME=FILE, e.g. stm=scores.json")
        found[name] = read(path, Scores | NotScored)
    return {name: one for name, one in found.items() if not isinstance(one, NotScored)}


def _check(scores: "dict[str, Scores]", folder: str) -> "SiteCheck":
    """All comparisons, as a record."""
    from ttvos.core.provenance import provenance
    from ttvos.data.site_record import read_attributes, read_printed, recorded_methods
    from ttvos.evaluation import site
    from ttvos.records.schema import SiteCheck

    year = _year(scores)
    known, attributes = recorded_methods(folder, year), read_attributes(folder)
    shared = [name for name in scores if name in known]
    return SiteCheck(
        year=year,
        by=site.unit(year),
        tolerance=site.tolerance(year),
        frames=site.FRAMES,
        methods=[
            site.compare(name, scores[name], read_printed(folder, year, name), year)
            for name in shared
        ],
        not_on_site=[name for name in scores if name not in known],
        fewest=site.FEWEST,
        attributes=[
            means
            for name, one in scores.items()
            for means in site.attribute_means(name, one, attributes)
        ],
        provenance=provenance({"year": year, "methods": list(scores)}),
    )


def _year(scores: "dict[str, Scores]") -> int:
    """The year of DAVIS that all of the scores are of."""
    origins = [one.provenance for one in scores.values()]
    years = {origin.data.get("year") if origin and origin.data else None for origin in origins}
    if len(years) != 1 or not years <= {2016, 2017}:
        raise UserError(
            "--scores: give files of one year of DAVIS, that say which, and one at least"
        )
    return years.pop()


def _told(method: "MethodDifference", check: "SiteCheck") -> list[str]:
    """A line of a method, and one of each sequence that differs."""
    lines = [
        f"{method.method}: {method.beyond} of {method.compared:,} values differ by more than "
        f"{check.tolerance:g}; the largest difference is {method.largest:.4f}"
    ]
    for part in method.differing:
        what = part.reason or (
            f"{part.beyond} of {part.compared} values, up to {part.largest:.4f}; J&F "
            f"{100 * part.mean:+.2f} points"
        )
        lines.append(f"  {part.sequence}: {what}")
    return lines
