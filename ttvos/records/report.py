"""report.json: all that a report's page says, for programs. `ttvos compare` pairs two of them.

Scores are in points, 0 to 100, as on the page; result files hold fractions. A key of a cell or an
object that would say nothing is left out.
"""

from typing import Any

from pydantic import Field, TypeAdapter

from ttvos.records.schema import Origin, Record, Result, Scores

FORMAT = 1  # of the file; a program that reads it may refuse another
NAME = "report.json"


class CellRecord(Record):
    """One cell of a table (`ttvos.report.table.Cell`, without its link)."""

    value: str | float | None = None
    spread: float | None = None
    interval: list[float] | None = None
    reason: str = ""
    about: str = ""
    mark: str = ""


class ColumnRecord(Record):
    """One column of a table (`ttvos.report.table.Column`)."""

    key: str
    label: str
    kind: str
    group: str = ""
    digits: int = 1
    signed: bool = False


class TableRecord(Record):
    """One table. kept: of results that the repository keeps, none of them of this run.

    rows: column's key -> cell; a column without a cell is empty there. sources: result files.
    sections: key of the column whose values head groups of rows; "" for none.
    """

    name: str
    title: str
    caption: str
    columns: list[ColumnRecord]
    rows: list[dict[str, CellRecord]]
    notes: list[str] = Field([])
    sources: list[str] = Field([])
    sections: str = ""
    kept: bool = False


class ScoredObject(Record):
    """Means of J and F in points; of its frames their number, and the lowest J with its place.

    lowest_frame: counted from the first scored one. The last three are left out where the result
    file has no frames; that file has J and F of each.
    """

    j: float
    f: float
    frames: int | None = None
    lowest_j: float | None = None
    lowest_frame: int | None = None


class ScoredFile(Record):
    """One evaluation. file: the result file; made_by: those of the tracking and the training.

    jf, j, f: means over all objects. sequences: name -> object's id -> scores.
    """

    file: str
    seed: int | None = None
    made_by: list[str] = Field([])
    jf: float
    j: float
    f: float
    sequences: dict[str, dict[str, ScoredObject]]


class EntryScores(Record):
    """All evaluations of one entry on one dataset, one a seed. kind: what the entry is."""

    entry: str
    label: str
    kind: str
    dataset: str
    files: list[ScoredFile]


class Conditions(Record):
    """What a speed depends on besides the code; speeds are compared only where all are the same."""

    device: str
    cpus: int | None = None
    threads: int | None = None
    precision: str | None = None
    engine: str
    compiled: bool | None = None
    size: str
    objects: int
    frames: int | None = None


class EntrySpeed(Record):
    """One entry's streaming speed, frame 0 apart. repeats: frames a second of each repeat.

    doubts: why the figures should not be used.
    """

    entry: str
    label: str
    kind: str
    file: str
    fps: float
    repeats: list[float]
    p50_ms: float | None = None
    conditions: Conditions
    doubts: list[str] = Field([])


class FigureRecord(Record):
    """One figure: its files beside the page, and its words. missing: why there is none."""

    name: str
    title: str
    caption: str = ""
    alt: str = ""
    finding: str = ""
    missing: str = ""
    sources: list[str] = Field([])
    files: list[str] = Field([])


class VerdictCount(Record):
    """A line of the page's tally: a table, and how many of its cells have each verdict."""

    name: str
    counts: dict[str, int]


class RuleRecord(Record):
    """Wall time in seconds of a rule's jobs; the largest memory of one in MiB."""

    rule: str
    jobs: int
    seconds: float
    longest: float
    memory: float | None = None


class RunRecord(Record):
    """The run, as its settings name it. comparable: whether its numbers may be set beside the
    paper's, and why not. datasets: by name."""

    name: str
    title: str
    caution: str
    data_label: str
    comparable: dict[str, Any]
    datasets: dict[str, dict[str, Any]]


class Head(Record):
    """The page's first screen. answer: does the paper hold, in sentences; claims: how those about
    its parts fell on kept results; released: of the authors' checkpoint; cautions: on the run's
    own rows; findings: the numbers that differ."""

    answer: list[str]
    claims: list[str]
    released: str
    cautions: list[str]
    findings: list[str]
    verdicts: list[VerdictCount]


class FileRecord(Record):
    """A result file's kind and where its numbers come from; no folder of a machine in it."""

    kind: str
    seed: int | None = None
    provenance: Origin | None = None


class ReportRecord(Result):
    """A whole report. files: every result file that the page uses, by its name; provenance: of
    the rendering."""

    format: int
    run: RunRecord
    head: Head
    tables: list[TableRecord]
    figures: list[FigureRecord]
    scores: list[EntryScores]
    speeds: list[EntrySpeed]
    rules: list[RuleRecord]
    files: dict[str, FileRecord]


def scored(scores: Scores, name: str) -> dict[str, Any]:
    """An evaluation's means, and its objects by sequence, in points. name: of the file."""
    sequences: dict[str, dict[str, Any]] = {}
    for key, own in scores.objects.items():
        sequence, _, number = key.rpartition("_")
        found = {"j": 100 * own.j_mean, "f": 100 * own.f_mean}
        if key in scores.frames and (j := scores.frames[key].j):
            lowest = min(range(len(j)), key=j.__getitem__)
            found |= {"frames": len(j), "lowest_j": 100 * j[lowest], "lowest_frame": lowest}
        sequences.setdefault(sequence, {})[number] = found
    means = {"jf": scores.means.jf_mean, "j": scores.means.j_mean, "f": scores.means.f_mean}
    points = {key: 100 * mean for key, mean in means.items()}
    return {"file": name, **points, "sequences": sequences}


def json_schema() -> dict[str, Any]:
    """The JSON Schema of report.json."""
    return TypeAdapter(ReportRecord).json_schema()
