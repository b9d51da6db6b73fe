"""What each row costs and how fast it is here; what the counts lack is told below the table."""

from ttvos.measure.latency import carried, doubts, samples
from ttvos.measure.speedtable import times_released
from ttvos.records.schema import RowSpeed
from ttvos.report import quantities as q
from ttvos.report.join import ReportInput
from ttvos.report.quantities import Extra, from_cost, from_speed
from ttvos.report.results import File, RowResults, Speed, timed_on
from ttvos.report.table import EMPTY, Cell, Column, Table
from ttvos.report.table2 import counts_apart

TAILS = ("p90_ms", "p99_ms")
SAME = (
    "Same measurement: rows that track with the same network, as FRTM-VOS does with and without "
    "the transition loss in its training, share one file; what they cost was measured once."
)


def reached(speed: Speed, name: str) -> float | None:
    """A share of what the device can do, of the streaming protocol, in percent."""
    return 100 * speed.roofline["streaming"][name] if isinstance(speed, RowSpeed) else None


def pipelined_fps(speed: Speed) -> float | None:
    """Of the frames as one stream; only TTVOS's engine on CUDA has it."""
    found = isinstance(speed, RowSpeed) and speed.pipelined
    return found.fps if found else None


def released_warm_fps(speed: Speed) -> float | None:
    """Of the released loop warmed up; None in a file of before that was measured."""
    found = isinstance(speed, RowSpeed) and speed.released_warm
    return found.fps if found else None


def _latency(key: str, label: str) -> Extra:
    """A percentile, where the file's own latencies carry it."""
    return from_speed(key, label, 1, lambda speed: carried(speed.streaming)[key], "streaming")


COST = (
    *(
        from_cost(f"{part}_m", part, 3, q.millions(part), "parameters, M")
        for part in ("total", "inference", "trainable")
    ),
    *(
        from_cost(f"{part}_gmac", part, 3, q.gmac(part), "GMAC a frame")
        for part in ("features", "query", "refine", "update", "frame")
    ),
)
SPEED = (
    from_speed("fps", "FPS", 1, lambda speed: speed.streaming.fps, "streaming"),
    _latency("p50_ms", "p50, ms"),
    _latency("p90_ms", "p90, ms"),
    _latency("p99_ms", "p99, ms"),
    from_speed("latencies", "latencies", 0, lambda s: samples(s.streaming), "streaming"),
    from_speed("peak_memory_mib", "peak memory, MiB", 0, q.peak_memory_mib, "streaming"),
    from_speed(
        "roofline_percent", "of roofline, %", 0, lambda s: reached(s, "fraction"), "streaming"
    ),
    from_speed(
        "matrix_rate_percent",
        "of matrix rate, %",
        0,
        lambda s: reached(s, "matrix_rate_fraction"),
        "streaming",
    ),
    from_speed("pipelined_fps", "FPS", 1, pipelined_fps, "pipelined"),
    from_speed("released_fps", "FPS", 1, q.released_fps, "released"),
    from_speed("released_warm_fps", "warm, FPS", 1, released_warm_fps, "released"),
    from_speed("over_released", "warm, ratio", 2, times_released, "streaming over released"),
)


def cost(report: ReportInput) -> Table:
    """Parameters and MACs by part, for every row."""
    files = [(row, row.cost) for row in report.rows if row.cost]
    return _table(
        report,
        files,
        [_row(row, file, files) | _cells(COST, row) for row, file in files],
        COST,
        name="cost",
        title="Cost by part",
        caption="Parameters, and multiply-accumulate operations of one frame with one object.",
        notes=[*counts_apart(report), *_uncounted(files)],
    )


def speed(report: ReportInput) -> Table:
    """Latency and frame rate on this device, for every row that was timed."""
    files = [(row, row.speed) for row in report.rows if row.speed]
    rows = []
    for row, file in files:
        cells = _cells(SPEED, row)
        untold = {
            key: Cell(reason="–") for key in TAILS if cells[key] == EMPTY
        }  # too small a sample
        rows.append(_row(row, file, files) | {"device": Cell(timed_on(file))} | cells | untold)
    return _table(
        report,
        files,
        rows,
        SPEED,
        Column("device", "Device"),
        name="speed",
        title="Speed on this device",
        caption="Streaming: frame by frame from host memory to the mask, warmed up, frame 0 apart. "
        "Released: the whole clip with frame 0, plain float32, as the authors time it. Latency: "
        "share of frames at most that slow; p90 is told from 30 latencies on, p99 from 300. "
        "Released, warm: the same loop warmed up and without frame 0, as streaming is timed; the "
        "ratio is over that, same frames. Of roofline: the least time that the frame's layers "
        "need by this device's matrix rate and memory bandwidth, over the time they took; of "
        "matrix rate: their operations alone. docs/performance.md has how both were measured.",
        notes=_doubts(files),
    )


def _table(
    report: ReportInput,
    files: list[tuple[RowResults, File]],
    rows: list[dict[str, Cell]],
    extras: tuple[Extra, ...],
    *more: Column,
    notes: list[str],
    **texts: str,
) -> Table:
    """One line a row, and of what it is behind its numbers. more: the last columns."""
    what = (Column("size", "Frame"), Column("same", "Same measurement", "remark"), *more)
    columns = (Column("entry", "Entry"), *(extra.column for extra in extras), *what)
    if any(row["same"].value for row in rows):
        notes = [SAME, *notes]
    return report.table(columns, rows, [file for _, file in files], notes=tuple(notes), **texts)


def _row(row: RowResults, file: File, files: list[tuple[RowResults, File]]) -> dict[str, Cell]:
    """Which row it is, and which row's measurement where they share one."""
    first = next(other for other, theirs in files if theirs.name == file.name)
    same = None if first.label == row.label else f"as {first.label}"
    return {"entry": Cell(row.label), "size": Cell(file.frame_size), "same": Cell(same)}


def _cells(extras: tuple[Extra, ...], row: RowResults) -> dict[str, Cell]:
    return {key: cell for extra in extras for key, cell in extra.cell(row).items()}


def _uncounted(files: list[tuple[RowResults, File]]) -> list[str]:
    """A note for each row whose count is not the whole of its work."""
    notes = []
    for row, file in files:
        if names := file.record.get("uncounted"):
            told = f"not in its GMAC, because they cannot be counted: {', '.join(names)}."
            notes.append(f"{row.label}: {told}")
        elif not file.record.macs.frame:
            told = "nothing that PyTorch multiplies ran, so that its GMAC are not known."
            notes.append(f"{row.label}: {told}")
    return notes


def _doubts(files: list[tuple[RowResults, File]]) -> list[str]:
    """Why speeds of this run should not be used; each file is told of once."""
    first: dict[str, tuple[str, Speed]] = {}
    for row, file in files:
        if file.record.load:
            first.setdefault(file.name, (row.label, file.record))
    return [f"{label}: {line}." for label, speed in first.values() for line in doubts(speed)]
