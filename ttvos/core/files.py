"""Reading JSON and YAML with clear errors; writing result files and folders whole or not at all.

A result is made beside its place and then renamed; where a rename is refused (on a mount point,
below a folder that cannot be written, on a container's layers, in a device) the place is filled.
"""

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import yaml

from ttvos.core.errors import UserError

LISTING = ".files.json"  # in every folder that is made whole: what belongs in it
PART = ".part."  # how the names of unfinished folders inside a target begin
SYSTEM = "lost+found"  # in the top folder of many a disk
REFUSED = (errno.EBUSY, errno.EXDEV, errno.EPERM)  # mounts, layers of images, sticky folders
# Safe either way; libyaml's, where PyYAML was built with it, is ten times as fast.
_YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


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
        return yaml.load(Path(path).read_text(encoding="utf-8-sig"), Loader=_YAML_LOADER)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())  # PyYAML draws a picture over several lines
        raise UserError(f"{path}: not a readable YAML file ({reason})") from None


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it replaces `path` only if the block succeeds.

    A device or a pipe is written into. The temporary name keeps the suffix, by which writers such
    as PIL choose the format.
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


def is_fixed(folder: Path) -> bool:
    """Whether a folder can be filled, but nothing put into its place: it is a mount point, what it
    lies in cannot be written, or somebody stands in it (the current folder)."""
    if not folder.is_dir():
        return False
    below_closed = not os.access(folder.parent, os.W_OK)
    return folder.is_mount() or below_closed or folder.samefile(os.curdir)


def contents(folder: Path) -> list[Path]:
    """What is in a folder, but what belongs to the disk, or was left by a killed run."""
    return [p for p in folder.iterdir() if p.name != SYSTEM and not p.name.startswith(PART)]


def allow(path: Path | str, mode: int) -> None:
    """Change the mode of a file; disks without modes (exFAT, SMB, S3) need none."""
    with suppress(OSError):
        os.chmod(path, mode)


def put_file(new: Path, target: Path) -> None:
    """Rename a file to `target`; write into `target` where that cannot be replaced."""
    if target.exists() and not (target.is_file() or target.is_dir()):  # /dev/stdout, a pipe
        _write_into(new, target)
        return
    try:
        os.replace(new, target)
    except OSError as error:
        if error.errno not in REFUSED or not target.is_file():
            raise
        _write_into(new, target)


def _write_into(new: Path, target: Path) -> None:
    with open(new, "rb") as source, open(target, "wb") as written:
        shutil.copyfileobj(source, written)


def put_folder(new: Path, target: Path, marker: str) -> None:
    """Rename a folder to `target`; an old `target` is deleted only when `new` stands there.

    A `target` that is fixed gets the new contents, the marker last, once the old are aside.
    """
    if not target.exists():
        os.replace(new, target)
        return
    if is_fixed(target):
        _swap_contents(new, target, marker)
        return
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.old.", dir=target.parent) as folder:
        aside = Path(folder) / target.name
        try:
            os.replace(target, aside)
        except OSError as error:
            if error.errno not in REFUSED:
                raise
            _swap_contents(new, target, marker)
            return
        try:
            os.replace(new, target)
        except OSError:
            os.replace(aside, target)
            raise


def _swap_contents(new: Path, target: Path, marker: str) -> None:
    with tempfile.TemporaryDirectory(prefix=PART, dir=target) as aside:
        old, added = contents(target), []
        try:
            for path in old:
                os.replace(path, Path(aside) / path.name)
            for path in sorted(contents(new), key=lambda path: path.name == marker):
                added.append(target / path.name)
                shutil.move(path, added[-1])
        except OSError:
            for path in added:
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            for path in Path(aside).iterdir():
                os.replace(path, target / path.name)
            raise
