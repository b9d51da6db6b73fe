"""Where the numbers come from: provenance of every result file."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ttvos.render.results import Result


@dataclass(frozen=True)
class Origin:
    """One result file's provenance for the page. anchor: its HTML id. facts: name and text."""

    name: str
    anchor: str
    brief: str
    facts: tuple[tuple[str, str], ...]


def origins(results: Iterable[Result]) -> dict[str, Origin]:
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
            precision = tracked.get(source.get("masks"))
            if precision:
                source["tracked in"] = precision
            parts = [source.get(key) for key in ("commit", "device", "time", "precision")]
            if precision:
                parts.append(f"masks tracked in {precision}")
            brief = ", ".join(str(part) for part in parts if part)
        found[result.name] = Origin(result.name, f"file-{index}", brief, _facts(source))
    return found


def _tracking_precision(results: list[Result]) -> dict[str, str]:
    """Precision of the tracker by its folder of masks, where the folder's predict.json says it."""
    return {
        folder: result.provenance["precision"]
        for result in results
        if (folder := result.name.removesuffix("/predict.json")) != result.name
        and result.provenance
        and result.provenance.get("precision")
    }


def _facts(source: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((key, _text(value)) for key, value in source.items() if value is not None)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        return " ".join(str(item) for item in value)
    return str(value)


def _commands(sources: list[dict[str, Any]], precision: str) -> str:
    """The subcommands ("train", "predict" ...) that computed in that precision."""
    used = [source.get("command", ()) for source in sources if source.get("precision") == precision]
    return ", ".join(sorted({str(command[1]) for command in used if len(command) > 1}))


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
        if values := sorted({_text(s[key]) for s in sources if s.get(key) is not None}):
            if key == "precision" and len(values) > 1:
                values = [f"{value} ({_commands(sources, value)})" for value in values]
            lines.append((label, "; ".join(values)))
    times = sorted(str(source["time"]) for source in sources)
    if times:
        lines.append(("Measured between", f"{times[0]} and {times[-1]}"))
    return lines
