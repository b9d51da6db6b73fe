"""Why two numbers may differ: what is not the same in where they come from."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ttvos.records.comparison import Cause
from ttvos.records.report import FileRecord
from ttvos.records.schema import Origin


def _code(origin: Origin) -> Any:
    return (origin.source, origin.tracker_code, origin.evaluator, origin.evaluator_version)


def _code_text(origin: Origin) -> str:
    return origin.commit or f"source {origin.source}"


def _data(origin: Origin) -> Any:
    """Which data; the run's name is none, and of a folder the last part counts, because machines
    keep the same data in different places."""
    data = dict(origin.data or {})
    data.pop("profile", None)
    root = str(data.pop("root", "")).rstrip("/").rpartition("/")[2]
    return {"root": root, **data} if data or root else {}


def _device(origin: Origin) -> Any:
    return (origin.device, origin.cpus, origin.threads, origin.precision, origin.platform)


def _device_text(origin: Origin) -> str:
    parts = (origin.device, origin.cpus and f"{origin.cpus} cores", origin.precision)
    return ", ".join(_text(part) for part in parts if part)


def _libraries(origin: Origin) -> Any:
    return (origin.python, origin.libraries)


def _libraries_text(origin: Origin) -> str:
    return _text({"python": origin.python, **origin.libraries})


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(item)}" for key, item in value.items())
    if isinstance(value, list):
        return " ".join(map(_text, value))
    return "none" if value is None else str(value)


def _settings(origin: Origin) -> Any:
    rules = (origin.objects, origin.ignore_void, origin.selection, origin.backbone_learns)
    return (origin.config, origin.tracker, origin.accumulate, origin.processes, *rules)


Told = Callable[[Origin], Any]
WHAT: dict[str, tuple[Told, Callable[[Origin], str]]] = {  # what is compared, and how it is told
    "code": (_code, _code_text),
    "data": (_data, lambda origin: _text(_data(origin))),
    "seed": (lambda origin: origin.seed, lambda origin: _text(origin.seed)),
    "device": (_device, _device_text),
    "settings": (_settings, lambda origin: f"settings {_text(origin.config)}"),
    "weights": (
        lambda origin: (origin.checkpoint, origin.initial),
        lambda origin: _text(str(origin.checkpoint)[:12] if origin.checkpoint else origin.initial),
    ),
    "libraries": (_libraries, _libraries_text),
}

Pairs = Iterable[tuple[FileRecord | None, FileRecord | None]]


def causes(pairs: Pairs) -> list[Cause]:
    """What differs between files before and after, each kind once, as the first pair has it.

    pairs: the same file of both sides; one that a side lacks, or without provenance, tells nothing.
    """
    found: dict[str, Cause] = {}
    for one, other in _sourced(pairs):
        for what, (told, text) in WHAT.items():
            if what not in found and told(one) != told(other):
                found[what] = Cause(what=what, before=text(one), after=text(other))
    return [found[what] for what in WHAT if what in found]


def told(pairs: Pairs) -> list[str]:
    """What any of the pairs tells of both sides, whether it differs or not."""
    sourced = list(_sourced(pairs))
    return [
        what
        for what, (value, _) in WHAT.items()
        if any(_says(value(one)) and _says(value(other)) for one, other in sourced)
    ]


def _sourced(pairs: Pairs) -> Iterator[tuple[Origin, Origin]]:
    for before, after in pairs:
        if before and after and before.provenance and after.provenance:
            yield before.provenance, after.provenance


def _says(value: Any) -> bool:
    """Whether a value of WHAT holds anything; 0 is a seed."""
    return any(map(_says, value)) if isinstance(value, tuple) else value not in (None, {}, [])
