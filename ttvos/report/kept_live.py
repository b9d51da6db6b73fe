"""Live accuracy that the repository keeps: one line a tracker, the camera's rates side by side."""

from ttvos.measure.live_table import latency_text
from ttvos.records.schema import Live
from ttvos.report.join import ReportInput
from ttvos.report.results import File
from ttvos.report.table import Cell, Column, Table

TITLE = "Kept: live accuracy on real video"
CAPTION = (
    "J&F in points of the mask on screen when a frame arrives, by the rate of the camera, measured "
    "before and kept in the repository, none of it of this run. Upper bound: published masks, held "
    "back by one latency a frame, made with every frame seen."
)


def kept_live(report: ReportInput) -> Table:
    """A line for each file of results-published/live, the best at the middle rate first."""
    files = report.kept.lives
    rates = sorted({one.rate for file in files for one in file.record.rates})
    middle = _key(rates[len(rates) // 2]) if rates else ""
    rows = [_row(file.record) for file in files]
    rows.sort(key=lambda row: row[middle].value if middle in row else 0.0, reverse=True)
    columns = [
        Column("tracker", "Tracker"),
        *(Column(_key(rate), f"{rate:g}", "extra", "live, frames a second") for rate in rates),
        Column("offline_jf", "J&F", "extra", "offline"),
        Column("latency_ms", "median, ms", "extra", "latency"),
        Column("device", "of", "remark", "latency"),
        Column("data", "Data", "remark"),
    ]
    notes = [f"{_name(file.record)}: {_told(file)}." for file in files]
    return Table(
        name="live-kept",
        title=TITLE,
        caption=CAPTION,
        columns=tuple(columns),
        rows=tuple(rows),
        sources=tuple(file.name for file in files),
        notes=tuple(notes),
        profile="kept",
        caution="None of these numbers is of this run.",
    )


def _row(live: Live) -> dict[str, Cell]:
    row = {_key(one.rate): Cell(100 * one.means.jf_mean) for one in live.rates}
    row |= {"tracker": Cell(_name(live)), "offline_jf": Cell(100 * live.offline.jf_mean)}
    row |= {"latency_ms": Cell(live.latency.p50_ms), "device": Cell(live.latency.device)}
    scored = live.scored
    return row | {"data": Cell(f"{scored.sequences} of {scored.available}, {scored.set}")}


def _key(rate: float) -> str:
    return f"jf_{rate:g}"


def _name(live: Live) -> str:
    return live.tracker + (" (upper bound)" if live.upper_bound else "")


def _told(file: File[Live]) -> str:
    day = str(file.provenance.time)[:10] if file.provenance else "a day not recorded"
    return "; ".join([latency_text(file.record.latency), *file.record.notes, day])
