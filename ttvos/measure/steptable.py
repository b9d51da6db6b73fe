"""What `ttvos steptime` found as Markdown, for `ttvos fill`: data to bring, hours of training."""

from itertools import groupby
from pathlib import Path
from typing import Any

from ttvos.core.errors import UserError
from ttvos.core.files import read_json
from ttvos.core.text import counted, markdown_table, three_digits


def read_steptime(path: Path | str) -> dict[str, Any]:
    """A file that `ttvos steptime` wrote; UserError for any other."""
    result = read_json(path)
    keys = {"rows", "data", "jobs", "seeds", "hours", "provenance"}
    if not isinstance(result, dict) or not keys <= set(result):
        raise UserError(f"{path}: not a file of ttvos steptime --out")
    return result


def tables(result: dict[str, Any]) -> str:
    """Both tables, each with what it is, for a page."""
    jobs = ", ".join(f"{count} `{rule}`" for rule, count in result["jobs"].items())
    paragraphs = [
        _data(result["data"]),
        f"{counted(sum(result['jobs'].values()), 'job')} from nothing, by rule: {jobs}.\n",
        f"{_origin(result)}\n",
        _hours(result),
        f"{summary(result)}\n",
    ]
    return "\n".join(paragraphs)


def summary(result: dict[str, Any]) -> str:
    """How much is trained in all, and the hours that this takes where they are known."""
    rows, seeds = result["rows"], result["seeds"]
    trainings, steps, clips = _totals(rows, seeds)
    text = f"{counted(trainings, 'training')}, in all {steps:,} steps and {clips:,} clips."
    timed = [row for row in rows if row["hours"] is not None]
    if timed:
        text += (
            f" {three_digits(result['hours'])} hours for {len(timed)} of the run's "
            f"{counted(result['rows_of_profile'], 'row')}, {counted(seeds, 'seed')} each, one "
            "after another."
        )
    if len(timed) < len(rows):
        rest = _totals([row for row in rows if row["hours"] is None], seeds)[1]
        text += (
            f" What was not timed takes {three_digits(rest / 3600)} hours for each second that a "
            "step takes, one after another."
        )
    return text


def _totals(rows: list[dict[str, Any]], seeds: int) -> tuple[int, int, int]:
    """Trainings, steps and clips of rows, all seeds."""
    stages = [stage for row in rows for stage in row["stages"]]
    steps = sum(stage["steps"] for stage in stages)
    clips = sum(stage["steps"] * stage["batch"] for stage in stages)
    return seeds * len(rows), seeds * steps, seeds * clips


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
    """A line for each row; neighbours of which the same is known stand in one."""
    seeds, rows = result["seeds"], result["rows"]
    names = list(dict.fromkeys(stage["name"] for row in rows for stage in row["stages"]))
    heads = ["row", *names, "state on disk", "trainings", "steps, all", "clips, all"]
    if result["timed_steps"]:
        heads += ["peak memory", "hours, one seed", f"hours, {counted(seeds, 'seed')}"]
    lines = []
    for (cells, _), group in groupby(rows, lambda row: (_cells(row, names), row["hours"])):
        same = list(group)
        ends = dict.fromkeys((same[0]["row"], same[-1]["row"]))
        totals = [f"{number:,}" for number in _totals(same, seeds)]
        lines.append([" to ".join(ends), *cells, *totals, *_timed(same[0], seeds)])
    totals = [f"**{number:,}**" for number in _totals(rows, seeds)]
    lines.append(["**all**", *[""] * (len(names) + 1), *totals])
    width = len(heads)
    lines = [[*line, *[""] * (width - len(line))] for line in lines]
    return markdown_table(heads, lines, numbers=range(1, width))


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


def _cells(row: dict[str, Any], names: list[str]) -> list[str]:
    """Stages and state of a row; "" for a stage that it does not have."""
    stages = {stage["name"]: stage for stage in row["stages"]}
    cells = [_stage(stages[name]) if name in stages else "" for name in names]
    return [*cells, _size(row["state_bytes"])]


def _timed(row: dict[str, Any], seeds: int) -> list[str]:
    """Memory and hours of a row; nothing where it was not timed."""
    if row["hours"] is None:
        return []
    memory = max(stage["peak_memory_bytes"] for stage in row["stages"])
    return [_size(memory), three_digits(row["hours"]), three_digits(row["hours"] * seeds)]


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
