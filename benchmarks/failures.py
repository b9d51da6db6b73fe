"""Accounts of lost points side by side, for docs/failures.md.

    python benchmarks/failures.py --out FILE STM=stm.json SiamMask=siammask.json

The files are what `ttvos failures --out` wrote.
"""

import sys
from statistics import median
from typing import Any

from benchmarks.command import parser, run_and_write
from ttvos.core.errors import UserError
from ttvos.core.provenance import provenance, public
from ttvos.records.schema import Failures
from ttvos.records.store import read


def main(arguments: list[str] | None = None) -> int:
    """Read the files, write theirs as one; 0, or 1 after an error."""
    command = parser(__doc__)
    command.add_argument("files", nargs="+", metavar="NAME=FILE")
    options = command.parse_args(arguments)
    return run_and_write(lambda: run(options.files), options.out)


def run(files: list[str]) -> dict[str, Any]:
    """{"masks": a line each, in points, "losses": a line each, "files", "bars", "provenance"}."""
    found = dict(map(_read, files))
    return {
        "masks": [_line(name, record) for name, record in found.items()],
        "losses": [
            {
                "masks": name,
                "object": own,
                "from frame": str(loss.frame),
                "frames": str(loss.frames),
                "back in frame": "never" if loss.back is None else str(loss.back),
            }
            for name, record in found.items()
            for own, one in record.objects.items()
            for loss in one.losses
        ],
        "files": {name: public(record.provenance.plain()) for name, record in found.items()},
        "bars": {},
        "provenance": provenance({"files": list(found)}),
    }


def _read(text: str) -> tuple[str, Failures]:
    name, given, path = text.partition("=")
    if not given:
        raise UserError(f"{text}: expected NAME=FILE, e.g. STM=stm.json")
    return name, read(path, Failures, sourced=True)


def _line(name: str, record: Failures) -> dict[str, str]:
    losses = [loss for one in record.objects.values() for loss in one.losses]
    points = {"J&F": record.means.jf_mean, **record.means.lost_points.plain()}
    return {
        "masks": name,
        "sequences": str(record.scored.sequences),
        **{key.replace("_", " "): f"{100 * value:.1f}" for key, value in points.items()},
        "losses": str(len(losses)),
        "median frame": f"{median(loss.frame for loss in losses):g}" if losses else "",
        "came back": str(sum(loss.back is not None for loss in losses)),
    }


if __name__ == "__main__":
    sys.exit(main())
