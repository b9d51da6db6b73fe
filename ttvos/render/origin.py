"""Where the numbers come from: provenance of every result file, and how long the rules took."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ttvos.errors import UserError
from ttvos.render.inputs import ReportInput, Result


@dataclass(frozen=True)
class Origin:
    """One result file's provenance for the page. anchor: its HTML id. facts: name and text."""

    name: str
    anchor: str
    brief: str
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Jobs:
    """One rule's timing: its jobs, the sum of their seconds, their largest memory in MiB."""

    rule: str
    count: int
    seconds: float
    memory: float | None


def origins(results: Iterable[Result]) -> dict[str, Origin]:
    """Provenance by file name; a file without one says so."""
    found = {}
    for index, result in enumerate(results):
        source = result.provenance
        brief = "no provenance: its numbers are not shown"
        if source:
            parts = (source.get("commit"), source.get("device"), source.get("time"))
            brief = ", ".join(str(part) for part in parts if part)
        found[result.name] = Origin(result.name, f"file-{index}", brief, _facts(source or {}))
    return found


def _facts(source: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((key, _text(value)) for key, value in source.items() if value is not None)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        return " ".join(str(item) for item in value)
    return str(value)


def overview(results: Iterable[Result]) -> list[tuple[str, str]]:
    """What the files have in common, or all the values where they differ."""
    sources = [result.provenance for result in results if result.provenance]
    lines = []
    for key, label in (
        ("device", "Device"),
        ("cpus", "Processor cores"),
        ("precision", "Precision"),
        ("seed", "Seeds"),
        ("commit", "Commit"),
        ("source", "Source hash"),
        ("python", "Python"),
        ("platform", "System"),
        ("libraries", "Libraries"),
    ):
        values = dict.fromkeys(_text(s[key]) for s in sources if s.get(key) is not None)
        if values:
            lines.append((label, "; ".join(sorted(values))))
    times = sorted(str(source["time"]) for source in sources)
    if times:
        lines.append(("Measured between", f"{times[0]} and {times[-1]}"))
    return lines


def jobs(report: ReportInput) -> list[Jobs]:
    """Wall time and peak memory by rule, from Snakemake's benchmark files ("rule job" by name)."""
    rules: dict[str, list[tuple[float, float | None]]] = {}
    for name, path in report.manifest.benchmarks.items():
        if path is not None:
            rules.setdefault(name.split()[0], []).append(_timing(report.located.path(path)))
    return [
        Jobs(
            rule,
            len(timings),
            sum(seconds for seconds, _ in timings),
            max((memory for _, memory in timings if memory is not None), default=None),
        )
        for rule, timings in rules.items()
    ]


def _timing(path: Path) -> tuple[float, float | None]:
    """Seconds of wall time and MiB of one job; a job of under a second may have no memory."""
    try:
        with open(path, newline="") as handle:
            line = next(csv.DictReader(handle, delimiter="\t"))
        memory = line.get("max_rss", "-")
        return float(line["s"]), float(memory) if memory not in ("-", "NA") else None
    except (OSError, StopIteration, KeyError, ValueError) as error:
        raise UserError(f"{path}: not a readable benchmark file ({error}); run anew") from None
