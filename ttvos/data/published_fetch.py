"""`ttvos data fetch published-masks`: result masks from their archives to checked folders.

<root>/published-masks/<method>/<year>/<sequence>/<frame>.png, and origin.json beside the sequences;
<root>/downloads/published-masks/<year>/<archive>: put one there by hand and it is used.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from ttvos.core.errors import UserError
from ttvos.core.files import clear_errors, read_json, write_json
from ttvos.core.provenance import provenance
from ttvos.data.check import Report
from ttvos.data.download import Patience, WrongBytesError, check_space, download, file_digest
from ttvos.data.extract import extract, newest_date, unpacked_size
from ttvos.data.fetch import locked, record, recorded, records_file
from ttvos.data.mask_folders import mask_files, masks_folder
from ttvos.data.published_check import check_masks
from ttvos.data.published_masks import FOLDER, MaskArchive, MaskSet
from ttvos.data.sources import MB

MAX_BYTES, MAX_FILES = 1000 * MB, 50_000  # an archive of masks that unpacks to more is none
UNPACKED = 60 * MB  # roughly, for the check of free space


def fetch_masks(
    masks: MaskSet, root: Path, patience: Patience | None = None
) -> tuple[Report | None, str]:
    """Bring one method's masks to `masks.folder(root)` and check them; what is there is only
    checked. Returns the report, None if there is nothing to report on, and in one line what
    went wrong, "" if nothing did.
    """
    try:
        if not masks.folder(root).exists():
            with clear_errors(root), locked(root, f"{FOLDER}-{masks.method}-{masks.year}"):
                _bring(masks, root, patience)
    except UserError as error:
        return None, f"{masks.name}: {error}"
    report = check_masks(masks, root)
    if report.complete:
        return report, ""
    return report, (
        f"{masks.name}: not complete, as listed; remove {report.found.folder} to fetch it anew, or "
        "leave the method out"
    )


def write_record(path: Path | str, chosen: Sequence[MaskSet], failed: dict[str, str]) -> None:
    """What came and what did not: brought [names], not_fetched {name: reason}, provenance.

    failed: the reasons of `fetch_masks`, by the masks' names.
    """
    brought = [masks.name for masks in chosen if masks.name not in failed]
    write_json(path, {"brought": brought, "not_fetched": failed, "provenance": provenance()})


def not_fetched(path: Path | str) -> str:
    """Why there are no masks, "" if there are; of a file that `write_record` wrote."""
    record = read_json(path)
    reasons = record.get("not_fetched") if isinstance(record, dict) else None
    if not isinstance(reasons, dict):
        raise UserError(f"{path}: not a file of ttvos data fetch --record; fetch again")
    return "; ".join(map(str, reasons.values()))


def _bring(masks: MaskSet, root: Path, patience: Patience | None) -> None:
    """Try the archives and their addresses in turn; what came may not be what it should be."""
    folder = root / "downloads" / FOLDER / str(masks.year)
    files = [(archive, folder / archive.archive.name) for archive in masks.archives]
    for archive, file in files:
        if file.exists():
            _unpack(masks, archive, root, file, str(file))
            return
    reasons = []
    for archive, file in files:
        for url in archive.archive.urls:
            try:
                _download(masks, archive, root, file, url, patience)
                return
            except UserError as error:
                reasons.append(str(error).removeprefix(f"{file.name} could not be fetched: "))
    raise UserError("; ".join(reasons))


def _download(
    masks: MaskSet,
    archive: MaskArchive,
    root: Path,
    file: Path,
    url: str,
    patience: Patience | None,
) -> None:
    """Take the masks from one address. An archive that is not kept goes again, good or bad."""
    check_space(root, archive.archive.size + UNPACKED, masks.name)
    key = _key(masks, file)
    try:
        download((url,), file, recorded(root).get(key), patience)
        _unpack(masks, archive, root, file, url)
    except WrongBytesError as error:
        raise WrongBytesError(
            f"{error}; that of the first fetch, recorded in {records_file(root)}"
        ) from None
    finally:
        file.unlink(missing_ok=True)


def _unpack(masks: MaskSet, archive: MaskArchive, root: Path, file: Path, origin: str) -> None:
    """Unpack aside, take the sequences' masks and nothing else, and put them in place at once."""
    aside = root / ".ttvos" / "unpack" / f"{FOLDER}-{masks.method}-{masks.year}"
    shutil.rmtree(aside, ignore_errors=True)  # what a killed run left
    try:
        check_space(root, unpacked_size(file) or 0, "unpacking")
        extract(file, aside / "all", MAX_BYTES, MAX_FILES, archive.inside)
        found = masks_folder(aside / "all", masks.sequences)
        if found is None:
            raise UserError(f"{origin}: no masks of DAVIS {masks.year} val in it")
        _take(masks, found, aside / "masks")
        digest = f"sha256:{file_digest(file)}"
        facts = {"from": origin, "archive": file.name, "dated": newest_date(file)}
        _write_origin(masks, aside / "masks", facts | {"checksum": digest})
        target = masks.folder(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(aside / "masks", target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    record(root, {_key(masks, file): digest})


def _take(masks: MaskSet, found: Path, target: Path) -> None:
    for name in masks.sequences:
        files = mask_files(found / name)
        for file in files:
            (target / name).mkdir(parents=True, exist_ok=True)
            os.replace(file, target / name / file.name)


def _write_origin(masks: MaskSet, folder: Path, archive: dict[str, str | None]) -> None:
    """What the evaluation says about the masks that it scores: `masks_origin` of its record."""
    facts = {"method": masks.label, "year": masks.year, **archive}
    write_json(folder / "origin.json", {**facts, "provenance": provenance()})


def _key(masks: MaskSet, file: Path) -> str:
    return f"{FOLDER}/{masks.method}/{masks.year}/{file.name}"
