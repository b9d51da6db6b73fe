"""What `ttvos speed` found as one table: a row for each protocol, printed, saved, and in pages.

Markdown tables that a terminal shows well too.
"""

from collections.abc import Container, Iterable, Sequence
from pathlib import Path
from typing import Any

from ttvos.core.errors import UserError
from ttvos.core.files import read_json
from ttvos.measure.latency import carried, samples

PERCENTILES = ("p50_ms", "p90_ms", "p99_ms")
HEADS = ("model", "device", "precision", "engine", "protocol", "FPS", "p50 ms", "p90 ms", "p99 ms")
HEADS += ("latencies", "spread", "memory MiB", "GMAC", "of roofline", "of matrix rate")
HEADS += ("× released",)
LEGEND = (
    "p90 is told from 30 latencies on, p99 from 300. GMAC: of one frame, as ttvos cost counts them "
    "(Table 6 has two frames). × released: warm over warm, same frames."
)
RELEASED_WARM = "released, warm"


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
    origin = result["provenance"]
    threads = f", {_count(origin['threads'], 'thread')}" if result["device"] == "cpu" else ""
    shared = {
        "model": f"{result['variant']}-{result['backbone']}, {result['height']}x{result['width']}, "
        f"{_count(result['objects'], 'object')}",
        "device": f"{origin['device']}{threads}",
    }
    own = {"precision": result["precision"], "engine": result["engine"]}
    own |= {"compiled": result["compiled"]}
    plain = {"precision": "float32", "engine": "released", "compiled": False}
    rows = [{**shared, **own, "protocol": "streaming", **_timed(result["streaming"])}]
    if result["pipelined"]:
        rows.append({**shared, **own, "protocol": "pipelined", **_timed(result["pipelined"])})
    rows.append({**shared, **plain, "protocol": "released", **_timed(result["released"])})
    if warm := result.get("released_warm"):
        rows.append({**shared, **plain, "protocol": RELEASED_WARM, **_timed(warm)})
    for row in rows:
        row |= _reached(result, row)
    return rows


def _reached(result: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """A row's MACs, its shares of the roofline and what it is to the released loop."""
    protocol = "streaming" if row["protocol"] == "pipelined" else row["protocol"]
    protocol = "released_warm" if protocol == RELEASED_WARM else protocol
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


def row(result: dict[str, Any], model: str) -> dict[str, Any]:
    """The one row of a tracker that is timed by the streaming protocol only."""
    origin = result["provenance"]
    threads = f", {_count(origin['threads'], 'thread')}" if result["device"] == "cpu" else ""
    size = f"{result['height']}x{result['width']}, {_count(result['objects'], 'object')}"
    named = {"model": f"{model}, {size}", "device": f"{origin['device']}{threads}"}
    named |= {key: result[key] for key in ("precision", "engine", "compiled")}
    unknown = ("macs", "roofline_fraction", "matrix_rate_fraction", "times_released")
    timed = {"protocol": "streaming", **_timed(result["streaming"])}
    return {**named, **timed, **dict.fromkeys(unknown)}


def _timed(timed: dict[str, Any]) -> dict[str, Any]:
    found = {"fps": timed["fps"], **dict.fromkeys(PERCENTILES), "timed_frames": samples(timed)}
    if "p50_ms" in timed:
        found |= carried(timed)
    apart = (timed.get("spread") or {}).get("relative")
    return found | {"spread": apart, "peak_memory_bytes": timed.get("peak_memory_bytes")}


def read_speed(path: Path | str) -> dict[str, Any]:
    """A file that `ttvos speed` wrote, with its rows made anew by today's rules.

    Raises UserError for any other file.
    """
    result = read_json(path)
    if not isinstance(result, dict) or not {"rows", "roofline", "provenance"} <= set(result):
        raise UserError(f"{path}: not a file of ttvos speed --out; measure again")
    return {**result, "rows": make_rows(result)}


def table(rows: Iterable[dict[str, Any]]) -> str:
    """The rows as a Markdown table whose columns are aligned, to be read as it is too."""
    return aligned(HEADS, [_cells(row) for row in rows], numbers=range(5, len(HEADS)))


def _cells(row: dict[str, Any]) -> list[str]:
    compiled = {True: ", compiled", None: ", compiled if kept"}.get(row["compiled"], "")
    memory, macs, latencies = row["peak_memory_bytes"], row["macs"], row["timed_frames"]
    shares = (row["roofline_fraction"], row["matrix_rate_fraction"])
    faster, is_streaming = row["times_released"], row["p50_ms"] is not None
    return [
        *(row["model"], row["device"], row["precision"] or "", row["engine"] + compiled),
        *(row["protocol"], f"{row['fps']:.2f}"),
        *(_latency(row[key], is_streaming) for key in PERCENTILES),
        str(latencies) if is_streaming else "",
        "" if row.get("spread") is None else f"{row['spread']:.0%}",
        "" if memory is None else f"{memory / 2**20:.0f}",
        "" if macs is None else f"{macs / 1e9:.2f}",
        *("" if share is None else f"{share:.0%}" for share in shares),
        "–" if faster is None else f"{faster:.2f}",
    ]


def _latency(value: float | None, is_streaming: bool) -> str:
    """Nothing for a protocol that times no single frame, a dash for too few frames."""
    return f"{value:.1f}" if value is not None else "–" if is_streaming else ""


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def aligned(
    heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: Container[int] = ()
) -> str:
    """A Markdown table, every column padded to its widest cell.

    numbers: indices of the columns that are set flush right. A bar in a cell is escaped.
    """
    lines = [[cell.replace("|", r"\|") for cell in line] for line in (heads, *rows)]
    widths = [max(3, *(len(line[i]) for line in lines)) for i in range(len(heads))]
    rule = [
        "-" * (width - 1) + (":" if index in numbers else "-") for index, width in enumerate(widths)
    ]
    return "".join(_line(line, widths, numbers) for line in (lines[0], rule, *lines[1:]))


def _line(cells: Sequence[str], widths: Sequence[int], numbers: Container[int]) -> str:
    padded = [
        cell.rjust(width) if index in numbers else cell.ljust(width)
        for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return f"| {' | '.join(padded)} |\n"
