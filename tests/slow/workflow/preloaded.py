"""A process that has imported what Snakemake needs, and forks for each dry run that it is told of.

Most of what a dry run costs is imports. One line on standard input: JSON [folder, arguments, file];
`snakemake ARGUMENTS` runs in the folder and says what it says into the file; the answer is a line
with its exit status. Nothing of ttvos is imported here: each run imports the folder's own.
"""

import json
import os
import sys

import pandas  # noqa: F401
import yaml  # noqa: F401
from snakemake import cli


def run(folder: str, arguments: list[str], file: str) -> int:
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    status = 1
    try:
        output = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.chdir(folder)
        sys.path.insert(0, folder)
        sys.argv = ["snakemake", *arguments]
        os.environ["PYTHONPATH"] = folder
        cli.main(arguments)
    except SystemExit as ended:
        status = int(ended.code or 0)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    for line in sys.stdin:
        print(run(*json.loads(line)), flush=True)
