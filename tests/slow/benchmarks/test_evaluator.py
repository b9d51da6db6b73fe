"""The evaluator's benchmark, on a tiny data set: its logic, not its figures."""

import json

import pytest

pytest.importorskip("vos_benchmark", reason="needs vos-benchmark (development dependency)")
from benchmarks import evaluator


@pytest.fixture(autouse=True)
def few_frames(monkeypatch):
    monkeypatch.setattr(evaluator, "OBJECT_FRAMES", 2)


def arguments(tiny_davis, *more):
    masks = tiny_davis / "Annotations/480p"
    out = tiny_davis.parent / "out/evaluator.json"
    return ["--out", str(out), "--dataset", str(tiny_davis), "--masks", str(masks), *more], out


def test_writes_every_repeat_the_bars_and_their_origin(tiny_davis, capsys):
    command, out = arguments(tiny_davis, "--repeats", "1")
    assert evaluator.main(command) == 0
    found = json.loads(out.read_text())
    for key in ("seconds", "cpu_seconds", "peak_memory_bytes"):
        assert set(found[key]) == {"decode", "ours", "vos_benchmark"}
        assert all(len(values) == 1 and values[0] > 0 for values in found[key].values())
    assert set(found["objects"]["seconds"]) == {"one", "ten", "one_decoded", "ten_decoded"}
    assert set(found["bars"]) == set(evaluator.BARS)
    for bar in found["bars"].values():
        assert set(bar) == {"value", "bar", "asked", "holds"}
    ours, theirs = found["medians"]["ours"], found["medians"]["vos_benchmark"]
    assert found["bars"]["speedup_over_vos_benchmark"]["value"] == theirs / ours
    assert found["bars"]["largest_difference_of_j_and_f"]["holds"]
    assert found["provenance"]["frames"] == 2 * 6
    assert found["provenance"]["processes"] == 2
    assert capsys.readouterr().out.count("bar ") == len(evaluator.BARS)


def test_scores_that_differ_are_seen():
    runs = {"ours": [{"scores": {"a": (0.5, 0.25)}}]}
    runs["vos_benchmark"] = [{"scores": {"a": (0.5, 0.75)}}]
    assert evaluator._difference(runs) == 0.5


def test_a_bar_is_a_lower_or_an_upper_bound():
    assert evaluator.bar(3.0, 2.0, True)["holds"]
    assert not evaluator.bar(3.0, 2.0, False)["holds"]
    assert evaluator.bar(2.0, 2.0, False)["holds"]


def test_its_clips_have_that_many_objects():
    for objects in (1, 10):
        results, truths = evaluator._clip(objects)
        assert len(results) == len(truths) == 2
        for mask in (*results, *truths):
            assert mask.shape == (480, 854)
            assert mask.max() == objects
            assert len(set(mask.ravel().tolist())) == objects + 1


@pytest.mark.parametrize("option", ["--dataset", "--masks"])
def test_absent_data_is_one_clear_line(tiny_davis, capsys, option):
    command, _ = arguments(tiny_davis, option, "nowhere")
    assert evaluator.main(command) == 1
    error = capsys.readouterr().err
    assert error == "error: nowhere: no such folder; name the data by --dataset and --masks\n"


def test_a_missing_vos_benchmark_is_one_clear_line(tiny_davis, capsys, monkeypatch):
    monkeypatch.setattr(evaluator.importlib.util, "find_spec", lambda name: None)
    assert evaluator.main(arguments(tiny_davis)[0]) == 1
    assert capsys.readouterr().err.startswith("error: vos-benchmark is missing; pip install")
