"""`ttvos fill`: tables of published results inside Markdown pages."""

import argparse


def add_options(command: argparse.ArgumentParser) -> None:
    text = "Markdown files with markers such as <!-- scores: FOLDER --> (CONTRIBUTING.md)"
    command.add_argument("pages", nargs="+", metavar="FILE", help=text)


def run(options: argparse.Namespace) -> None:
    from ttvos.report.publication.fill import fill

    for page in options.pages:
        print(f"{page}: {'written' if fill(page) else 'up to date'}")
