"""A training stage in words, from the settings that train.json and published.json hold."""

from dataclasses import MISSING, fields
from typing import Any

from ttvos.config.run import Stage

NAMED = ("name", "source", "roots", "stills_roots", "height", "width", "frames", "batch")
NAMED += ("learning_rate", "end_rate", "steps", "epochs")


def stage_length(stage: dict[str, Any]) -> str:
    """How long it was to last: "500 steps" or "20 epochs"."""
    return f"{stage['steps']} steps" if stage.get("steps") else f"{stage['epochs']} epochs"


def stage_rate(stage: dict[str, Any]) -> str:
    """The learning rate, or where it starts and ends."""
    end = stage.get("end_rate")
    return f"{stage['learning_rate']:g}" + ("" if end is None else f" to {end:g}")


def stage_data(stage: dict[str, Any]) -> str:
    """Names of the folders that it reads."""
    return ", ".join(dict.fromkeys([*stage["roots"], *(stage.get("stills_roots") or ())]))


def stage_extras(stage: dict[str, Any]) -> str:
    """What differs from the defaults and has no words of its own: "gaps 4, reverse True"."""
    defaults = {field.name: field.default for field in fields(Stage) if field.default != MISSING}
    extras = {
        key: value
        for key, value in stage.items()
        if key not in NAMED and value != _plain(defaults.get(key))
    }
    return ", ".join(f"{key} {in_words(value)}" for key, value in extras.items())


def _plain(value: Any) -> Any:
    """A default as JSON gives it back."""
    return list(value) if isinstance(value, tuple) else value


def in_words(value: Any) -> str:
    """A setting's value on one line."""
    if value is None or value in ([], {}):
        return "none"
    if isinstance(value, dict):
        return "(" + ", ".join(f"{key} {in_words(item)}" for key, item in value.items()) + ")"
    if isinstance(value, list):
        return "(" + ", ".join(map(in_words, value)) + ")"
    return str(value)
