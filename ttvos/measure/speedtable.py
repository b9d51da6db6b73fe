"""What `ttvos speed` found as one table: a row for each protocol, printed, saved, and in pages."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ttvos.errors import UserError
from ttvos.files import read_json
from ttvos.measure.table import aligned

HEADS = ("model", "device", "precision", "engine", "protocol", "FPS", "spread")
HEADS += ("p50 ms", "p90 ms", "p99 ms")
HEADS += ("memory MiB", "GMAC", "of roofline", "of matrix rate", "× released")


def make_rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    """The table's rows from the rest of a `ttvos.measure.speed.speed` result.

    Each: model, device, precision, engine, compiled, protocol, fps, p50_ms, p90_ms, p99_ms,
    spread (between repeats, see `ttvos.measure.load.spread`),
    peak_memory_bytes, macs (a frame's), roofline_fraction, matrix_rate_fraction, times_released;
    None where the protocol has no such number. A clip of the released protocol counts frame 0,
    and so does the mean of its frames' MACs.
    """
    origin, reached = result["provenance"], result["roofline"]
    threads = f", {origin['threads']} threads" if result["device"] == "cpu" else ""
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
    released, frames = result["released"], result["released"]["frames"]
    for row in rows:
        # Both fractions are proportional to the rate at which the frames go through.
        is_plain = row["protocol"] == "released"
        found = reached["released" if is_plain else "streaming"]
        faster = 1.0 if is_plain else row["fps"] / result["streaming"]["fps"]
        row |= {
            "macs": found["macs"] // (frames if is_plain else 1),
            "roofline_fraction": found["fraction"] * faster,
            "matrix_rate_fraction": found["matrix_rate_fraction"] * faster,
            "times_released": row["fps"] / released["fps"],
        }
    return rows


def row(result: dict[str, Any], model: str) -> dict[str, Any]:
    """The one row of a tracker that is timed by the streaming protocol only."""
    origin = result["provenance"]
    threads = f", {origin['threads']} threads" if result["device"] == "cpu" else ""
    size = f"{result['height']}x{result['width']}, {_count(result['objects'], 'object')}"
    named = {"model": f"{model}, {size}", "device": f"{origin['device']}{threads}"}
    named |= {key: result[key] for key in ("precision", "engine", "compiled")}
    unknown = ("macs", "roofline_fraction", "matrix_rate_fraction", "times_released")
    timed = {"protocol": "streaming", **_timed(result["streaming"])}
    return {**named, **timed, **dict.fromkeys(unknown)}


def _timed(timed: dict[str, Any]) -> dict[str, Any]:
    keys = ("fps", "p50_ms", "p90_ms", "p99_ms", "peak_memory_bytes")
    apart = (timed.get("spread") or {}).get("relative")
    return {**{key: timed.get(key) for key in keys}, "spread": apart}


def read_speed(path: Path | str) -> dict[str, Any]:
    """A file that `ttvos speed` wrote; UserError for any other."""
    result = read_json(path)
    if not isinstance(result, dict) or not {"rows", "roofline", "provenance"} <= set(result):
        raise UserError(f"{path}: not a file of ttvos speed --out; measure again")
    return result


def table(rows: Iterable[dict[str, Any]]) -> str:
    """The rows as a Markdown table whose columns are aligned, to be read as it is too."""
    return aligned(HEADS, [_cells(row) for row in rows], numbers=range(5, len(HEADS)))


def _cells(row: dict[str, Any]) -> list[str]:
    compiled = {True: ", compiled", None: ", compiled if kept"}.get(row["compiled"], "")
    memory, macs = row["peak_memory_bytes"], row["macs"]
    shares = (row["roofline_fraction"], row["matrix_rate_fraction"])
    faster = row["times_released"]
    return [
        *(row["model"], row["device"], row["precision"] or "", row["engine"] + compiled),
        *(row["protocol"], f"{row['fps']:.2f}"),
        "" if row.get("spread") is None else f"{row['spread']:.0%}",
        *("" if row[key] is None else f"{row[key]:.1f}" for key in ("p50_ms", "p90_ms", "p99_ms")),
        "" if memory is None else f"{memory / 2**20:.0f}",
        "" if macs is None else f"{macs / 1e9:.2f}",
        *("" if share is None else f"{share:.0%}" for share in shares),
        "" if faster is None else f"{faster:.2f}",
    ]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
