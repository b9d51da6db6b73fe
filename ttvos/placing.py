"""Putting a finished file or folder into its place, also where a rename is refused: on a mount
point, below a folder that cannot be written, on a container's layers, in a device."""

import errno
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

PART = ".part."  # how the names of unfinished folders inside a target begin
SYSTEM = "lost+found"  # in the top folder of many a disk
REFUSED = (errno.EBUSY, errno.EXDEV, errno.EPERM)  # mounts, layers of images, sticky folders


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
