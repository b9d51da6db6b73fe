"""What the tests on Slurm share: a copy of the workflow, starting it, and its jobs in Slurm."""

import csv
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.slow.workflow.running import copy_repository, environment

SETTINGS = "one-row.yaml"
# start_slurm.sh's Slurm keeps no accounts, so squeue is asked. Its jobs take seconds: they are
# asked for after 11, because each time that none has ended the next wait is longer by ten.
ONE_MACHINE = (
    *("--slurm-no-account", "--slurm-status-command", "squeue"),
    *("--slurm-init-seconds-before-status-checks", "11"),
)
BY_SLURM = ("--workflow-profile", "workflow/profiles/slurm", *ONE_MACHINE)
PATIENCE = 1200  # seconds for a run that takes a minute or two where nothing else runs
TIMINGS = re.compile(r"fps|_ms|^peak_memory|^seconds|^waiting")


@dataclass(frozen=True)
class SlurmJob:
    """A job as squeue lists it; memory in MB and a node, time limit in minutes."""

    number: str
    state: str
    rule: str
    nodes: int
    memory: int
    minutes: int


def command(*words: str) -> str:
    """What a command prints on its standard output."""
    return subprocess.run(words, capture_output=True, text=True, timeout=60).stdout


def copy_project(folder: Path) -> Path:
    """The repository's workflow in a new folder, with settings for one row on one dataset."""
    copy_repository(folder)
    settings = yaml.safe_load((folder / "tests/slow/workflow/tiny.yaml").read_text())
    settings["datasets"].pop("davis16")
    settings |= {"rows": ["exp8-hrnet"], "masks": [], "references": ["still"], "peers": {}}
    (folder / SETTINGS).write_text(yaml.safe_dump(settings))
    return folder


def change_settings(folder: Path, **changed) -> None:
    """Change top-level keys of the copy's settings."""
    settings = yaml.safe_load((folder / SETTINGS).read_text())
    (folder / SETTINGS).write_text(yaml.safe_dump(settings | changed))


def start(folder: Path, *arguments: str, target: str = "reports/") -> subprocess.Popen:
    """Start `snakemake --cores all ARGUMENTS --configfile one-row.yaml -- TARGET`."""
    words = ["--cores", "all", *arguments, "--configfile", SETTINGS, "--", target]
    with open(folder / "output.txt", "w") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "snakemake", *words],
            cwd=folder,
            env=environment(folder),
            stdout=output,
            stderr=subprocess.STDOUT,
        )


def stop(process: subprocess.Popen) -> None:
    """Interrupt a run, as Ctrl-C does, if it still goes on: it cancels the jobs it submitted."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=PATIENCE)


def said(folder: Path) -> str:
    """What the run in a folder has said so far, and what Snakemake has in its log of it."""
    files = (folder / "output.txt", folder / "results/tiny/snakemake.log")
    return "".join(file.read_text() for file in files if file.is_file())


def wait_until(condition: Callable[[], object], process: subprocess.Popen, what: str) -> None:
    """Wait while the run goes on; fails when it ends first."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert process.poll() is None, f"the run ended before {what}"
        assert time.monotonic() < deadline, f"no {what} after {PATIENCE} seconds"
        time.sleep(0.1)


def jobs_of(folder: Path) -> list[SlurmJob]:
    """The Slurm jobs of the run in a folder, by their number; none before it has a name there."""
    name = re.search(r"SLURM run ID: (\S+)", said(folder))
    if not name:
        return []
    fields = ("--name", name[1], "--format=%i|%T|%k|%D|%m|%l", "--states=all", "--noheader")
    return [_job(*line.split("|")) for line in command("squeue", "--sort=i", *fields).splitlines()]


def _job(number: str, state: str, comment: str, nodes: str, memory: str, limit: str) -> SlurmJob:
    rule = comment.removeprefix("rule_").split("_wildcards_")[0]
    return SlurmJob(number, state, rule, int(nodes), _megabytes(memory), _minutes(limit))


def _megabytes(memory: str) -> int:
    """Slurm writes 2000M, and 1.5G where that is exact."""
    return round(float(memory[:-1]) * {"M": 1, "G": 1024}[memory[-1]])


def _minutes(limit: str) -> int:
    """Slurm writes [[days-]hours:]minutes:seconds."""
    days, _, rest = limit.rpartition("-")
    hours, minutes, _ = ([0, 0, *map(int, rest.split(":"))])[-3:]
    return (int(days or 0) * 24 + hours) * 60 + minutes


def rows_of(path: Path) -> list[dict[str, str]]:
    """A table's rows without what a clock or a memory gauge measured."""
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    return [{k: v for k, v in row.items() if not TIMINGS.search(k)} for row in rows]
