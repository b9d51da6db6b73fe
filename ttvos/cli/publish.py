"""`ttvos publish`: what the repository keeps of a run, or of several parts of one measurement."""

import argparse


def add_options(command: argparse.ArgumentParser) -> None:
    what = command.add_mutually_exclusive_group(required=True)
    text = "JSON file that names the result files, which the workflow writes"
    what.add_argument("--manifest", metavar="FILE", help=text)
    text = (
        "folders of results-published that scored the same weights on other sequences of one "
        "split: their rows become one"
    )
    what.add_argument("--merge", nargs="+", metavar="FOLDER", help=text)
    text = "folder to write, e.g. results-published/NAME"
    command.add_argument("--out", required=True, metavar="FOLDER", help=text)


def run(options: argparse.Namespace) -> None:
    if options.merge:
        from ttvos.report.publication.merge import merge

        record = merge(options.merge, options.out)
        labels = ", ".join(data["label"] for data in record["datasets"].values())
        print(f"{options.out}: {labels}; from {', '.join(record['merged'])}")
        return
    from ttvos.report.publication.publish import publish

    record = publish(options.manifest, options.out)
    missing = len(record["missing"])
    print(f"{options.out}: from {len(record['files'])} files, {missing} missing")
