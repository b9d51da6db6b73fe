"""The newest report in a folder that all runs of a checkout share, beside what others keep there.

A run's report is its own, in its results. The shared folder gets a copy, whose page lists the other
runs' reports. Files there that no report wrote stay as they are.
"""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from ttvos.core.errors import UserError
from ttvos.core.files import LISTING, atomic_path, clear_errors, read_json
from ttvos.records.report import NAME
from ttvos.report.page import environment

PAGE, FOLDER = "index.html", "report"
PLACE = "<!-- other runs -->"  # in the page's template: where the list of the other runs goes

TITLE = "<title>TTVOS report:"  # by which a report's page is known


@dataclass(frozen=True)
class OtherRun:
    """Another run's report. link: from the shared folder to its page; title: as it calls itself."""

    title: str
    link: str
    time: str = ""


def show(report: Path | str, shared: Path | str) -> None:
    """Copy a whole report into the shared folder, in place of the one before.

    Raises UserError, before anything is written, where a file that no report wrote has the name of
    one of the report's.
    """
    report, shared = Path(report), Path(shared)
    if not (report / PAGE).is_file():
        raise UserError(f"{report}: no report in it (no {PAGE}); render it with --manifest FILE")
    new = sorted(_files(report))
    old = _listed(shared, new)
    foreign = [name for name in new if (shared / name).exists() and name not in old]
    if foreign:
        raise UserError(
            f"{shared / foreign[0]}: is there and no report wrote it; move it elsewhere, or name "
            "another folder"
        )
    with clear_errors(shared):
        shared.mkdir(parents=True, exist_ok=True)
        for name in [name for name in new if name != PAGE]:
            with atomic_path(shared / name) as temporary:
                shutil.copyfile(report / name, temporary)
        _write_page(report, shared)
        _delete(shared, old - set(new))
        with atomic_path(shared / LISTING) as temporary:
            temporary.write_text(json.dumps(new))


def _files(report: Path) -> list[str]:
    files = [path for path in report.rglob("*") if path.is_file() and path.name != LISTING]
    return [str(path.relative_to(report)) for path in files if path.name != ".snakemake_timestamp"]


def _listed(shared: Path, new: list[str]) -> set[str]:
    """What the report before has in the folder; without its listing, what its files are called."""
    if (shared / LISTING).is_file():
        return set(read_json(shared / LISTING))
    page = shared / PAGE
    is_ours = page.is_file() and TITLE in page.read_text(encoding="utf-8", errors="replace")
    return set(new) if is_ours else set()


def _delete(shared: Path, names: set[str]) -> None:
    """Files of the report before, and the folders that are empty without them."""
    for name in sorted(names, reverse=True):  # what lies in a folder before the folder
        path = shared / name
        if path.is_dir() and not path.is_symlink():
            if not any(path.iterdir()):
                path.rmdir()
        else:
            path.unlink(missing_ok=True)


def _write_page(report: Path, shared: Path) -> None:
    runs = other_runs(report, shared)
    told = environment().get_template("runs.html.j2").render(runs=runs) if runs else ""
    text = (report / PAGE).read_text(encoding="utf-8").replace(PLACE, told)
    with atomic_path(shared / PAGE) as temporary:
        temporary.write_text(text, encoding="utf-8")


def other_runs(report: Path, shared: Path) -> list[OtherRun]:
    """Reports of other runs, the newest first: in the results beside this run's, and in `results`
    beside the shared folder."""
    places = {report.resolve().parents[1], shared.resolve().parent / "results"}
    pages = {page for place in places for page in place.glob(f"*/{FOLDER}/{PAGE}")}
    others = [page for page in sorted(pages) if page.parent != report.resolve()]
    runs = [_other_run(page, shared) for page in others]
    return sorted(runs, key=lambda run: run.time, reverse=True)


def _other_run(page: Path, shared: Path) -> OtherRun:
    link = Path(os.path.relpath(page, shared.resolve())).as_posix()
    try:
        values = read_json(page.with_name(NAME))
        title = f"{values['run']['name']}: {values['run']['title']}"
        return OtherRun(title, link, str((values.get("provenance") or {}).get("time") or ""))
    except (UserError, KeyError, TypeError, AttributeError):  # of another version
        return OtherRun(page.parents[1].name, link)
