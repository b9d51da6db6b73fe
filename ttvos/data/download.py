"""Downloading one file whole: mirrors, retries, going on after a break, checksums.

urllib instead of pooch: pooch 1.9 starts anew after every break, throws away what it had, knows
no mirrors and cannot record a checksum on first use; hashing and a progress bar are all it
would save.
"""

import errno
import hashlib
import json
import shutil
import socket
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from tqdm import tqdm

from ttvos.core.errors import UserError
from ttvos.core.files import clear_errors, write_json

BLOCK = 1 << 20
SPARE = 64 * 10**6  # bytes to leave free on the disk
AGENT = "ttvos-data-fetch"


@dataclass(frozen=True)
class Patience:
    """timeout: seconds without a byte that count as a stall. attempts: tries of each address.
    wait: seconds before the second try, twice as long before each further one."""

    timeout: float = 30.0
    attempts: int = 4
    wait: float = 1.0


class WrongBytesError(UserError):
    """What came is whole, but not of the checksum expected."""


class _FailedError(Exception):
    """One try failed; `again` says whether the same address may do better next time."""

    def __init__(self, reason: str, again: bool, wrong_bytes: bool = False) -> None:
        super().__init__(reason)
        self.again = again
        self.wrong_bytes = wrong_bytes


def download(
    urls: tuple[str, ...],
    target: Path,
    checksum: str | None = None,
    patience: Patience | None = None,
) -> str:
    """Bring the first of `urls` that works to the file `target`; returns its SHA-256 (hex).

    checksum: "<algorithm>:<hex>" that the file must have; a file already at `target` that has it
    is not fetched again. What has come so far is kept in a hidden file beside `target`, and a
    later call goes on from there where the server can (HTTP Range, same ETag or date).
    Raises UserError, in one line, when no address works (each one's reason), when the disk is
    full or too small, and when the bytes are not those of `checksum`.
    """
    patience = patience or Patience()
    part = target.with_name(f".{target.name}.part")
    with clear_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    reasons, wrong = [], False
    for url in urls:
        try:
            _fetch_patiently(url, part, patience)
            digest = _verified(part, checksum)
        except _FailedError as failed:
            reasons.append(f"{url}: {failed}")
            wrong = wrong or failed.wrong_bytes
            continue
        with clear_errors(target):
            part.replace(target)
            _note(part).unlink(missing_ok=True)
        return digest
    error = WrongBytesError if wrong else UserError
    raise error(f"{target.name} could not be fetched: {'; '.join(reasons)}")


def file_digest(path: Path, algorithm: str = "sha256") -> str:
    """Checksum of a file as hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def matches(path: Path, checksum: str) -> bool:
    """Whether the file has the checksum "<algorithm>:<hex>"."""
    algorithm, _, digest = checksum.partition(":")
    return file_digest(path, algorithm) == digest


def check_space(folder: Path, needed: int, what: str) -> None:
    """UserError unless the disk of `folder`, which exists, has `needed` bytes and some to spare."""
    free = shutil.disk_usage(folder).free
    if free < needed + SPARE:
        raise UserError(
            f"{folder}: {what} needs {(needed + SPARE) / 1e9:.2f} GB, the disk has "
            f"{free / 1e9:.2f} GB free; make room or name another --root"
        )


def _verified(part: Path, checksum: str | None) -> str:
    if checksum and not matches(part, checksum):
        found = file_digest(part, checksum.partition(":")[0])
        _forget(part)
        text = f"wrong bytes (checksum {found}, expected {checksum})"
        raise _FailedError(text, again=False, wrong_bytes=True)
    return file_digest(part)


def _fetch_patiently(url: str, part: Path, patience: Patience) -> None:
    """Fill `part` from one address; tries that brought bytes do not count as failed ones."""
    left, wait = patience.attempts, patience.wait / 2
    while True:
        before = _size(part)
        try:
            return _fetch_once(url, part, patience.timeout)
        except _FailedError as failed:
            progress = _size(part) > before
            left = patience.attempts - 1 if progress else left - 1
            if not failed.again or left <= 0:
                raise
        wait = patience.wait if progress else min(2 * wait, 60)
        time.sleep(wait)


def _fetch_once(url: str, part: Path, timeout: float) -> None:
    """One request: all of the file, or what is missing in `part`."""
    try:
        with _open(url, part, timeout) as response:
            start, total = _extent(response, part)
            if start == 0:  # before the note: it must never stand beside another version's bytes
                part.unlink(missing_ok=True)
            _write_note(part, url, response)
            check_space(part.parent, max((total or 0) - start, 0), f"downloading {url}")
            _receive(response, part, start, total)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # what we have is not a beginning of what the server has
            _forget(part)
        again = error.code >= 500 or error.code in (408, 416, 429)
        raise _FailedError(f"HTTP {error.code} {error.reason}", again) from None
    except (TimeoutError, HTTPException, OSError, ValueError) as error:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise UserError(
                f"{part.parent}: the disk is full; make room and run this again, it goes on"
            ) from None
        raise _FailedError(_reason(error, timeout), again=True) from None


def _open(url: str, part: Path, timeout: float) -> HTTPResponse:
    headers = {"User-Agent": AGENT}
    have, validator = _size(part), _read_note(part, url)
    if have and validator:
        headers |= {"Range": f"bytes={have}-", "If-Range": validator}
    return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout)


def _extent(response: HTTPResponse, part: Path) -> tuple[int, int | None]:
    """Byte at which the answer starts, and the whole file's size where the server says it."""
    length = response.headers.get("Content-Length")
    if response.status != 206:
        return 0, int(length) if length else None
    span, _, total = response.headers.get("Content-Range", "").removeprefix("bytes ").partition("/")
    start = int(span.partition("-")[0])
    if start != _size(part):
        _forget(part)
        raise _FailedError("the server sent another part than asked for", again=True)
    return start, int(total) if total.isdecimal() else None


def _receive(response: HTTPResponse, part: Path, start: int, total: int | None) -> None:
    have = start
    name = part.name.removeprefix(".").removesuffix(".part")
    with (
        part.open("ab" if start else "wb") as file,
        tqdm(total=total, initial=start, desc=name, unit="B", unit_scale=True, disable=None) as bar,
    ):
        while block := response.read1(BLOCK):
            file.write(block)
            have += len(block)
            bar.update(len(block))
    if total is not None and have != total:
        raise _FailedError(f"broke off after {have} of {total} bytes", again=True)


def _reason(error: Exception, timeout: float) -> str:
    cause = getattr(error, "reason", error)
    if isinstance(cause, TimeoutError):
        return f"stalled: no byte for {timeout:g} s"
    if isinstance(cause, socket.gaierror):
        return "no such host, or no network"
    text = str(getattr(cause, "strerror", None) or cause) or type(error).__name__
    return f"connection failed ({text})"


def _note(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _write_note(part: Path, url: str, response: HTTPResponse) -> None:
    """Remember which version of the file is coming: only of the same one may a later try go on."""
    etag = response.headers.get("ETag", "")
    strong = etag if etag and not etag.startswith("W/") else None
    write_json(
        _note(part), {"url": url, "version": strong or response.headers.get("Last-Modified")}
    )


def _read_note(part: Path, url: str) -> str | None:
    try:
        note = json.loads(_note(part).read_text())
        return note["version"] if note["url"] == url else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _note(part).unlink(missing_ok=True)


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0
