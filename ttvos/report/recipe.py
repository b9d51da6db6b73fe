"""A training's recipe: what all trainings of one table have in common, and its stages in words."""

from dataclasses import MISSING, fields
from typing import Any

from ttvos.config.run import Stage
from ttvos.core.provenance import public

# Of a training's settings: what may differ between the trainings of one recipe. The code's hash
# may too, because a training of days outlives a comment's change; what is published lists them.
OWN = ("variant", "backbone", "transition_loss", "seed", "code")
NAMED = ("name", "source", "roots", "stills_roots", "height", "width", "frames", "batch")
NAMED += ("learning_rate", "end_rate", "steps", "epochs")


def recipe(settings: dict[str, Any]) -> dict[str, Any]:
    """A training's settings without what is its own, and without a machine's folders.

    data: [{"root", "listing"}]: the folder's name and a hash over names and sizes of its files.
    """
    kept = {key: value for key, value in settings.items() if key not in OWN}
    data = [{"root": root, "listing": hash_} for root, hash_ in kept.pop("data", {}).items()]
    return public({**kept, "data": sorted(data, key=lambda entry: entry["listing"])})


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
    plain = {k: list(v) if isinstance(v, tuple) else v for k, v in defaults.items()}  # as in JSON
    extras = {k: v for k, v in stage.items() if k not in NAMED and v != plain.get(k)}
    return ", ".join(f"{key} {in_words(value)}" for key, value in extras.items())


def other_settings(settings: dict[str, Any]) -> list[tuple[str, str]]:
    """Names and values of a recipe's settings that are of no stage and no data."""
    rest = {k: v for k, v in settings.items() if k not in ("stages", "data", "initial")}
    return [(key, in_words(value)) for key, value in rest.items()]


def in_words(value: Any) -> str:
    """A setting's value on one line."""
    if value is None or value in ([], {}):
        return "none"
    if isinstance(value, dict):
        return "(" + ", ".join(f"{key} {in_words(item)}" for key, item in value.items()) + ")"
    if isinstance(value, list):
        return "(" + ", ".join(map(in_words, value)) + ")"
    return str(value)
