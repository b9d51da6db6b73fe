"""How long the workflow's rules took: Snakemake's benchmark files, put together by rule."""

import csv
import os
from dataclasses import dataclass
from pathlib import Path

from ttvos.errors import UserError
from ttvos.render.inputs import ReportInput

RUN_STARTED = "TTVOS_RUN_STARTED"  # set by the Snakefile: seconds since 1970


@dataclass(frozen=True)
class Job:
    """One job's wall time in seconds, peak memory in MiB (None below a second), and its end."""

    rule: str
    seconds: float
    memory: float | None
    ended: float


@dataclass(frozen=True)
class RuleTimes:
    """One rule's jobs: how many, the sum and the longest in seconds, the largest memory in MiB."""

    rule: str
    count: int
    seconds: float
    longest: float
    memory: float | None


@dataclass(frozen=True)
class RunTime:
    """The run that renders the page: seconds so far, and how many of the jobs shown it ran."""

    seconds: float
    ran: int


def read_jobs(report: ReportInput) -> list[Job]:
    """All jobs that the manifest names.

    Raises UserError for a benchmark file that is damaged, or missing where a result waits for it.
    """
    manifest = report.manifest
    found = {name: path for name, path in manifest.benchmarks.items() if path is not None}
    for name, path in manifest.other_benchmarks.items():
        if report.located.path(path).is_file():
            found[name] = path
    return [_job(name.split()[0], report.located.path(path)) for name, path in found.items()]


def by_rule(jobs: list[Job]) -> list[RuleTimes]:
    """The jobs of each rule together; the rule with the largest sum first."""
    rules: dict[str, list[Job]] = {}
    for job in jobs:
        rules.setdefault(job.rule, []).append(job)
    times = [
        RuleTimes(
            rule,
            len(group),
            sum(job.seconds for job in group),
            max(job.seconds for job in group),
            max((job.memory for job in group if job.memory is not None), default=None),
        )
        for rule, group in rules.items()
    ]
    return sorted(times, key=lambda rule: -rule.seconds)


def run_time(jobs: list[Job], now: float) -> RunTime | None:
    """The run so far; None where no workflow renders the page. now: seconds since 1970."""
    started = os.environ.get(RUN_STARTED)
    if started is None:
        return None
    try:
        start = float(started)
    except ValueError:
        raise UserError(f"{RUN_STARTED}={started}: expected seconds since 1970") from None
    # The rule `reports` is running: its time on file is that of an earlier rendering.
    ran = sum(job.ended >= start for job in jobs if job.rule != "reports")
    return RunTime(now - start, ran)


def _job(rule: str, path: Path) -> Job:
    try:
        with open(path, newline="") as handle:
            line = next(csv.DictReader(handle, delimiter="\t"))
        memory = line.get("max_rss", "-")
        known = float(memory) if memory not in ("-", "NA") else None
        return Job(rule, float(line["s"]), known, path.stat().st_mtime)
    except (OSError, StopIteration, KeyError, ValueError) as error:
        raise UserError(f"{path}: not a readable benchmark file ({error}); run anew") from None
