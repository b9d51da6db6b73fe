"""What the counts of MACs lack, told below the table that shows them.

Tables of what each row costs and how fast it is here.
"""

from dataclasses import replace
from typing import Any

from ttvos.measure.latency import carried, doubts, samples
from ttvos.measure.speedtable import times_released
from ttvos.report import quantities as q
from ttvos.report.inputs import ReportInput, RowResults
from ttvos.report.measurements import own_table
from ttvos.report.results import timed_on
from ttvos.report.table import EMPTY, Cell, Column, Table
from ttvos.report.table2 import counts_apart


def uncounted(report: ReportInput) -> list[str]:
    """A note for each row whose count is not the whole of its work."""
    notes = [(row.label, _told(row.cost.data)) for row in report.rows if row.cost]
    return [f"{label}: {text}" for label, text in notes if text]


def _told(cost: dict[str, Any]) -> str:
    if names := cost.get("uncounted"):
        return f"not in its GMAC, because they cannot be counted: {', '.join(names)}."
    if not cost["macs"]["frame"]:
        return "nothing that PyTorch multiplies ran, so that its GMAC are not known."
    return ""


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
        ("streaming", q.from_speed(key, label, 1, lambda data, name=key: streamed(data)[name]))
        for key, label in (
            ("fps", "FPS"),
            ("p50_ms", "p50, ms"),
            ("p90_ms", "p90, ms"),
            ("p99_ms", "p99, ms"),
        )
    ),
    ("streaming", q.from_speed("latencies", "latencies", 0, lambda d: samples(d["streaming"]))),
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
    (
        "pipelined",
        q.from_speed("pipelined_fps", "FPS", 1, lambda data: own(data, "pipelined")["fps"]),
    ),
    ("released", q.from_speed("released_fps", "FPS", 1, q.released_fps)),
    (
        "released",
        q.from_speed("released_warm_fps", "warm, FPS", 1, lambda d: released_warm_fps(d)),
    ),
    (
        "streaming over released",
        q.from_speed("over_released", "warm, ratio", 2, times_released),
    ),
)


def own(data: dict[str, Any], key: str) -> Any:
    """What only TTVOS's engine is measured for; None in any other tracker's speed file."""
    return None if q.is_trackers(data) else data[key]


def released_warm_fps(data: dict[str, Any]) -> float | None:
    """Of the released loop warmed up; None in a file of before that was measured."""
    return data["released_warm"]["fps"] if "released_warm" in data else None


def streamed(data: dict[str, Any]) -> dict[str, Any]:
    """The streaming figures, with the percentiles that the file's own latencies carry."""
    return data["streaming"] | carried(data["streaming"])


def reached(data: dict[str, Any], name: str) -> float | None:
    """A share of what the device can do, of the streaming protocol, in percent."""
    return 100 * own(data, "roofline")["streaming"][name]


TAILS = ("p90_ms", "p99_ms")
SAME = (
    "Same measurement: rows that track with the same network, as FRTM-VOS does with and without "
    "the transition loss in its training, share one file; what they cost was measured once."
)


def cost(report: ReportInput) -> Table:
    """Parameters and MACs by part, for every row."""
    table = _from_files(
        report,
        "cost",
        "Cost by part",
        "Parameters, and multiply-accumulate operations of one frame with one object.",
        COST_EXTRAS,
        "cost",
    )
    return replace(table, notes=(*table.notes, *counts_apart(report), *uncounted(report)))


def speed(report: ReportInput) -> Table:
    """Latency and frame rate on this device, for every row that was timed."""
    table = _from_files(
        report,
        "speed",
        "Speed on this device",
        "Streaming: frame by frame from host memory to the mask, warmed up, frame 0 apart. "
        "Released: the whole clip with frame 0, plain float32, as the authors time it. Latency: "
        "share of frames at most that slow; p90 is told from 30 latencies on, p99 from 300. "
        "Released, warm: the same loop warmed up and without frame 0, as streaming is timed; the "
        "ratio is over that, same frames. Of roofline: the least time that the frame's layers "
        "need by this device's matrix rate and memory bandwidth, over the time they took; of "
        "matrix rate: their operations alone. docs/performance.md has how both were measured.",
        SPEED_EXTRAS,
        "speed",
    )
    return replace(table, notes=(*table.notes, *_doubts(report)))


def _doubts(report: ReportInput) -> list[str]:
    """Why speeds of this run should not be used; each file is told of once."""
    timed = {item.speed.name: item for item in reversed(report.rows) if item.speed}
    return [
        f"{item.label}: {line}."
        for item in reversed(timed.values())
        if "load" in item.speed.data
        for line in doubts(item.speed.data)
    ]


def _from_files(report, name, title, caption, extras, attribute) -> Table:
    """A table with one line a row that has the cost or speed file."""
    rows, sources = [], []
    measured_as: dict[str, str] = {}
    for item in report.rows:
        result = getattr(item, attribute)
        if result is None:
            continue
        sources.append(result.name)
        row = {"entry": Cell(item.label), "size": Cell(frame_size(item, attribute))}
        first = measured_as.setdefault(result.name, item.label)
        row["same"] = Cell(None if first == item.label else f"as {first}")
        if attribute == "speed":
            row["device"] = Cell(timed_on(result))
        for _, extra in extras:
            row[extra.key] = q.measured_cell(extra.take(item))
            if extra.key in TAILS and row[extra.key] == EMPTY:
                row[extra.key] = Cell(reason="–")  # told: the sample is too small for it
        rows.append(row)
    columns = [Column("entry", "Entry"), Column("size", "Frame")]
    columns.append(Column("same", "Same measurement", "remark"))
    if attribute == "speed":
        columns.append(Column("device", "Device"))
    columns += [Column(e.key, e.label, "extra", group, e.digits) for group, e in extras]
    table = own_table(report, name, title, caption, columns, rows, sources)
    return replace(table, notes=(SAME,)) if any(row["same"].value for row in rows) else table


def frame_size(item: RowResults, attribute: str) -> str:
    """Height x width that a cost or speed is for, as its file says."""
    data = getattr(item, attribute).data
    return f"{data['height']}×{data['width']}" if data.get("height") else "not recorded"
