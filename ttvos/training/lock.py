"""One training at a time in a folder: a second one would spoil the first one's losses and state."""

import errno
import fcntl
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from ttvos.errors import UserError
from ttvos.files import clear_errors

NAME = ".training.lock"
_HELD = (errno.EACCES, errno.EAGAIN)


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
        (out / NAME).unlink(missing_ok=True)
        file.close()
        if is_new:
            with suppress(OSError):  # it holds something
                out.rmdir()


def _open_locked(out: Path) -> IO[str]:
    path = out / NAME
    while True:
        file = open(path, "a+")  # noqa: SIM115 (the lock lasts as long as it is open)
        try:
            # Of the process, unlike flock's: workers that outlive a killed training hold nothing.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _HELD:
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
