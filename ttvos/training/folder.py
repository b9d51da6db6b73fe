"""The folder of a training: one at a time, and whether its result still stands.

Settings and data decide whether a finished training still stands; its code is told of. A training
takes days, so changed code does not throw it away; who changed it knows whether it matters.
Everything else is quick, and made again when code that computes it has changed.

It imports no torch, because the workflow asks here each time it starts.
"""

import errno
import fcntl
import os
import platform
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from ttvos.core.errors import UserError
from ttvos.core.files import clear_errors, read_json
from ttvos.core.provenance import file_hash, settings_hash
from ttvos.records.schema import Training
from ttvos.records.store import parse

CODE = "code"  # the key of a training's settings that does not decide
LOCK = ".training.lock"
HELD = (errno.EACCES, errno.EAGAIN)  # what the system says of a lock that another process has


def deciding_hash(settings: dict[str, Any]) -> str | None:
    """Hash of all settings, data among them, that make a training stale when they change."""
    return settings_hash({key: value for key, value in settings.items() if key != CODE})


def is_finished(out: Path, settings: dict[str, Any]) -> bool:
    """Whether `out` holds the result of these settings and data, whole and unchanged."""
    result, record = out / "checkpoint.safetensors", out / "train.json"
    if not (result.exists() and record.exists()):
        return False
    known = _record(record)
    if known is None or deciding_hash(known.settings or {}) != deciding_hash(settings):
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


def _record(path: Path) -> Training | None:
    """A training's record; None for a JSON file that is none, which no training stands behind."""
    data = read_json(path)
    try:
        return parse(data, Training, str(path))
    except UserError:
        return None


def _code(path: Path) -> str | None:
    """Hash of the code that a training's record names."""
    known = _record(path)
    return ((known and known.settings) or {}).get(CODE)


@contextmanager
def only_training(out: Path) -> Iterator[None]:
    """Hold `out` for this training; the lock goes with the process, however that ends.

    Raises UserError where another process trains in `out`. A disk without locks is told about on
    stderr, and the training goes on. A training that has written nothing leaves no new folder.
    """
    is_new = not out.exists()
    with clear_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        file = _open_locked(out)
    try:
        yield
    finally:
        (out / LOCK).unlink(missing_ok=True)
        file.close()
        if is_new:
            with suppress(OSError):  # it holds something
                out.rmdir()


def _open_locked(out: Path) -> IO[str]:
    path = out / LOCK
    while True:
        file = open(path, "a+")  # noqa: SIM115 (the lock lasts as long as it is open)
        try:
            # Of the process, unlike flock's: workers that outlive a killed training hold nothing.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in HELD:
                raise UserError(_told(out, file)) from None
            print(f"{out}: this disk has no locks; start one training only there", file=sys.stderr)
            return file
        if _is_there(path, file):
            with suppress(OSError):  # on a full disk the lock holds all the same
                os.ftruncate(file.fileno(), 0)
                os.write(file.fileno(), f"{os.getpid()} on {platform.node()}".encode())
            return file
        file.close()  # another training has just ended and removed it


def _is_there(path: Path, file: IO[str]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _told(out: Path, file: IO[str]) -> str:
    file.seek(0)
    holder = file.read()
    by = f" (process {holder})" if holder else ""
    return f"{out}: another training is running there{by}; wait for it, or name another folder"
