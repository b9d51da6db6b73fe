"""How published results were measured, in lines for the page."""

from collections.abc import Iterable
from typing import Any

from ttvos.publication.form import Published
from ttvos.publication.stages import (
    in_words,
    stage_data,
    stage_extras,
    stage_length,
    stage_rate,
)
from ttvos.render.starts import start, within


def facts(published: Published) -> list[tuple[str, str]]:
    """How it was measured, for the page: label and text."""
    record = published.record
    sources = [file["provenance"] for file in record["files"]]
    times = sorted(source["time"] for source in sources)
    trained = {(line.row, line.seed): line.seconds for line in published.scores if line.seconds}
    initials = [training["initial"] for training in record["trainings"]]
    lines = [
        ("Data profile", f"{record['profile']}. {record['caution']}"),
        ("Trained on", _distinct(line.device for line in published.scores)),
        ("All devices", _distinct(source["device"] for source in sources)),
        ("Precision", _distinct(source["precision"] for source in sources)),
        ("Commit", _distinct(source["commit"] for source in sources)),
        ("Source hash", _distinct(source["source"] for source in sources)),
        ("Measured between", f"{times[0]} and {times[-1]}"),
        ("Trainings", f"{len(trained)}, {sum(trained.values()) / 3600:.1f} hours in all"),
        ("Started from", _distinct(start(initial) for initial in initials)),
        ("Its backbone", _distinct(within(initial) for initial in initials)),
    ]
    for backbone, recipe in record["recipes"].items():
        lines += [
            (f"Stage {stage['name']}, {backbone}", _stage(stage)) for stage in recipe["stages"]
        ]
        rest = {key: recipe[key] for key in recipe if key not in ("stages", "data", "initial")}
        text = "; ".join(f"{key} {in_words(value)}" for key, value in rest.items())
        lines.append((f"Settings, {backbone}", text))
    return [(label, text) for label, text in lines if text]


def _distinct(values: Iterable[str | None]) -> str:
    return "; ".join(sorted({str(value) for value in values if value}))


def _stage(stage: dict[str, Any]) -> str:
    """A training stage in one line; what is at its default is left out."""
    size = f"{stage['frames']} frames of {stage['height']}×{stage['width']}"
    text = (
        f"{stage_length(stage)} of {stage['batch']} clips of {size}, learning rate "
        f"{stage_rate(stage)}, from {stage_data(stage)}"
    )
    extras = stage_extras(stage)
    return f"{text}; {extras}" if extras else text
