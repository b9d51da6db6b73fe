"""The page as a record: report.json, filled from the same objects that the page is made from."""

from collections.abc import Iterable
from typing import Any

from ttvos.config.run import as_plain
from ttvos.core.provenance import public
from ttvos.measure.latency import doubts
from ttvos.plan.manifest import data_label
from ttvos.records.report import FORMAT, ReportRecord, scored
from ttvos.records.schema import Scores
from ttvos.report.answer import answer, findings, released, verdict_counts
from ttvos.report.figures import Drawing
from ttvos.report.join import ReportInput
from ttvos.report.measurements import kinds
from ttvos.report.notes import selection_cautions
from ttvos.report.origin import by_rule, read_jobs
from ttvos.report.published import Section
from ttvos.report.results import Entry, File, RowResults, Speed
from ttvos.report.table import Cell, Table


def as_record(
    report: ReportInput,
    tables: list[Table],
    kept: list[Section],
    drawings: Iterable[Drawing],
    results: list[File],
) -> ReportRecord:
    """All that the page of these tables, figures and result files says."""
    plain = {
        "format": FORMAT,
        "run": _run(report),
        "head": _head(report, tables, kept),
        "tables": [_table(table) for table in tables]
        + [_table(table) | {"kept": True} for section in kept for table in section.tables],
        "figures": [_figure(drawing) for drawing in drawings],
        "scores": [
            _scores(report, kind, entry, dataset)
            for kind, entry in kinds(report)
            for dataset in entry.evaluate
            if _counted(entry, dataset)
        ],
        "speeds": [
            _speed(kind, entry) for kind, entry in kinds(report) if entry.speed and _tells(entry)
        ],
        "rules": [
            {
                "rule": rule.rule,
                "jobs": rule.count,
                "seconds": rule.seconds,
                "longest": rule.longest,
                "memory": rule.memory,
            }
            for rule in by_rule(read_jobs(report))
        ],
        "files": {file.name: _file(file) for file in results},
        "provenance": public(dict(report.located.provenance)) or None,
    }
    return ReportRecord.model_validate(plain)


def _run(report: ReportInput) -> dict[str, Any]:
    manifest = report.manifest
    return {
        "name": manifest.profile,
        "title": manifest.title,
        "caution": manifest.caution,
        "data_label": data_label(manifest),
        "comparable": as_plain(manifest.comparable),
        "datasets": {name: public(as_plain(of)) for name, of in manifest.datasets.items()},
    }


def _head(report: ReportInput, tables: list[Table], kept: list[Section]) -> dict[str, Any]:
    return {
        "answer": answer(tables),
        "claims": [section.claims_sentence for section in kept if section.claims_sentence],
        "released": released(report),
        "cautions": list(selection_cautions(report, report.rows)),
        "findings": list(findings(tables)),
        "verdicts": [
            {"name": name, "counts": dict(counts)} for name, counts in verdict_counts(tables)
        ],
    }


def _table(table: Table) -> dict[str, Any]:
    columns = [
        {
            "key": column.key,
            "label": column.label,
            "kind": column.kind,
            "group": column.group,
            "digits": column.digits,
            "signed": column.signed,
        }
        for column in table.columns
    ]
    rows = [
        {c.key: _cell(row[c.key]) for c in table.columns if row.get(c.key, Cell()) != Cell()}
        for row in table.rows
    ]
    return {
        "name": table.name,
        "title": table.title,
        "caption": table.caption,
        "columns": columns,
        "rows": rows,
        "notes": list(table.notes),
        "sources": list(table.sources),
        "sections": table.sections,
    }


def _cell(cell: Cell) -> dict[str, Any]:
    found = {
        "value": cell.value,
        "spread": cell.spread,
        "interval": list(cell.interval) if cell.interval else None,
        "reason": cell.reason,
        "about": cell.about,
        "mark": cell.mark,
    }
    return {key: value for key, value in found.items() if value not in (None, "")}


def _figure(drawing: Drawing) -> dict[str, Any]:
    return {
        "name": drawing.name,
        "title": drawing.title,
        "caption": drawing.caption,
        "alt": drawing.alt,
        "finding": drawing.finding,
        "missing": drawing.missing,
        "sources": list(drawing.sources),
        "files": [f"{drawing.name}.{suffix}" for suffix in ("png", "pdf")],
    }


def _counted(entry: Entry, dataset: str) -> list[File[Scores]]:
    """Evaluations that say where they are from; the others' numbers stand nowhere on the page."""
    return [file for file in entry.evaluate[dataset] if file.provenance]


def _scores(report: ReportInput, kind: str, entry: Entry, dataset: str) -> dict[str, Any]:
    return {
        "entry": entry.name,
        "label": entry.label,
        "kind": kind,
        "dataset": dataset,
        "files": [
            scored(file.record, file.name)
            | {"seed": file.seed, "made_by": _made_by(entry, dataset, file.seed)}
            for file in _counted(entry, dataset)
        ],
    }


def _made_by(entry: Entry, dataset: str, seed: int | None) -> list[str]:
    """Files of the tracking and the training behind an evaluation."""
    if not isinstance(entry, RowResults):
        return []
    files = (*entry.predict.get(dataset, ()), *entry.train)
    return [file.name for file in files if file.seed == seed]


def _tells(entry: Entry) -> bool:
    return bool(entry.speed and entry.speed.provenance)


def _speed(kind: str, entry: Entry) -> dict[str, Any]:
    file, speed = entry.speed, entry.speed.record
    repeats = [1000 * len(clip) / sum(clip) for clip in speed.streaming.repeats if sum(clip)]
    return {
        "entry": entry.name,
        "label": entry.label,
        "kind": kind,
        "file": file.name,
        "fps": speed.streaming.fps,
        "repeats": repeats,
        "p50_ms": speed.streaming.p50_ms,
        "conditions": _conditions(file, speed),
        "doubts": doubts(speed) if speed.load else [],
    }


def _conditions(file: File, speed: Speed) -> dict[str, Any]:
    return {
        "device": file.device,
        "cpus": file.provenance.cpus,
        "threads": file.provenance.threads,
        "precision": speed.precision,
        "engine": speed.engine,
        "compiled": speed.compiled,
        "size": file.frame_size,
        "objects": speed.objects,
        "frames": speed.frames,
    }


def _file(file: File) -> dict[str, Any]:
    provenance = public(file.provenance.plain()) if file.provenance else None
    return {"kind": type(file.record).__name__, "seed": file.seed, "provenance": provenance}
