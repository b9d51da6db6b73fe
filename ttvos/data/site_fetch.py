"""`ttvos data fetch davis-record`: what the DAVIS site printed, from its repository or by hand.

<root>/davis-record/            the record (`ttvos.data.site_record`); what is there is only checked
<root>/downloads/davis-record/  the same folder, fetched by hand: used for what is not there yet
"""

import shutil
from pathlib import Path

from ttvos.core.errors import UserError
from ttvos.core.files import atomic_path, clear_errors
from ttvos.core.text import counted
from ttvos.data.download import Patience, download
from ttvos.data.fetch import locked, record, recorded
from ttvos.data.places import place
from ttvos.data.published_masks import SITE_RECORD, YEARS
from ttvos.data.site_record import (
    ATTRIBUTES,
    read_attributes,
    read_printed,
    record_name,
    recorded_methods,
)
from ttvos.data.sources import SOURCES, Archive, Source


def fetch_record(source: Source, root: Path, patience: Patience | None = None) -> str:
    """Bring the record to `<root>/<source.folder>` and check it. Returns a line.

    Raises UserError for files that cannot be had, with what to do, and for one that is damaged.
    """
    target, failed = root / source.folder, []
    lacking = [archive for archive in SITE_RECORD if not (target / archive.name).exists()]
    with clear_errors(root), locked(root, source.name):
        _copy(_attributes(source, root), target / ATTRIBUTES)
        for archive in lacking:
            try:
                _bring(source, archive, root, target / archive.name, patience)
            except UserError as error:
                failed.append(str(error))
    if failed:
        raise UserError(
            f"{len(failed)} of {len(SITE_RECORD)} files failed; put them into "
            f"{root / 'downloads' / source.name}, as 2016/NAME_davis.json: {'; '.join(failed)}"
        )
    return check_record(source, root)


def check_record(source: Source, root: Path) -> str:
    """Read the whole record; UserError for what is missing or damaged. Returns a line."""
    folder = root / source.folder
    known = {year: recorded_methods(folder, year) for year in YEARS}
    found = {record_name(method, year) for year in YEARS for method in known[year]}
    if missing := [archive.name for archive in SITE_RECORD if archive.name not in found]:
        raise UserError(f"{folder}: lacks {', '.join(missing)}; ttvos data fetch {source.name}")
    for year in YEARS:
        for method in known[year]:
            read_printed(folder, year, method)
    counts = ", ".join(f"{counted(len(known[year]), 'method')} of {year}" for year in YEARS)
    attributes = read_attributes(folder)
    more = f"attributes of {len(attributes)} sequences" if attributes else f"no {ATTRIBUTES}"
    return f"{folder}: {source.title}: {counts}; {more} (licence: {source.licence})"


def _bring(
    source: Source, archive: Archive, root: Path, file: Path, patience: Patience | None
) -> None:
    by_hand = root / "downloads" / source.name / archive.name
    if by_hand.exists():
        return _copy(by_hand, file)
    key = f"{source.name}/{archive.name}"
    digest = download(archive.urls, file, recorded(root).get(key), patience)
    record(root, {key: f"sha256:{digest}"})


def _attributes(source: Source, root: Path) -> Path:
    """The list of attributes: fetched by hand, or that of DAVIS-2016's archive."""
    by_hand = root / "downloads" / source.name / ATTRIBUTES
    return (
        by_hand
        if by_hand.exists()
        else place(SOURCES["davis2016"], root) / "Annotations" / ATTRIBUTES
    )


def _copy(file: Path, target: Path) -> None:
    """Copy a file that is there to where there is none."""
    if file.exists() and not target.exists():
        with atomic_path(target) as temporary:
            shutil.copyfile(file, temporary)
