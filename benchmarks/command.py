"""What the benchmarks' commands have in common (no import of PyTorch: one measures without it)."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ttvos.core.errors import UserError
from ttvos.core.files import write_json
from ttvos.core.provenance import public

AT_LEAST, AT_MOST = "at least", "at most"


def parser(text: str | None, out: Path | None = None) -> argparse.ArgumentParser:
    """A parser whose help is the script's own text, with --out (needed unless `out` is given)."""
    made = argparse.ArgumentParser(
        description=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument(
        "--out", type=Path, default=out, required=out is None, help="JSON file to write"
    )
    return made


def run_and_write(
    run: Callable[[], dict[str, Any]],
    out: Path,
    show: Callable[[dict[str, Any]], None] = lambda result: None,
) -> int:
    """Run, write the result, show it and its bars; 0, or 1 after an error of one line.

    The result's "provenance" is written without the folders of this machine.
    """
    try:
        result = run()
        result["provenance"] = public(result["provenance"])
        write_json(out, result)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    show(result)
    for name, found in result["bars"].items():
        verdict = "holds" if found["holds"] else "MISSED"
        print(
            f"{name:44} {found['value']:10.4g}  (bar {found['asked']} {found['bar']:g}, {verdict})"
        )
    return 0


def bar(value: float, bar: float, at_least: bool = True) -> dict[str, Any]:
    """A measured value beside what was asked of it: at least, or at most, the bar."""
    holds = value >= bar if at_least else value <= bar
    asked = AT_LEAST if at_least else AT_MOST
    return {"value": value, "bar": bar, "asked": asked, "holds": holds}
