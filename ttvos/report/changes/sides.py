"""Reading what is compared: a folder of a report, its report.json, or a file of scores."""

from dataclasses import dataclass
from pathlib import Path

from ttvos.core.errors import UserError
from ttvos.core.files import read_json
from ttvos.core.provenance import public
from ttvos.records.comparison import Side
from ttvos.records.report import (
    FORMAT,
    NAME,
    EntryScores,
    EntrySpeed,
    FileRecord,
    ReportRecord,
    TableRecord,
    scored,
)
from ttvos.records.schema import Scores
from ttvos.records.store import parse

MASKS = "masks"  # how the one entry of a file of scores is called


@dataclass(frozen=True)
class Compared:
    """One side, as far as it is compared. files: by name, with their provenance."""

    side: Side
    scores: tuple[EntryScores, ...]
    files: dict[str, FileRecord]
    speeds: tuple[EntrySpeed, ...] = ()
    tables: tuple[TableRecord, ...] = ()


def read_side(path: Path | str) -> Compared:
    """Read a folder with report.json, that file, or a file that `ttvos evaluate --out` wrote.

    Raises UserError, in one line, for what is missing, damaged, or something else.
    """
    path = Path(path)
    if path.is_dir():
        path = _in_folder(path)
    values = read_json(path)
    if isinstance(values, dict) and "format" in values and "tables" in values:
        return _of_report(path, parse(values, ReportRecord, str(path)))
    if isinstance(values, dict) and "global" in values and "objects" in values:
        return _of_scores(path, parse(values, Scores, str(path)))
    raise UserError(f"{path}: neither a report.json nor scores that `ttvos evaluate --out` wrote")


def _in_folder(folder: Path) -> Path:
    if (folder / NAME).is_file():
        return folder / NAME
    if (folder / "index.html").is_file():
        raise UserError(
            f"{folder}: has no {NAME}, so it was rendered before there was one; render it again: "
            f"ttvos report --manifest MANIFEST --out {folder}"
        )
    raise UserError(f"{folder}: no report in it (no {NAME}); name the folder of a report")


def _of_report(path: Path, report: ReportRecord) -> Compared:
    if report.format != FORMAT:
        raise UserError(
            f"{path}: of format {report.format}, and this version reads {FORMAT}; render it again"
        )
    origin = report.provenance
    side = {"path": str(path), "title": f"{report.run.name}: {report.run.title}"}
    if origin:
        side |= {"commit": origin.commit, "time": origin.time}
    return Compared(
        Side.model_validate(side),
        tuple(report.scores),
        report.files,
        tuple(report.speeds),
        tuple(report.tables),
    )


def _of_scores(path: Path, scores: Scores) -> Compared:
    """A file of scores as a side with one entry on one dataset; both sides call them the same."""
    if scores.origin is None:
        raise UserError(f"{path}: does not say where its numbers come from; evaluate again")
    origin = scores.origin
    names = sorted({name.rpartition("_")[0] for name in scores.objects})
    if not names:
        raise UserError(f"{path}: has no scores of objects; evaluate again")
    file = scored(scores, str(path)) | {"seed": None}
    entry = {"entry": MASKS, "label": MASKS, "kind": MASKS, "dataset": "scores", "files": [file]}
    record = {"kind": "Scores", "provenance": public(origin.plain())}
    title = f"masks in {origin.masks}" if origin.masks else "scores"
    side = {"path": str(path), "title": title, "commit": origin.commit, "time": origin.time}
    return Compared(
        Side.model_validate(side),
        (EntryScores.model_validate(entry),),
        {str(path): FileRecord.model_validate(record)},
    )
