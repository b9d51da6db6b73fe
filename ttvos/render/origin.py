"""Where the numbers come from: provenance of every result file."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ttvos.render.inputs import Result


@dataclass(frozen=True)
class Origin:
    """One result file's provenance for the page. anchor: its HTML id. facts: name and text."""

    name: str
    anchor: str
    brief: str
    facts: tuple[tuple[str, str], ...]


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
