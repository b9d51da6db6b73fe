"""`ttvos schemas`: what a run's settings and the result files may hold, as JSON Schemas."""

import argparse
from pathlib import Path


def add_options(command: argparse.ArgumentParser) -> None:
    text = "folder that gets one NAME.schema.json each, e.g. workflow/schemas"
    command.add_argument("--out", required=True, metavar="FOLDER", help=text)


def run(options: argparse.Namespace) -> None:
    from ttvos.config.run import json_schema
    from ttvos.core.files import write_json
    from ttvos.records import comparison, report
    from ttvos.records.schema import json_schemas

    kinds = {
        "run": json_schema(),
        "report": report.json_schema(),
        "comparison": comparison.json_schema(),
        **json_schemas(),
    }
    for name, schema in kinds.items():
        path = Path(options.out, f"{name}.schema.json")
        write_json(path, schema)
        print(path)
