"""Where the numbers come from, by file, and how long the workflow took to make them, by rule."""

import csv
import os
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ttvos.core.errors import UserError
from ttvos.report.join import ReportInput
from ttvos.report.results import File

COMMON = {  # keys of a provenance that the page's overview shows
    "device": "Device",
    "cpus": "Processor cores",
    "precision": "Precision",
    "seed": "Seeds",
    "commit": "Commit",
    "source": "Source hash",
    "python": "Python",
    "platform": "System",
    "libraries": "Libraries",
}
RUN_STARTED = "TTVOS_RUN_STARTED"  # set by the Snakefile: seconds since 1970


@dataclass(frozen=True)
class Origin:
    """One result file's provenance for the page. anchor: its HTML id. facts: name and text."""

    name: str
    anchor: str
    brief: str
    facts: tuple[tuple[str, str], ...]


def origins(results: Iterable[File]) -> dict[str, Origin]:
    """Provenance by file name; a file without one says so.

    Scores have no precision of their own: theirs is that in which the masks were tracked.
    """
    results = list(results)
    tracked = _tracking_precision(results)
    found = {}
    for index, result in enumerate(results):
        source = dict(result.provenance or {})
        brief = "no provenance: its numbers are not shown"
        if source:
            parts = [source.get(key) for key in ("commit", "device", "time", "precision")]
            if precision := tracked.get(source.get("masks")):
                source["tracked in"] = precision
                parts.append(f"masks tracked in {precision}")
            brief = ", ".join(str(part) for part in parts if part)
        facts = tuple((key, _text(value)) for key, value in source.items() if value is not None)
        found[result.name] = Origin(result.name, f"file-{index}", brief, facts)
    return found


def _tracking_precision(results: list[File]) -> dict[str, str]:
    """Precision of the tracker by its folder of masks, where the folder's predict.json says it."""
    end = "/predict.json"
    tracked = [result for result in results if result.name.endswith(end) and result.provenance]
    found = {r.name.removesuffix(end): r.provenance.get("precision") for r in tracked}
    return {folder: precision for folder, precision in found.items() if precision}


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items())
    return shlex.join(map(str, value)) if isinstance(value, list) else str(value)


def overview(results: Iterable[File]) -> list[tuple[str, str]]:
    """What the files have in common, or all the values where they differ."""
    sources = [result.provenance for result in results if result.provenance]
    lines = []
    for key, label in COMMON.items():
        values = sorted({_text(s[key]) for s in sources if s.get(key) is not None})
        if key == "precision" and len(values) > 1:
            values = [f"{value} ({_commands(sources, value)})" for value in values]
        lines += [(label, "; ".join(values))] if values else []
    times = sorted(str(source["time"]) for source in sources)
    return [*lines, *([("Measured between", f"{times[0]} and {times[-1]}")] if times else [])]


def _commands(sources: list[dict[str, Any]], precision: str) -> str:
    """The subcommands ("train", "predict" ...) that computed in that precision."""
    used = [source.get("command", ()) for source in sources if source.get("precision") == precision]
    return ", ".join(sorted({str(command[1]) for command in used if len(command) > 1}))


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
    """All jobs that the manifest names, from Snakemake's benchmark files.

    Raises UserError for a benchmark file that is damaged, or missing where a result waits for it.
    """
    manifest, locate = report.manifest, report.located.path
    found = {name: locate(path) for name, path in manifest.benchmarks.items() if path is not None}
    others = {name: locate(path) for name, path in manifest.other_benchmarks.items()}
    found |= {name: path for name, path in others.items() if path.is_file()}
    return [_job(name.split()[0], path) for name, path in found.items()]


def _job(rule: str, path: Path) -> Job:
    try:
        with open(path, newline="") as handle:
            line = next(csv.DictReader(handle, delimiter="\t"))
        memory = line.get("max_rss", "-")
        known = float(memory) if memory not in ("-", "NA") else None
        return Job(rule, float(line["s"]), known, path.stat().st_mtime)
    except (OSError, StopIteration, KeyError, ValueError) as error:
        raise UserError(f"{path}: not a readable benchmark file ({error}); run anew") from None


def by_rule(jobs: list[Job]) -> list[RuleTimes]:
    """The jobs of each rule together; the rule with the largest sum first."""
    times = []
    for rule in dict.fromkeys(job.rule for job in jobs):
        own = [job for job in jobs if job.rule == rule]
        seconds = [job.seconds for job in own]
        memory = max((job.memory for job in own if job.memory is not None), default=None)
        times.append(RuleTimes(rule, len(own), sum(seconds), max(seconds), memory))
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
