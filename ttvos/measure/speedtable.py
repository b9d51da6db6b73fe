"""What `ttvos speed` found, a row for each protocol: kept in its file, printed, and in pages."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ttvos.core.text import counted, markdown_table
from ttvos.measure.latency import carried, samples
from ttvos.records.schema import RowSpeed
from ttvos.records.store import read

PERCENTILES = ("p50_ms", "p90_ms", "p99_ms")
ALIKE = ("model", "device")  # the same in all rows of one result
TEXTS = ("precision", "engine", "protocol")
FIGURES = ("FPS", "p50 ms", "p90 ms", "p99 ms", "latencies", "spread", "memory MiB", "GMAC")
FIGURES += ("of roofline", "of matrix rate", "× released")
HEADS = (*ALIKE, *TEXTS, *FIGURES)
LEGEND = (
    "p90 is told from 30 latencies on, p99 from 300. GMAC: of one frame, as ttvos cost counts\n"
    "them (Table 6 has two frames). × released: warm over warm, same frames."
)
RELEASED_WARM = "released, warm"
UNKNOWN = ("macs", "roofline_fraction", "matrix_rate_fraction", "times_released")


def make_rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    """The table's rows from the rest of a `ttvos.measure.speed.speed` result.

    Each: model, device, precision, engine, compiled, protocol, fps, p50_ms, p90_ms, p99_ms (None
    where the sample is too small for them), timed_frames (latencies of the sample), spread
    (between repeats, see `ttvos.measure.latency.spread`),
    peak_memory_bytes, macs (a frame's), roofline_fraction, matrix_rate_fraction, times_released;
    None where the protocol has no such number. A clip of the released protocol counts frame 0,
    and so does the mean of its frames' MACs.
    times_released: warm over the released loop warmed up, same frames, and None in a file without
    it; the released protocol itself, which starts cold, is only compared with itself.
    """
    shared = _alike(result, f"{result['variant']}-{result['backbone']}")
    own = {key: result[key] for key in ("precision", "engine", "compiled")}
    plain = {"precision": "float32", "engine": "released", "compiled": False}
    timed = [
        (own, "streaming", result["streaming"]),
        (own, "pipelined", result["pipelined"]),
        (plain, "released", result["released"]),
        (plain, RELEASED_WARM, result.get("released_warm")),
    ]
    rows = [
        {**shared, **how, "protocol": protocol, **_timed(found)}
        for how, protocol, found in timed
        if found
    ]
    return [row | _reached(result, row) for row in rows]


def row(result: dict[str, Any], model: str) -> dict[str, Any]:
    """The one row of a tracker that is timed by the streaming protocol only."""
    named = _alike(result, model)
    named |= {key: result[key] for key in ("precision", "engine", "compiled")}
    timed = {"protocol": "streaming", **_timed(result["streaming"])}
    return {**named, **timed, **dict.fromkeys(UNKNOWN)}


def _alike(result: dict[str, Any], model: str) -> dict[str, str]:
    """What all rows of a result have in common: the model with its frames, and the device."""
    origin = result["provenance"]
    threads = f", {counted(origin['threads'], 'thread')}" if result["device"] == "cpu" else ""
    size = f"{result['height']}x{result['width']}, {counted(result['objects'], 'object')}"
    return {"model": f"{model}, {size}", "device": f"{origin['device']}{threads}"}


def _timed(timed: dict[str, Any]) -> dict[str, Any]:
    found = {"fps": timed["fps"], **dict.fromkeys(PERCENTILES), "timed_frames": samples(timed)}
    if "p50_ms" in timed:
        found |= carried(timed)
    apart = (timed.get("spread") or {}).get("relative")
    return found | {"spread": apart, "peak_memory_bytes": timed.get("peak_memory_bytes")}


def _reached(result: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """A row's MACs, its shares of the roofline and what it is to the released loop."""
    protocol = {"pipelined": "streaming", RELEASED_WARM: "released_warm"}.get(
        row["protocol"], row["protocol"]
    )
    found = result["roofline"][protocol]
    # Fractions and ratio are proportional to the rate at which the frames go through.
    faster = row["fps"] / result[protocol]["fps"]
    frames = result["released"]["frames"] if protocol == "released" else 1
    ratio = times_released(result) if protocol == "streaming" else 1.0
    return {
        "macs": found["macs"] // frames,
        "roofline_fraction": found["fraction"] * faster,
        "matrix_rate_fraction": found["matrix_rate_fraction"] * faster,
        "times_released": None if ratio is None else ratio * faster,
    }


def times_released(result: dict[str, Any]) -> float | None:
    """Streaming over the released loop, both warm; None in a file that compares it with a cold run.

    Files of earlier versions have only the released protocol itself, cold and with frame 0.
    """
    return result["ratio_to_released"] if "released_warm" in result else None


def read_speed(path: Path | str) -> RowSpeed:
    """A file that `ttvos speed` wrote of TTVOS, with its rows made anew by today's rules.

    Raises UserError for any other file.
    """
    result = read(path, RowSpeed)
    return RowSpeed.model_validate({**result.plain(), "rows": make_rows(result)})


def table(rows: Iterable[dict[str, Any]]) -> str:
    """The rows of any number of results as one Markdown table, for a page."""
    figures = range(len(HEADS) - len(FIGURES), len(HEADS))
    return markdown_table(HEADS, [_cells(row) for row in rows], figures, padded=True)


def terminal_table(rows: list[dict[str, Any]]) -> str:
    """The rows of one result for a terminal: a column for each protocol, at most 100 wide.

    Figures that no protocol has are left out.
    """
    cells = [_cells(row) for row in rows]
    names = dict(zip(HEADS, zip(*cells, strict=True), strict=True))
    lines = [
        (name, *values)
        for name, values in names.items()
        if name not in (*ALIKE, "protocol") and any(value not in ("", "–") for value in values)
    ]
    numbers = range(1, len(cells) + 1)
    first = rows[0]
    head = f"{first['model']}\n{first['device']}\n\n"
    return head + markdown_table(("", *names["protocol"]), lines, numbers, padded=True)


def _cells(row: dict[str, Any]) -> list[str]:
    """A row's cells as text, in the order of HEADS."""
    memory, macs, latencies = row["peak_memory_bytes"], row["macs"], row["timed_frames"]
    shares = (row["roofline_fraction"], row["matrix_rate_fraction"])
    faster, is_streaming = row["times_released"], row["p50_ms"] is not None
    return [
        *(row["model"], row["device"], row["precision"] or "", _engine(row)),
        *(row["protocol"], f"{row['fps']:.2f}"),
        *(_latency(row[key], is_streaming) for key in PERCENTILES),
        str(latencies) if is_streaming else "",
        "" if row.get("spread") is None else f"{row['spread']:.0%}",
        "" if memory is None else f"{memory / 2**20:.0f}",
        "" if macs is None else f"{macs / 1e9:.2f}",
        *("" if share is None else f"{share:.0%}" for share in shares),
        "–" if faster is None else f"{faster:.2f}",
    ]


def _engine(row: dict[str, Any]) -> str:
    return row["engine"] + (", compiled" if row["compiled"] else "")


def _latency(value: float | None, is_streaming: bool) -> str:
    """Nothing for a protocol that times no single frame, a dash for too few frames."""
    return f"{value:.1f}" if value is not None else "–" if is_streaming else ""
