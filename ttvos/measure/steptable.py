"""What `ttvos steptime` found as Markdown, for `ttvos fill`: data to bring, hours of training."""

from pathlib import Path
from typing import Any

from ttvos.core.errors import UserError
from ttvos.core.files import read_json
from ttvos.core.text import counted, markdown_table, three_digits


def read_steptime(path: Path | str) -> dict[str, Any]:
    """A file that `ttvos steptime` wrote; UserError for any other."""
    result = read_json(path)
    keys = {"rows", "data", "seeds", "hours", "provenance"}
    if not isinstance(result, dict) or not keys <= set(result):
        raise UserError(f"{path}: not a file of ttvos steptime --out")
    return result


def tables(result: dict[str, Any]) -> str:
    """Both tables, each with what it is, for a page."""
    return "\n".join([_data(result["data"]), f"{_origin(result)}\n", _hours(result)])


def _data(needs: list[dict[str, Any]]) -> str:
    rows = []
    for need in needs:
        way = f"by hand, from <{need['page']}>" if need["by_hand"] else "fetched by a rule"
        sizes = (_size(need["download_bytes"]), _size(need["unpacked_bytes"]))
        rows.append((need["title"], f"`{need['name']}`", *sizes, way))
    totals = (
        _size(sum(need[key] or 0 for need in needs)) for key in ("download_bytes", "unpacked_bytes")
    )
    rows.append(("**all with a known size**", "", *totals, ""))
    return markdown_table(("data", "name", "download", "unpacked", ""), rows, numbers=(2, 3))


def _hours(result: dict[str, Any]) -> str:
    seeds, rows = result["seeds"], result["rows"]
    heads = ["row", *(stage["name"] for stage in rows[0]["stages"]), "state on disk"]
    lines = [_row(row, seeds) for row in rows]
    if result["timed_steps"]:
        heads += ["peak memory", "hours, one seed", f"hours, {counted(seeds, 'seed')}"]
        timed = sum(row["hours"] is not None for row in rows)
        name = f"**{timed} of the run's {result['rows_of_profile']} rows**"
        empty = [""] * (len(heads) - 2)
        lines.append([name, *empty, f"**{three_digits(result['hours'])}**"])
    return markdown_table(heads, lines, numbers=range(1, len(heads)))


def _origin(result: dict[str, Any]) -> str:
    origin = result["provenance"]
    when = f"{origin['time'][:10]}, commit {origin['commit']}"
    if not result["timed_steps"]:
        return f"Steps of each stage and sizes, {when}; no step was timed."
    parts = f" in {result['accumulate']} parts" if result["accumulate"] > 1 else ""
    return (
        f"Measured on {origin['device']} ({result['device'].upper()}, {origin['precision']}, "
        f"{counted(origin['threads'], 'thread')}), each batch{parts}, median of "
        f"{counted(result['timed_steps'], 'step')} after {result['warmup_steps']} of warm-up, "
        f"{when}. A stage's cell says seconds a step × steps."
    )


def _row(row: dict[str, Any], seeds: int) -> list[str]:
    stages, hours = row["stages"], row["hours"]
    cells = [row["row"], *map(_stage, stages), _size(row["state_bytes"])]
    if hours is None:
        return cells
    memory = max(stage["peak_memory_bytes"] for stage in stages)
    return [*cells, _size(memory), three_digits(hours), three_digits(hours * seeds)]


def _stage(stage: dict[str, Any]) -> str:
    if stage["step_seconds"] is None:
        return f"{stage['steps']:,}"
    return f"{three_digits(stage['step_seconds'])} s × {stage['steps']:,}"


def _size(count: int | None) -> str:
    """Bytes in words; two digits, as rough as the registry's own."""
    if not count:
        return "not known"
    unit, name = (1e9, "GB") if count >= 1e9 else (1e6, "MB")
    number = count / unit
    return f"{number:.0f} {name}" if number >= 10 else f"{number:.1f} {name}"
