"""`ttvos explore`: what the report's explorer loads of a data set."""

import argparse

from ttvos.cli.options import add_record
from ttvos.config.run import Explorer


def add_options(command: argparse.ArgumentParser) -> None:
    text = "JSON file that names the result files, which the workflow writes"
    command.add_argument("--manifest", required=True, metavar="FILE", help=text)
    command.add_argument("--dataset", required=True, metavar="NAME", help="its name in the run")
    text = "gets index.js and the pictures, masks and maps; an earlier result in it is replaced"
    command.add_argument("--out", required=True, metavar="FOLDER", help=text)
    text = "most pixels of a picture's longer side"
    command.add_argument("--size", type=int, default=Explorer.size, metavar="PIXELS", help=text)
    text = "of the pictures, 1 to 100"
    command.add_argument("--quality", type=int, default=Explorer.quality, help=text)
    add_record(command)


def run(options: argparse.Namespace) -> None:
    from ttvos.core.files import atomic_directory
    from ttvos.report.explorer.explore import explore

    Explorer(options.size, options.quality)  # refuses what cannot be
    with atomic_directory(options.out, marker="index.js") as folder:
        sizes = explore(
            options.manifest,
            options.dataset,
            folder,
            options.size,
            options.quality,
            options.record,
        )
    parts = ", ".join(f"{part} {size / 1e6:.1f}" for part, size in sorted(sizes.items()))
    print(f"{options.out}: {sum(sizes.values()) / 1e6:.1f} MB ({parts})")
