"""Tables of what was measured here, with no number of the paper's beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ttvos.render import quantities as q
from ttvos.render.inputs import Accuracy, ReportInput, RowResults
from ttvos.render.manifest import data_label
from ttvos.render.results import Measured, measure, timed_on
from ttvos.render.selection import selection_cautions, selection_notes, way
from ttvos.render.table import Cell, Column, Table

STILL = "still"  # name of the reference that every accuracy is set against

SCORES = {
    "jf": ("J&F-Mean", "J&F", "mean"),
    "j": ("J-Mean", "J mean", "region similarity J"),
    "j_recall": ("J-Recall", "J recall", "region similarity J"),
    "j_decay": ("J-Decay", "J decay", "region similarity J"),
    "f": ("F-Mean", "F mean", "contour accuracy F"),
    "f_recall": ("F-Recall", "F recall", "contour accuracy F"),
    "f_decay": ("F-Decay", "F decay", "contour accuracy F"),
}


def summary(report: ReportInput) -> Table:
    """Accuracy of every row, reference and foreign mask folder on this run's data."""
    rows, sources = [], []
    for dataset in report.manifest.datasets:
        still = still_score(report, dataset)
        for kind, items in _kinds(report):
            for item in items:
                results = item.evaluate.get(dataset, ())
                if not results:
                    continue
                sources += [result.name for result in results]
                row = {"dataset": Cell(dataset), "kind": Cell(kind), "entry": Cell(item.label)}
                for key, (score, _, _) in SCORES.items():
                    row[key] = q.measured_cell(measure(results, q.score(score)))
                row["gain"] = Cell() if item.name == STILL else _gain(row["jf"], still)
                row["runs"] = Cell(str(len(results)))
                rows.append(row)
    columns = [Column("entry", "Entry"), Column("dataset", "Protocol")]
    columns += [
        Column(key, label, "extra", "" if group == "mean" else group)
        for key, (_, label, group) in SCORES.items()
    ]
    columns.insert(3, Column("gain", "over held still", "extra"))
    columns += [Column("runs", "Runs"), Column("kind", "Kind")]
    table = own_table(
        report,
        "summary",
        f"Accuracy on {data_label(report.manifest)}",
        "Points (0 to 100) of the DAVIS semi-supervised protocol, mean over objects; "
        "decay: first minus last quarter of a clip, smaller is better; ±: sample standard "
        "deviation over the runs, where there are several.",
        columns,
        rows,
        sources,
    )
    notes = tuple(selection_cautions(report, report.rows))
    return replace(table, sections="dataset", notes=notes)


def still_score(report: ReportInput, dataset: str) -> Measured | None:
    """J&F of the first mask held still, in points."""
    for item in report.references:
        if item.name == STILL:
            return measure(item.evaluate.get(dataset, ()), q.score("J&F-Mean"))
    return None


def _kinds(report: ReportInput) -> Sequence[tuple[str, Sequence[Accuracy]]]:
    return (
        ("model", report.rows),
        ("reference", report.references),
        ("foreign masks", report.masks),
        ("published masks", report.published),
        ("peer, authors' weights", report.peers),
    )


def _gain(score: Cell, still: Measured | None) -> Cell:
    """Distance from the mask held still, which is one number: the spread is the score's."""
    if score.value is None or still is None or still.mean is None:
        return Cell()
    return Cell(float(score.value) - still.mean, score.spread)


COST_EXTRAS = (
    *(
        ("parameters, M", q.from_cost(f"{part}_m", label, 3, q.millions(part)))
        for part, label in (
            ("total", "total"),
            ("inference", "inference"),
            ("trainable", "trainable"),
        )
    ),
    *(
        ("GMAC a frame", q.from_cost(f"{part}_gmac", part, 3, q.gmac(part)))
        for part in ("features", "query", "refine", "update", "frame")
    ),
)
SPEED_EXTRAS = (
    *(
        ("streaming", q.from_speed(key, label, 1, lambda data, name=key: data["streaming"][name]))
        for key, label in (
            ("fps", "FPS"),
            ("p50_ms", "p50, ms"),
            ("p90_ms", "p90, ms"),
            ("p99_ms", "p99, ms"),
        )
    ),
    (
        "streaming",
        q.from_speed(
            "peak_memory_mib",
            "peak memory, MiB",
            0,
            q.peak_memory_mib,
        ),
    ),
    *(
        ("streaming", q.from_speed(key, label, 0, lambda data, name=name: reached(data, name)))
        for key, label, name in (
            ("roofline_percent", "of roofline, %", "fraction"),
            ("matrix_rate_percent", "of matrix rate, %", "matrix_rate_fraction"),
        )
    ),
    ("pipelined", q.from_speed("pipelined_fps", "FPS", 1, lambda data: data["pipelined"]["fps"])),
    ("released", q.from_speed("released_fps", "FPS", 1, lambda data: data["released"]["fps"])),
    (
        "streaming over released",
        q.from_speed("over_released", "ratio", 2, lambda data: data["ratio_to_released"]),
    ),
)


def reached(data: dict[str, Any], name: str) -> float:
    """A share of what the device can do, of the streaming protocol, in percent."""
    return 100 * data["roofline"]["streaming"][name]


def cost(report: ReportInput) -> Table:
    """Parameters and MACs by part, for every row."""
    return _from_files(
        report,
        "cost",
        "Cost by part",
        "Parameters, and multiply-accumulate operations of one frame with one object.",
        COST_EXTRAS,
        "cost",
    )


def speed(report: ReportInput) -> Table:
    """Latency and frame rate on this device, for every row that was timed."""
    return _from_files(
        report,
        "speed",
        "Speed on this device",
        "Streaming: frame by frame from host memory to the mask, warmed up, frame 0 apart. "
        "Released: the whole clip with frame 0, plain float32, as the authors time it. Latency: "
        "share of frames at most that slow. Of roofline: the least time that the frame's layers "
        "need by this device's matrix rate and memory bandwidth, over the time they took; of "
        "matrix rate: their operations alone. docs/performance.md has how both were measured.",
        SPEED_EXTRAS,
        "speed",
    )


def _from_files(report, name, title, caption, extras, attribute) -> Table:
    """A table with one line a row that has the cost or speed file."""
    rows, sources = [], []
    for item in report.rows:
        result = getattr(item, attribute)
        if result is None:
            continue
        sources.append(result.name)
        row = {"entry": Cell(item.label), "size": Cell(frame_size(item, attribute))}
        if attribute == "speed":
            row["device"] = Cell(timed_on(result))
        for _, extra in extras:
            row[extra.key] = q.measured_cell(extra.take(item))
        rows.append(row)
    columns = [Column("entry", "Entry"), Column("size", "Frame")]
    if attribute == "speed":
        columns.append(Column("device", "Device"))
    columns += [Column(e.key, e.label, "extra", group, e.digits) for group, e in extras]
    return own_table(report, name, title, caption, columns, rows, sources)


def frame_size(item: RowResults, attribute: str) -> str:
    """Height x width that a cost or speed is for, as its file says."""
    data = getattr(item, attribute).data
    return f"{data['height']}×{data['width']}" if data.get("height") else "not recorded"


def training(report: ReportInput) -> Table:
    """Steps, wall time, last losses and selected step of every training run."""
    rows, sources = [], []
    for item in report.rows:
        for result in item.train:
            sources.append(result.name)
            row = {"entry": Cell(item.label), "seed": Cell(str(result.data.get("seed", "–")))}
            row["weights"] = Cell(way(result))
            for extra in TRAINING_EXTRAS:
                row[extra.key] = q.measured_cell(measure((result,), extra.take))
            rows.append(row)
    columns = [Column("entry", "Entry"), Column("seed", "Seed")]
    columns += [Column(e.key, e.label, "extra", digits=e.digits) for e in TRAINING_EXTRAS]
    columns.insert(2, Column("weights", "Weights kept"))
    table = own_table(
        report,
        "training",
        "Training runs",
        "Wall time includes waiting for data. Last loss: sum of all terms, mean over the last "
        "steps of the last stage; experiments have different terms.",
        columns,
        rows,
        sources,
    )
    return replace(table, notes=tuple(selection_notes(report.rows)))


@dataclass(frozen=True)
class TrainingExtra:
    """A column from train.json."""

    key: str
    label: str
    digits: int
    take: q.Getter


TRAINING_EXTRAS = (
    TrainingExtra("stages", "stages", 0, lambda data: len(data["stages"])),
    TrainingExtra("steps", "steps", 0, lambda data: data["steps"]),
    TrainingExtra("seconds", "seconds", 0, lambda data: data["seconds"]),
    TrainingExtra("last_loss", "last loss", 3, lambda data: data["stages"][-1]["losses"]["total"]),
    TrainingExtra("kept_step", "kept step", 0, lambda data: data["selection"]["chosen"]["step"]),
    TrainingExtra(
        "kept_jf", "J&F of the kept step", 1, lambda data: 100 * data["selection"]["chosen"]["J&F"]
    ),
    TrainingExtra(
        "last_jf", "J&F of the last step", 1, lambda data: 100 * data["selection"]["last"]["J&F"]
    ),
)


def own_table(
    report: ReportInput,
    name: str,
    title: str,
    caption: str,
    columns: list[Column],
    rows: list[dict[str, Cell]],
    sources: list[str],
) -> Table:
    """A table without the paper's numbers beside its own."""
    return Table(
        name=name,
        title=title,
        caption=caption,
        columns=tuple(columns),
        rows=tuple(rows),
        profile=report.manifest.profile,
        caution=report.manifest.caution,
        sources=tuple(dict.fromkeys(sources)),
    )
