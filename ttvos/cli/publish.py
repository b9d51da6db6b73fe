"""`ttvos publish`: what the repository keeps of a run."""

import argparse


def add_options(command: argparse.ArgumentParser) -> None:
    text = "JSON file that names the result files, which the workflow writes"
    command.add_argument("--manifest", required=True, metavar="FILE", help=text)
    text = "folder to write, e.g. results-published/NAME"
    command.add_argument("--out", required=True, metavar="FOLDER", help=text)


def run(options: argparse.Namespace) -> None:
    from ttvos.report.publication.publish import publish

    record = publish(options.manifest, options.out)
    missing = len(record["missing"])
    print(f"{options.out}: from {len(record['files'])} files, {missing} missing")
