"""Unpacking archives that are not trusted: nothing lands outside the folder named, no links."""

import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath
from typing import IO

from tqdm import tqdm

from ttvos.core.errors import UserError
from ttvos.core.files import clear_errors

BLOCK = 1 << 20
MAX_BYTES = 64 * 10**9  # YouTube-VOS with all frames, the largest set, stays below
MAX_FILES = 1_000_000
_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,  # a compression that zipfile does not know
    RuntimeError,  # an encrypted zip
)
# What file managers add to archives.
_JUNK = {"__MACOSX", ".DS_Store", "Thumbs.db"}


@dataclass(frozen=True)
class _Member:
    """One entry. kind: "file", "folder", or what else it is; size: bytes as declared."""

    name: str
    kind: str
    size: int
    open: Callable[[], IO[bytes] | None]


def extract(
    archive: Path,
    folder: Path,
    max_bytes: int = MAX_BYTES,
    max_files: int = MAX_FILES,
    inside: str = "",
) -> None:
    """Unpack a zip or tar file (plain, gz, bz2, xz) into `folder`, which is made if need be.

    inside: take only what lies in this folder of the archive, which may itself lie in others.
    A failure may leave some files: unpack into a temporary folder and rename it.
    Raises UserError for a file that is no archive or damaged, for an entry with an absolute
    path, one that leads out of `folder`, a link or device, two entries of one name, and for
    more than max_bytes or max_files in all.
    """
    with _clear_errors(archive), clear_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        total = files = 0
        members = tqdm(_members(archive), desc=archive.name, unit="file", disable=None)
        for member in members:
            path = _inside(archive, folder, member)
            if path is None or (inside and f"/{inside}/" not in f"/{member.name}"):
                continue
            total, files = total + member.size, files + 1
            if total > max_bytes or files > max_files:
                raise UserError(
                    f"{archive}: unpacks to more than {max_bytes} bytes or {max_files} files, "
                    "so it is not what it should be; nothing was kept"
                )
            if member.kind == "folder":
                path.mkdir(parents=True, exist_ok=True)
            else:
                _write(archive, member, path)


def unpacked_size(archive: Path) -> int | None:
    """Bytes that a zip file says it unpacks to; None for other files, which do not say."""
    if not zipfile.is_zipfile(archive):
        return None
    with _clear_errors(archive), zipfile.ZipFile(archive) as file:
        return sum(info.file_size for info in file.infolist())


def newest_date(archive: Path) -> str | None:
    """The day of the last change in a zip file, e.g. "2019-08-07"; None for other archives."""
    if not zipfile.is_zipfile(archive):
        return None
    with _clear_errors(archive), zipfile.ZipFile(archive) as file:
        dates = (info.date_time for info in file.infolist())
        return "{:04}-{:02}-{:02}".format(*max(dates))


def _members(archive: Path) -> Iterator[_Member]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as file:
            for info in file.infolist():
                opener = lambda info=info: file.open(info)  # noqa: E731
                yield _Member(info.filename, _zip_kind(info), info.file_size, opener)
    elif tarfile.is_tarfile(archive):
        with tarfile.open(archive) as file:
            for entry in file:
                kind = "file" if entry.isreg() else "folder" if entry.isdir() else "link or device"
                opener = lambda entry=entry: file.extractfile(entry)  # noqa: E731
                yield _Member(entry.name, kind, entry.size, opener)
    else:
        raise UserError(
            f"{archive}: neither a zip nor a tar file (a web page, perhaps); delete it and fetch "
            "it again"
        )


def _zip_kind(info: zipfile.ZipInfo) -> str:
    if info.is_dir():
        return "folder"
    kind = stat.S_IFMT(info.external_attr >> 16)
    return "file" if kind in (0, stat.S_IFREG) else "link or device"


def _inside(archive: Path, folder: Path, member: _Member) -> Path | None:
    """Where an entry goes; None for the folder itself and for junk."""
    windows = PureWindowsPath(member.name)  # splits at both slashes and sees drives
    unsafe = windows.drive or windows.root or ".." in windows.parts or "\0" in member.name
    if unsafe or member.kind not in ("file", "folder"):
        what = "leads out of its folder" if unsafe else f"is a {member.kind}"
        raise UserError(f"{archive}: the entry {member.name!r} {what}; not unpacked")
    if not windows.parts or _JUNK & set(windows.parts):
        return None
    return folder.joinpath(*windows.parts)


def _write(archive: Path, member: _Member, path: Path) -> None:
    """Write one file; zipfile and tarfile never give more bytes than an entry declares."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with member.open() as source, path.open("xb") as target:
            shutil.copyfileobj(source, target, BLOCK)
    except FileExistsError:
        raise UserError(f"{archive}: has two entries {member.name!r}; not unpacked") from None


@contextmanager
def _clear_errors(archive: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise UserError(
            f"{archive}: damaged or not readable ({error}); delete it and fetch it again"
        ) from None
