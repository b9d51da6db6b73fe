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

LISTING = ".files.json"  # in every folder that is made whole: what belongs in it


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it replaces `path` only if the block succeeds.

    The temporary name keeps the suffix, because writers such as PIL choose the format by it.
    """
    path = Path(path)
    with clear_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            prefix=f".{path.stem}.", suffix=f".part{path.suffix}", dir=path.parent
        )
        os.close(handle)
        os.chmod(name, 0o644)
        temporary = Path(name)
        try:
            yield temporary
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_directory(path: Path | str, marker: str) -> Iterator[Path]:
    """Yield a temporary directory beside `path`; it takes the place of `path` on success.

    An existing `path` is replaced as a whole, so no file of an earlier run survives in it.
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
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.part.", dir=target.parent))
        os.chmod(temporary, 0o755)
        try:
            yield temporary
            files = sorted(str(p.relative_to(temporary)) for p in temporary.rglob("*"))
            (temporary / LISTING).write_text(json.dumps(files))
            _put_in_place(temporary, target)
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
    return path.is_dir() and ((path / marker).is_file() or not any(path.iterdir()))


def _put_in_place(new: Path, target: Path) -> None:
    """Rename `new` to `target`; an old `target` is deleted only when `new` stands there."""
    if not target.exists():
        os.replace(new, target)
        return
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.old.", dir=target.parent) as folder:
        aside = Path(folder) / target.name
        os.replace(target, aside)
        try:
            os.replace(new, target)
        except OSError:
            os.replace(aside, target)
            raise


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
        temporary.write_text(json.dumps(value, indent=1, allow_nan=False) + "\n")


def read_json(path: Path | str) -> Any:
    """Read a JSON file; a missing or damaged file is a UserError."""
    try:
        return json.loads(Path(path).read_text())
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not a readable JSON file ({error})") from None


def read_yaml(path: Path | str) -> Any:
    """Read a YAML file with the safe loader; a missing or damaged file is a UserError."""
    try:
        return yaml.safe_load(Path(path).read_text())
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())  # PyYAML draws a picture over several lines
        raise UserError(f"{path}: not a readable YAML file ({reason})") from None
