"""What the benchmarks, `ttvos speed` and `ttvos live` kept, as Markdown for a page; or how to
measure it.

A marker's text is `FILE [TABLE ...] | COMMAND`. FILE: a result, relative to the page or to the
repository (for `speed` and `live` also globs and several files). TABLE: a key of a benchmark's
file to show beside its bars, `KEY` or `KEY:COLUMN,COLUMN`. COMMAND: what makes the file, shown
where it is not there yet.
"""

from pathlib import Path
from statistics import median
from typing import Any

from ttvos.core.errors import UserError
from ttvos.core.files import read_json
from ttvos.core.text import counted, markdown_table, three_digits
from ttvos.measure.latency import doubts
from ttvos.measure.live_table import points
from ttvos.measure.speedtable import read_speed, table
from ttvos.records.schema import Live
from ttvos.records.store import read

ASKED = ("at least", "at most")  # what a bar of a benchmark may ask
SHARES = ("fraction", "share", "memory_bound", "agreement", "lowest_frame")


def speed_block(named: str, root: Path) -> str:
    """One table of all the `ttvos speed` files that are there. UserError for another file."""
    patterns, command = _parts(named)
    paths = [path for pattern in patterns for path in sorted(root.glob(pattern))]
    if not paths:
        return _not_run(command)
    results = [read_speed(path) for path in paths]
    origins = dict.fromkeys(_origin(result["provenance"]) for result in results)
    return "\n\n".join([*origins, table(row for result in results for row in result["rows"])])


def live_block(named: str, root: Path) -> str:
    """One line for each of the `ttvos live` files that are there: J&F by the camera's rate."""
    patterns, command = _parts(named)
    paths = [path for pattern in patterns for path in sorted(root.glob(pattern))]
    if not paths:
        return _not_run(command)
    lives = [read(path, Live, sourced=True) for path in paths]
    rates = sorted({rate.rate for live in lives for rate in live.rates})
    heads = ("masks of", "latency, ms", "its device", "offline", *(f"{rate:g}/s" for rate in rates))
    lines = [_live_line(live, rates) for live in lives]
    numbers = (1, *range(3, len(heads)))
    told = dict.fromkeys(
        f"- {live.tracker}: {'; '.join([*live.notes, *(doubts(live) if live.load else [])])}."
        for live in lives
        if live.notes or (live.load and doubts(live))
    )
    return "\n".join([markdown_table(heads, lines, numbers, padded=True), *told]) + "\n"


def _live_line(live: Live, rates: list[float]) -> list[str]:
    seen = {rate.rate: points(rate.means.jf_mean) for rate in live.rates}
    latency = live.latency
    cells = [live.tracker, f"{latency.p50_ms:.1f}", latency.device, points(live.offline.jf_mean)]
    return [*cells, *(seen.get(rate, "") for rate in rates)]


def benchmark_block(named: str, root: Path) -> str:
    """Bars and chosen tables of a benchmark's file.

    Raises UserError for a file that no benchmark wrote, for a bar that does not say whether it is a
    lower or an upper bound, and for a table that the file does not hold.
    """
    (name, *shown), command = _parts(named)
    path = root / name
    if not path.is_file():
        return _not_run(command)
    result = read_json(path)
    if not isinstance(result, dict) or not {"bars", "provenance"} <= set(result):
        raise UserError(f"{name}: not a benchmark's result; run it again")
    parts = [_origin(result["provenance"])]
    if result["bars"]:
        parts.append(_bars(result["bars"], name))
    for text in shown:
        key, _, columns = text.partition(":")
        rows = _chosen(_rows(result.get(key)), columns.split(",") if columns else None)
        if not rows:
            raise UserError(f"{name}: holds no table {text}; run the benchmark again")
        parts += [f"{words(key).capitalize()}:", _table(rows)]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def _parts(named: str) -> tuple[list[str], str]:
    names, _, command = named.partition("|")
    if not names.strip() or not command.strip():
        raise UserError(f"marker {named!r}: expected FILE | COMMAND that makes it")
    return names.split(), command.strip()


def _not_run(command: str) -> str:
    return f"**Not run.** This measures it:\n\n```sh\n{command}\n```\n"


def _origin(origin: dict[str, Any]) -> str:
    precision = origin["precision"]
    if isinstance(precision, list):
        precision = ", ".join(precision)
    threads, torch = origin.get("threads"), origin["libraries"].get("torch")
    facts = [precision, threads and counted(threads, "thread"), torch and f"PyTorch {torch}"]
    facts += [origin["time"][:10], f"commit {origin['commit']}"]
    measured_on = f"Measured on {origin['device']},"
    how = measured_on if origin.get("measured", True) else "Estimated, not measured:"
    return f"{how} {', '.join(fact for fact in facts if fact)}."


def _bars(bars: dict[str, dict[str, Any]], file: str) -> str:
    lines = []
    for name, found in bars.items():
        if found.get("asked") not in ASKED:
            raise UserError(
                f"{file}: bar {name}: asked must be {' or '.join(ASKED)}; run the benchmark again"
            )
        asked = f"{found['asked']} {written(name, found['bar'])}"
        verdict = "holds" if found["holds"] else "**missed**"
        lines.append([words(name), written(name, found["value"]), asked, verdict])
    return markdown_table(("figure", "measured", "bar", ""), lines, numbers=(1,), padded=True)


def _rows(value: Any) -> list[dict[str, Any]]:
    """A list of dictionaries, or a dictionary of them, of numbers or of repeats, as table rows."""
    if isinstance(value, list):
        return [_flat(entry) for entry in value if isinstance(entry, dict)]
    if not isinstance(value, dict):
        return []
    if any(isinstance(entry, dict) for entry in value.values()):
        return [
            {"": words(key), **_flat(entry)}
            for key, entry in value.items()
            if isinstance(entry, dict)
        ]
    return [
        {"": words(key), "median": written(key, median(entry))}
        if isinstance(entry, list)
        else {"": words(key), "value": written(key, entry)}
        for key, entry in value.items()
    ]


def _flat(entry: dict[str, Any], before: str = "") -> dict[str, Any]:
    """Numbers and words of an entry; those of an inner dictionary carry its key before theirs.

    Of the lists (every repeat) only `seconds` is shown, as its median.
    """
    found = {}
    for key, value in entry.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{before}{key}_")
        elif not isinstance(value, list):
            found[before + key] = value
        elif key == "seconds" and "median" not in entry:
            found[f"{before}median"] = median(value)
    return found


def _chosen(rows: list[dict[str, Any]], columns: list[str] | None) -> list[dict[str, Any]]:
    """The rows with these columns only; none where no row has one of them."""
    if columns is None:
        return rows
    if any(all(column not in row for row in rows) for column in columns):
        return []
    return [{key: row.get(key) for key in ("", *columns) if key in row or key} for row in rows]


def _table(rows: list[dict[str, Any]]) -> str:
    keys = list(dict.fromkeys(key for row in rows for key in row))
    lines = [[written(key, row.get(key)) for key in keys] for row in rows]
    heads = [words(key) for key in keys]
    numbers = [
        index
        for index, key in enumerate(keys)
        if key in ("median", "value") or any(isinstance(row.get(key), int | float) for row in rows)
    ]
    return markdown_table(heads, lines, numbers, padded=True)


def words(key: str) -> str:
    """A key as words, its unit left to `written`: "peak_memory_bytes" -> "peak memory"."""
    text = key.removesuffix("_bytes") if _is_bytes(key) else key
    return text.replace("_", " ")


def written(key: str, value: Any) -> str:
    """A value with three digits; bytes in MiB, rates a second and MACs in billions (G), shares
    in percent. None is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, int | float):
        return str(value)
    if _is_bytes(key):
        return f"{value / 2**20:,.0f} MiB"
    if key.endswith("_per_s") or key.split("_")[-1] == "macs":
        return f"{three_digits(value / 1e9)} G"
    if key.endswith(SHARES):
        return f"{value:.3%}" if 0.99 <= value < 1 else f"{value:.1%}"
    if isinstance(value, int):
        return f"{value:,}"
    # An exponent only where there would be many zeros.
    return three_digits(value) if not value or 1e-4 <= abs(value) < 1e6 else f"{value:.2e}"


def _is_bytes(key: str) -> bool:
    return key.split("_")[-1] == "bytes"
