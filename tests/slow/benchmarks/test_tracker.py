"""The tracker's benchmarks at tiny size: their logic, not their figures."""

import json

import pytest

from benchmarks import growth, masks, startup, tracker
from benchmarks.command import bar
from benchmarks.paths import time_in_turns


def written(benchmark, out, *arguments):
    assert benchmark.main([*arguments, "--out", str(out)]) == 0
    return json.loads(out.read_text())


def test_tracker(tmp_path, capsys):
    size = ["--height", "48", "--width", "64", "--repeats", "2", "--no-compile"]
    found = written(tracker, tmp_path / "out.json", *size)
    assert {"plain", "float32"} <= set(found["paths"])
    for path in found["paths"].values():
        assert len(path["seconds"]) == 2
        assert path["fps"] == pytest.approx(1 / path["median"])
        assert path["over_plain"] == found["paths"]["plain"]["median"] / path["median"]
        assert path["fraction"] > 0
    assert set(found["bars"]) == {"float32_over_plain"}
    assert found["provenance"]["command"][:2] == ["python", "benchmarks/tracker.py"]
    assert "x plain" in capsys.readouterr().out


def test_masks(tmp_path, tiny_davis):
    data = tiny_davis.parent / "davis16"
    found = written(masks, tmp_path / "out.json", "--dataset", str(data), "--only", "one")
    assert found["paths"]["plain"]["agreement"] == 1
    assert 0.9 < found["paths"]["float32"]["agreement"] <= 1
    assert found["sequences"] == {"one": 8}
    assert "float32 agreement" in found["bars"]


def test_masks_without_data(tmp_path, capsys):
    out = tmp_path / "out.json"
    assert masks.main(["--dataset", str(tmp_path / "none"), "--out", str(out)]) == 1
    assert "--dataset" in capsys.readouterr().err
    assert not out.exists()


def test_growth(tmp_path, monkeypatch):
    monkeypatch.setattr(growth, "SIZES", {"tiny": (48, 64)})
    size = ["--height", "48", "--width", "64", "--frames", "60", "--repeats", "2"]
    found = written(growth, tmp_path / "out.json", *size)
    assert found["length"]["frames"] == 60
    assert len(found["length"]["early"]["seconds"]) == len(found["length"]["late"]["seconds"]) > 0
    assert set(found["objects"]) == {"1", "2", "3", "5"}
    assert found["sizes"]["tiny"]["peak_memory_bytes"] > 0
    assert len(found["bars"]) == 3


def test_startup(tmp_path, monkeypatch):
    monkeypatch.setattr(startup, "FIRST_MASK", ["-c", "pass"])
    found = written(startup, tmp_path / "out.json", "--repeats", "1")
    assert {name: len(values) for name, values in found["seconds"].items()} == {
        "help": 1,
        "first_mask": 1,
    }


def test_bars():
    lower, upper = bar(2, 1.5), bar(2, 1.5, at_least=False)
    assert lower == {"value": 2, "bar": 1.5, "asked": "at least", "holds": True}
    assert upper == {"value": 2, "bar": 1.5, "asked": "at most", "holds": False}


def test_turns_leave_the_warm_up_out():
    import torch

    calls = []
    functions = {name: lambda name=name: calls.append(name) for name in "ab"}
    seconds = time_in_turns(functions, repeats=3, device=torch.device("cpu"), warmup=1)
    assert calls == list("abababab")
    assert {name: len(values) for name, values in seconds.items()} == {"a": 3, "b": 3}


def test_a_path_that_fails_costs_the_others_nothing(tmp_path, monkeypatch):
    make = tracker.make_path

    def make_path(name, model, device):
        if name == "float32":
            raise RuntimeError("operation not permitted\nwhen stream is capturing")
        return make(name, model, device)

    monkeypatch.setattr(tracker, "make_path", make_path)
    size = ["--height", "48", "--width", "64", "--repeats", "2", "--no-compile"]
    found = written(tracker, tmp_path / "out.json", *size)
    assert found["failed"] == {
        "float32": "RuntimeError: operation not permitted when stream is capturing"
    }
    assert list(found["paths"]) == ["plain"]
