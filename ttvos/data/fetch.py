"""`ttvos data fetch`: a data set from the address to a checked folder, or weights.

<root>/downloads/<name>/   archives, while they are needed; put one there by hand and it is used
<root>/.ttvos/             checksums.json (recorded on first use), locks, folders being unpacked
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ttvos.core.errors import UserError
from ttvos.core.files import clear_errors, read_json, write_json
from ttvos.data.check import Report, check_set
from ttvos.data.download import (
    Patience,
    WrongBytesError,
    check_space,
    download,
    file_digest,
    matches,
)
from ttvos.data.extract import extract, unpacked_size
from ttvos.data.recognise import Found, count, find_sets
from ttvos.data.sources import Archive, Source


def fetch_set(source: Source, root: Path, patience: Patience | None = None) -> Report:
    """Bring a data set to `<root>/<source.folder>` and check it.

    A set that is there already, anywhere below `root` and in any layout of
    `ttvos.data.recognise`, is only checked. Raises UserError when it must be fetched by hand (and
    says how), cannot be fetched, is not what it should be, or when the folder is taken.
    """
    target = root / source.folder
    there = best_match(source, root)
    if there and (there.folder == target or is_whole(source, there)):
        return check_set(there, source.contents)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise UserError(f"{target}: is there but holds no {source.title}; move it away")
    gated = [a for a in source.archives if not a.urls and not _file(source, a, root).exists()]
    if gated or not source.archives:
        raise UserError(manual(source, root))
    with clear_errors(root), locked(root, source.name):
        _unpack(source, root, _archives(source, root, patience), target)
    return check_set(Found(source.kind, target), source.contents)


def best_match(source: Source, root: Path) -> Found | None:
    """The set of the source's layout below `root` that holds most, or None."""
    found = [found for found in find_sets(root) if found.kind == source.kind]
    return max(found, key=_amount, default=None)


def manual(source: Source, root: Path) -> str:
    """What to fetch by hand, and where to put it."""
    text = source.manual.format(
        page=source.page, root=root, name=source.name, folder=root / source.folder
    )
    return f"{source.name}: {text}"


def _amount(found: Found) -> int:
    try:
        return sum(count(found).values())
    except UserError:  # an unreadable list; the check will say so
        return 0


def is_whole(source: Source, found: Found) -> bool:
    """Whether it lists as much as the published set; a part of that may lie beside it."""
    try:
        holds = count(found)
    except UserError:
        return False
    return all(holds.get(what, 0) >= number for what, number in source.contents.items())


def _file(source: Source, archive: Archive, root: Path) -> Path:
    return root / "downloads" / source.name / archive.name


def _archives(source: Source, root: Path, patience: Patience | None) -> dict[Path, bool]:
    """The archives' files, each verified, and whether it was downloaded now."""
    files = {}
    for archive in source.archives:
        file = _file(source, archive, root)
        expected = archive.checksum or recorded(root).get(f"{source.name}/{archive.name}")
        try:
            files[file] = not file.exists()
            if file.exists():
                _verify(file, expected)
            else:
                _download(source, archive, file, root, expected, patience)
        except WrongBytesError as error:
            if archive.checksum:
                raise
            raise WrongBytesError(
                f"{error}; the checksum was recorded at the first fetch: if the publisher has "
                f"replaced the file, delete its line in {records_file(root)}"
            ) from None
    return files


def _download(
    source: Source,
    archive: Archive,
    file: Path,
    root: Path,
    expected: str | None,
    patience: Patience | None,
) -> None:
    check_space(root, archive.size + source.unpacked, source.title)
    download(archive.urls, file, expected, patience)


def _verify(file: Path, expected: str | None) -> None:
    if expected and not matches(file, expected):
        raise WrongBytesError(f"{file}: wrong bytes (expected {expected}); delete it, fetch again")


def _unpack(source: Source, root: Path, archives: dict[Path, bool], target: Path) -> None:
    """Unpack beside the target, look for the data set in it, and only then rename it there."""
    temporary = root / ".ttvos" / "unpack" / source.name
    shutil.rmtree(temporary, ignore_errors=True)  # what a killed run left
    try:
        check_space(root, sum(unpacked_size(file) or 0 for file in archives), "unpacking")
        for file in archives:
            extract(file, temporary)
        found = best_match(source, temporary)
        if found is None:
            names = ", ".join(str(file) for file in archives)
            raise UserError(f"{names}: holds no {source.title}; delete it and fetch it again")
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            target.rmdir()  # empty, as fetch_set made sure
        os.replace(found.folder, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    record(root, {f"{source.name}/{f.name}": f"sha256:{file_digest(f)}" for f in archives})
    for file, downloaded in archives.items():
        if downloaded:
            file.unlink()


def recorded(root: Path) -> dict[str, str]:
    """Checksums of archives fetched to `root` earlier: "<source>/<file>" -> "sha256:<hex>"."""
    if not records_file(root).exists():
        return {}
    sums = read_json(records_file(root))
    if not isinstance(sums, dict) or not all(isinstance(value, str) for value in sums.values()):
        raise UserError(f"{records_file(root)}: damaged; delete it to record checksums anew")
    return sums


def record(root: Path, sums: dict[str, str]) -> None:
    """Add checksums, in the form of `recorded`."""
    with locked(root, "checksums"):
        write_json(records_file(root), recorded(root) | sums)


def records_file(root: Path) -> Path:
    """Where `record` writes."""
    return root / ".ttvos" / "checksums.json"


@contextmanager
def locked(root: Path, name: str) -> Iterator[None]:
    """Let one process at a time fetch a set; the lock goes with the process, however it ends."""
    path = root / ".ttvos" / f"{name}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if name == "checksums" else fcntl.LOCK_NB))
        except BlockingIOError:
            raise UserError(f"{root}: {name} is being fetched there by another process") from None
        yield
