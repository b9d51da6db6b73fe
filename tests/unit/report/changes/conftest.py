"""Two reports of a made-up run, as plain data, and `ttvos compare` on them."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from ttvos.cli.main import main

FILE = "evaluate/exp8.json"
SPEED = "speed/exp8.json"
OBJECTS = {"drift": 1, "pair": 2, "crowd": 3, "grow": 1, "shrink": 1, "occluded": 2}


def origin(**facts: Any) -> dict[str, Any]:
    """A provenance as report.json has it."""
    base = {"commit": "aaaa", "source": "s1", "config": "c1", "seed": 0, "device": "CPU one"}
    base |= {"data": {"profile": "mini", "root": "davis", "year": 2017}, "cpus": 2}
    return {**base, "libraries": {"torch": "2.11.0"}, "time": "2026-01-02T03:04:05", **facts}


def scored(seed: int = 0, shift: dict[str, float] | None = None) -> dict[str, Any]:
    """An evaluation; shift: points by which all objects of a sequence differ."""
    sequences = {
        name: {
            str(number + 1): {"j": 60.0 + seed + 3 * number + by, "f": 70.0 + number + by}
            for number in range(count)
        }
        for name, count in OBJECTS.items()
        for by in [(shift or {}).get(name, 0.0)]
    }
    objects = [of for group in sequences.values() for of in group.values()]
    j, f = (sum(of[key] for of in objects) / len(objects) for key in "jf")
    file = FILE.replace("exp8", f"exp8-s{seed}")
    return {"file": file, "seed": seed, "jf": (j + f) / 2, "j": j, "f": f, "sequences": sequences}


def speed(repeats: list[float], **conditions: Any) -> dict[str, Any]:
    """A timing of as many repeats, in frames a second."""
    known = {"device": "CPU one", "engine": "fast", "size": "480×854", "objects": 1}
    entry = {"entry": "exp8", "label": "TTVOS exp8", "kind": "model", "file": SPEED}
    return {**entry, "fps": sum(repeats) / len(repeats), "repeats": repeats} | {
        "conditions": {**known, **conditions}
    }


def table(jf: float, seconds: float = 5.0, rows: int = 2) -> dict[str, Any]:
    """A table with a row of the accuracy, and further rows that never change."""
    columns = [
        {"key": "entry", "label": "Entry", "kind": "text"},
        {"key": "jf", "label": "J&F", "kind": "extra", "digits": 1},
        {"key": "seconds", "label": "seconds", "kind": "extra", "digits": 0},
    ]
    first = {"entry": {"value": "exp8"}, "jf": {"value": jf}, "seconds": {"value": seconds}}
    others = [{"entry": {"value": f"row {n}"}, "jf": {"value": 1.0}} for n in range(1, rows)]
    text = {"name": "summary", "title": "Accuracy", "caption": ""}
    return {**text, "columns": columns, "rows": [first, *others]}


def entry(*files: dict[str, Any], **names: str) -> dict[str, Any]:
    """The evaluations of exp8, one a seed."""
    base = {"entry": "exp8", "label": "TTVOS exp8", "kind": "model", "dataset": "davis17"}
    return {**base, **names, "files": list(files)}


@pytest.fixture
def report() -> dict[str, Any]:
    """A report, to be changed by a test."""
    comparable = {"accuracy": False, "speed": False, "reason": ""}
    names = {"name": "mini", "title": "Made up", "caution": "", "data_label": "clips"}
    head = {key: [] for key in ("answer", "claims", "cautions", "findings", "verdicts")}
    files = {FILE.replace("exp8", f"exp8-s{seed}"): origin(seed=seed) for seed in (0, 1)}
    files[SPEED] = origin()
    first = scored()
    return copy.deepcopy(
        {
            "format": 1,
            "run": {**names, "comparable": comparable, "datasets": {}},
            "head": {**head, "released": ""},
            "tables": [table(first["jf"])],
            "figures": [],
            "scores": [entry(first)],
            "speeds": [speed([10.0, 10.1, 9.9])],
            "rules": [],
            "files": {name: {"kind": "Scores", "provenance": of} for name, of in files.items()},
            "provenance": origin(),
        }
    )


@pytest.fixture
def compared(report, tmp_path: Path, capsys):
    """compared(change, *options): A is the report, B what change(report) makes of it; returns the
    exit code, all that was said, and the comparison as JSON."""

    def call(change=lambda values: None, *options: str) -> tuple[int, str, dict[str, Any]]:
        after = copy.deepcopy(report)
        change(after)
        for name, values in (("a", report), ("b", after)):
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / "report.json").write_text(json.dumps(values))
        paths = [str(tmp_path / name) for name in ("a", "b", "found.json")]
        code = main(["compare", *paths[:2], "--json", paths[2], *options])
        told = capsys.readouterr()
        found = Path(paths[2])
        return code, told.out + told.err, json.loads(found.read_text()) if found.exists() else {}

    return call
