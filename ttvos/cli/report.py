"""`ttvos report`: the page, its tables and its figures."""

import argparse
from pathlib import Path

from ttvos.core.errors import UserError


def add_options(command: argparse.ArgumentParser) -> None:
    text = (
        "JSON file that names the result files, which the workflow writes; may be left out with "
        "--show, for a report that is rendered already"
    )
    command.add_argument("--manifest", metavar="FILE", help=text)
    text = "gets index.html and its files; an earlier report in it is replaced"
    command.add_argument("--out", required=True, metavar="FOLDER", help=text)
    text = (
        "copy the report into this folder, too, which several runs share: it replaces the report "
        "there, lists the other runs, and leaves what else is there alone"
    )
    command.add_argument("--show", metavar="FOLDER", help=text)


def run(options: argparse.Namespace) -> None:
    if not (options.manifest or options.show):
        raise UserError("name the results: --manifest FILE")
    if options.manifest:
        _render(options)
    if options.show:
        from ttvos.report.shown import show

        show(options.out, options.show)
    print(Path(options.show or options.out) / "index.html")


def _render(options: argparse.Namespace) -> None:
    from ttvos.core.files import atomic_directory
    from ttvos.core.provenance import provenance
    from ttvos.report.inputs import load_inputs
    from ttvos.report.report import render

    inputs = load_inputs(options.manifest, rendered_by=provenance())
    with atomic_directory(options.out, marker="index.html") as folder:
        render(inputs, folder)
