"""Whether a finished training still stands: its settings and data decide, its code is told of.

A training takes days, so changed code does not throw it away; who changed it knows whether it
matters. Everything else is quick, and made again when code that computes it has changed.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ttvos.core.provenance import file_hash, settings_hash
from ttvos.records.schema import Training
from ttvos.records.store import read

CODE = "code"  # the key of a training's settings that does not decide


def deciding_hash(settings: dict[str, Any]) -> str | None:
    """Hash of all settings, data among them, that make a training stale when they change."""
    return settings_hash({key: value for key, value in settings.items() if key != CODE})


def is_finished(out: Path, settings: dict[str, Any]) -> bool:
    """Whether `out` holds the result of these settings and data, whole and unchanged."""
    result, record = out / "checkpoint.safetensors", out / "train.json"
    if not (result.exists() and record.exists()):
        return False
    known = read(record, Training)
    if deciding_hash(known.settings or {}) != deciding_hash(settings):
        return False
    return known.checkpoint_sha256 == file_hash(result)


def finished_notice(out: Path, settings: dict[str, Any]) -> str:
    """What to say of a finished training that is not run again."""
    said = f"{out}: already trained with these settings and data"
    trained = _code(out / "train.json")
    if trained == settings.get(CODE):
        return said
    return (
        f"{said}, but by other code ({trained}, now {settings.get(CODE)}): kept; "
        f"delete {out / 'checkpoint.safetensors'} to train again"
    )


def changed_code_notice(records: Iterable[Path | str], code: str) -> str | None:
    """A line that names the trainings (their train.json) that other code made; None without."""
    made = [Path(record) for record in records if Path(record).is_file()]
    others = [record.parent.name for record in made if _code(record) != code]
    if not others:
        return None
    folder = made[0].parent.parent
    return (
        f"Code of training has changed (now {code}) since these were trained: "
        f"{', '.join(others)}. They are kept; to train one again, delete its checkpoint in {folder}"
    )


def _code(record: Path) -> str | None:
    """Hash of the code that a training's record names."""
    return (read(record, Training).settings or {}).get(CODE)
