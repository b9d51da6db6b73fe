"""Writing result files whole or not at all, and reading JSON and YAML with clear errors."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from ttvos.errors import UserError
from ttvos.placing import PART, allow, contents, is_fixed, put_file, put_folder

LISTING = ".files.json"  # in every folder that is made whole: what belongs in it


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it replaces `path` only if the block succeeds.

    A device or a pipe is written into.

    The temporary name keeps the suffix, because writers such as PIL choose the format by it.
    """
    path = Path(path)
    with clear_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise UserError(f"cannot write {path}: it is a folder; name a file")
        is_device = path.exists() and not path.is_file()
        handle, name = tempfile.mkstemp(
            prefix=f".{path.stem}.",
            suffix=f".part{path.suffix}",
            dir=None if is_device else path.parent,
        )
        os.close(handle)
        allow(name, 0o644)
        temporary = Path(name)
        try:
            yield temporary
            put_file(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_directory(path: Path | str, marker: str) -> Iterator[Path]:
    """Yield a temporary directory beside `path`; it takes the place of `path` on success.

    An existing `path` is replaced as a whole, so no file of an earlier run survives in it. One
    that cannot be replaced, such as a mount point, keeps its place and gets the new contents.
    marker: a file that every such result holds. A folder with anything in it but no marker is
    somebody's data, not an earlier result: a UserError before any work is done.
    """
    path = Path(path)
    if path.exists() and not _is_replaceable(path, marker):
        raise UserError(
            f"{path}: is there and is no earlier result (no {marker} in it), so it is not "
            "replaced; name a new folder"
        )
    with clear_errors(path):
        target = path.resolve()
        target.parent.mkdir(parents=True, exist_ok=True)
        inside = is_fixed(target)
        prefix, place = (PART, target) if inside else (f".{target.name}{PART}", target.parent)
        temporary = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
        allow(temporary, 0o755)
        try:
            yield temporary
            files = sorted(str(p.relative_to(temporary)) for p in temporary.rglob("*"))
            (temporary / LISTING).write_text(json.dumps(files))
            put_folder(temporary, target, marker)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def deleted_files(path: Path | str) -> list[str]:
    """What has gone from a folder since `atomic_directory` made it; nothing if it is not there."""
    path = Path(path)
    if not path.is_dir():
        return []
    try:
        files = json.loads((path / LISTING).read_text())
    except (OSError, ValueError):
        return [str(path / LISTING)]
    return [str(path / name) for name in files if not (path / name).exists()]


def _is_replaceable(path: Path, marker: str) -> bool:
    return path.is_dir() and ((path / marker).is_file() or not contents(path))


@contextmanager
def clear_errors(path: Path | str) -> Iterator[None]:
    """Turn what the system refuses (full disk, no permission) into one line."""
    try:
        yield
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error


def write_json(path: Path | str, value: Any) -> None:
    """Write `value` as indented JSON, atomically. NaN and infinity are refused."""
    with atomic_path(path) as temporary:
        text = json.dumps(value, indent=1, allow_nan=False) + "\n"
        temporary.write_text(text, encoding="utf-8")


def read_json(path: Path | str) -> Any:
    """Read a JSON file; a missing or damaged file is a UserError."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not a readable JSON file ({error})") from None


def read_yaml(path: Path | str) -> Any:
    """Read a YAML file with the safe loader; a missing or damaged file is a UserError."""
    try:
        return yaml.safe_load(Path(path).read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())  # PyYAML draws a picture over several lines
        raise UserError(f"{path}: not a readable YAML file ({reason})") from None
