"""A copy of the repository's workflow in another folder, and Snakemake in it."""

import functools
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ttvos.core.provenance import REPOSITORY

COPIED = (
    *("environment.yml", "workflow", "ttvos", "notebooks", "weights"),
    *("data/paper", "data/peers", "data/experiments.tsv", "data/stages.yaml"),
    *("results-published", "tests/slow/workflow"),
)
PATIENCE = 900  # seconds; a run takes a minute or two where nothing else does


@dataclass(frozen=True)
class Ended:
    """A run that has ended: its exit status, and all that it said on either stream."""

    code: int
    said: str

    def must_do(self) -> "Ended":
        assert self.code == 0, self.said
        return self

    @property
    def jobs(self) -> dict[str, int]:
        """Rules that a dry run would run, with their counts; {} if nothing is to be done."""
        self.must_do()
        table = re.search(r"job +count\n-+ +-+\n(.*?)total", self.said, re.DOTALL)
        rows = re.findall(r"(\w+) +(\d+)\n", table[1]) if table else []
        return {name: int(count) for name, count in rows}


def copy_repository(folder: Path) -> Path:
    """What the workflow needs of the repository, in another folder; returns it."""
    ignored = shutil.ignore_patterns("__pycache__", ".snakemake")
    for name in COPIED:
        source, target = REPOSITORY / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=ignored, dirs_exist_ok=True)
        elif source.is_file():
            shutil.copy(source, target)
    return folder


def environment(folder: Path) -> dict[str, str]:
    """Of a process that runs the copy's code, and reaches the tests' server."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    ours = {"PATH": path, "PYTHONPATH": str(folder), "no_proxy": "127.0.0.1"}
    return {**os.environ, **ours, "OMP_NUM_THREADS": "1"}


def snakemake(folder: Path, *arguments: str, cores: str = "all") -> Ended:
    """Run `snakemake --cores CORES ARGUMENTS` in the copy, as a user types it."""
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", cores, *arguments],
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
    )
    return Ended(done.returncode, done.stdout)


def dry_run(folder: Path, *arguments: str) -> Ended:
    """Run `snakemake --cores all -n ARGUMENTS` in the copy, by `preloaded.py`."""
    with tempfile.NamedTemporaryFile("r") as file:
        words = ["--cores", "all", "-n", *arguments]
        server = _preloaded()
        server.stdin.write(json.dumps([str(folder), words, file.name]) + "\n")
        server.stdin.flush()
        return Ended(int(server.stdout.readline()), Path(file.name).read_text())


@functools.cache
def _preloaded() -> subprocess.Popen:
    """Ends with this process, which closes its standard input."""
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("preloaded.py"))],
        env=environment(Path("/")),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
