"""Times of training steps, and what follows from them, also on a page. No time is asserted."""

import json
from dataclasses import replace

import pytest
import torch

from tests.unit.measure.steps import profile
from ttvos.cli.main import main
from ttvos.config.frtm import FRTMTraining
from ttvos.core.errors import UserError
from ttvos.data.augment import make_pixels
from ttvos.measure import steptime as module
from ttvos.measure.steptable import read_steptime, summary, tables
from ttvos.measure.steptime import random_batch, steptime
from ttvos.plan.needs import run_needs
from ttvos.plan.run import parse_config

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    config = profile(tmp_path_factory.mktemp("data"), average=0.9, effort={"hrnet": 0.5})
    return steptime(config, steps=3, warmup=1, needs=run_needs(config))


def test_a_random_batch_is_what_a_stage_trains_on(tmp_path):
    for stage in profile(tmp_path).train.stages:
        clips = make_pixels(random_batch(stage), CPU)
        assert clips["frames"].shape == (2, 3, 3, 32, 48)
        assert set(clips["labels"].unique().tolist()) == {0, 1}


def test_every_stage_of_every_row_is_timed(measured):
    assert json.loads(json.dumps(measured, allow_nan=False)) == measured
    assert [row["row"] for row in measured["rows"]] == ["exp8-hrnet", "exp1-hrnet"]
    for row in measured["rows"]:
        assert [stage["name"] for stage in row["stages"]] == ["stills", "davis"]
        for stage in row["stages"]:
            assert len(stage["seconds"]) == 3
            assert stage["step_seconds"] == sorted(stage["seconds"])[1] > 0
            assert stage["peak_memory_bytes"] > 50e6


def test_hours_are_seconds_times_steps(measured):
    for row in measured["rows"]:
        stills, davis = row["stages"]
        # Half of 2 epochs of 5,447 images and of 7 steps, two clips a step (effort 0.5).
        assert (stills["steps"], davis["steps"]) == (2724, 4)
        for stage in row["stages"]:
            assert stage["hours"] == pytest.approx(stage["step_seconds"] * stage["steps"] / 3600)
        assert row["hours"] == pytest.approx(stills["hours"] + davis["hours"])
    assert measured["seeds"] == 2
    assert measured["hours"] == pytest.approx(2 * sum(row["hours"] for row in measured["rows"]))


def test_bytes_on_disk_are_those_of_weights_and_optimizer(measured):
    whole, short_term = measured["rows"]
    assert short_term["checkpoint_bytes"] < whole["checkpoint_bytes"]
    assert 4 * 1.60e6 < whole["checkpoint_bytes"] < 4 * 1.70e6  # docs/facts.md, section 3
    moments = whole["state_bytes"] - 2 * whole["checkpoint_bytes"]  # weights and their mean
    assert moments == pytest.approx(2 * 4 * 1_110_118, rel=0.01)  # Adam's, of what learns


def test_the_result_says_where_it_comes_from(measured):
    origin = measured["provenance"]
    assert origin["device"]
    assert origin["precision"] == "float32"
    assert origin["threads"] == torch.get_num_threads()
    assert measured["device"] == "cpu"
    assert set(measured["protocol"]) == {"step", "peak_memory_bytes", "hours"}


def test_without_a_step_everything_is_counted_and_nothing_timed(tmp_path, measured, monkeypatch):
    monkeypatch.setattr(module, "Stepper", None)
    result = steptime(profile(tmp_path, average=0.9, effort={"hrnet": 0.5}), steps=0)
    for counted, timed in zip(result["rows"], measured["rows"], strict=True):
        assert counted["state_bytes"] == timed["state_bytes"]
        assert counted["hours"] is None
        for one, other in zip(counted["stages"], timed["stages"], strict=True):
            assert (one["steps"], one["step_seconds"]) == (other["steps"], None)
    assert result["hours"] is None
    text = tables(result)
    assert "no step was timed" in text
    # Two seeds of both rows, which are alike; two clips a step.
    assert "| exp8-hrnet to exp1-hrnet | 2,724 | 4 | 22 MB | 4 | 10,912 | 21,824 |\n" in text
    assert "| **all** |  |  |  | **4** | **10,912** | **21,824** |\n" in text
    assert "hours, one seed" not in text
    assert summary(result) == (
        "4 trainings, in all 10,912 steps and 21,824 clips. What was not timed takes 3.03 hours "
        "for each second that a step takes, one after another."
    )


def test_the_clock_is_read_around_whole_steps(tmp_path, monkeypatch):
    events = []
    monkeypatch.setattr(module, "read_clock", lambda device: events.append("clock") or 1.0)
    monkeypatch.setattr(module, "make_pixels", lambda *_: events.append("apply"))
    monkeypatch.setattr(module.Stepper, "step", lambda *_: events.append("step"))
    steptime(profile(tmp_path), rows=("exp1-hrnet",), steps=1, warmup=1)
    assert events == ["clock", "apply", "step", "clock"] * 4  # two stages


def test_the_profile_or_the_caller_says_in_how_many_parts(tmp_path, monkeypatch):
    parts = []
    monkeypatch.setattr(module.Stepper, "step", lambda it, *_: parts.append(it.task.accumulate))
    steptime(profile(tmp_path), rows=("exp1-hrnet",), steps=1, warmup=0)
    result = steptime(profile(tmp_path), ("exp1-hrnet",), steps=1, warmup=0, accumulate=2)
    assert parts == [1, 1, 2, 2]
    assert result["accumulate"] == 2


def test_too_little_memory_is_one_line_with_the_way_out(tmp_path, monkeypatch):
    def step(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(module.Stepper, "step", step)
    with pytest.raises(UserError, match=r"exp8-hrnet, stage stills: a batch of 2 .*accumulate"):
        steptime(profile(tmp_path), steps=1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rows": ("exp9-hrnet",)}, "no row exp9-hrnet; it has: exp8-hrnet, exp1-hrnet"),
        ({"steps": -1}, "take 0 or more of each"),
        ({"warmup": -1}, "take 0 or more of each"),
        ({"accumulate": 3}, "a batch of 2 cannot be split evenly into 3 parts"),
    ],
)
def test_bad_options_are_one_clear_line(tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        steptime(profile(tmp_path), **options)


def test_the_tables_show_every_row_and_all_data(measured):
    text = tables(measured)
    for row in measured["rows"]:
        assert f"| {row['row']} | " in text
    assert " s × 2,724 | " in text
    assert "hours, 2 seeds" in text
    assert " hours for 2 of the run's 2 rows, 2 seeds each" in text
    assert "not timed" not in text
    assert "| `ecssd` | 69 MB | 70 MB | fetched by a rule |" in text
    assert "| `hku-is` | not known | not known | by hand, from <" in text
    assert "(CPU, float32, " in text
    columns = {line.count("|") for line in text.splitlines() if line.startswith("|")}
    assert columns == {6, 11}
    jobs = measured["jobs"]
    assert f"{sum(jobs.values())} jobs from nothing, by rule: " in text
    assert f"{jobs['train']} `train`, " in text


def test_the_command_measures_and_writes_the_table(tmp_path, capsys):
    config = tmp_path / "quick.yaml"
    config.write_text(
        f"""{{profile: quick, title: "", caution: "", results: results, rows: [exp1-hrnet],
        datasets: {{}}, data: {tmp_path}, train: {{stages: [{{name: stills, source: stills,
        roots: ["{{ecssd}}"], height: 32, width: 48, frames: 2, batch: 1, learning_rate: 0.001,
        steps: 3}}]}}}}"""
    )
    out = tmp_path / "times.json"
    options = ["--config", str(config), "--steps", "1", "--warmup", "0", "--out", str(out)]
    assert main(["steptime", *options]) == 0
    shown = capsys.readouterr()
    assert "hours for 1 of the run's 1 row, 1 seed each" in shown.out
    assert shown.err.startswith("exp1-hrnet: ")
    assert set(json.loads(out.read_text())["load"]) == {"cores", "used_by_others"}
    page = tmp_path / "page.md"
    page.write_text(f"before\n<!-- steptime: {out.name} -->\nolder\n<!-- end -->\nafter\n")
    assert main(["fill", str(page)]) == 0
    text = tables(json.loads(out.read_text()))
    marked = f"<!-- steptime: {out.name} -->\n{text}<!-- end -->"
    assert page.read_text() == f"before\n{marked}\nafter\n"


def test_another_file_is_no_result_of_the_command(tmp_path):
    (tmp_path / "other.json").write_text("{}")
    with pytest.raises(UserError, match=r"other.json: not a file of ttvos steptime"):
        read_steptime(tmp_path / "other.json")


def test_other_trackers_rows_are_left_out_and_refused_by_name():
    stage = {"name": "davis", "source": "davis", "roots": ["x"], "height": 32, "width": 48}
    stage |= {"frames": 3, "batch": 1, "learning_rate": 0.001, "steps": 1}
    both = {"profile": "p", "title": "", "caution": "", "results": "r", "datasets": {}}
    both |= {"rows": ["exp8-hrnet", "frtm-resnet18"], "frtm": {"stages": [stage]}}
    config = parse_config(both)
    assert [row.name for row in module._rows(config, ())] == ["exp8-hrnet"]
    with pytest.raises(UserError, match="frtm-resnet18: only the training of TTVOS's rows"):
        module._rows(config, ("frtm-resnet18",))


def test_rows_of_frtm_are_counted_with_the_others(tmp_path):
    config = profile(tmp_path)
    videos = replace(config.train.stages[1], steps=None, epochs=3, years=(2017,))
    frtm = FRTMTraining(stages=(videos,), effort={"resnet18": 0.5})
    rows = (*config.rows, "frtm-resnet18", "frtm-resnet101", "frtm-resnet101-tm")
    both = replace(config, rows=rows, frtm=frtm, untrained=("frtm-resnet101-tm",))
    *_, small, large = steptime(both, steps=0)["rows"]
    # 60 sequences of DAVIS-2017, two clips a step; half of 3 epochs are 2.
    steps = [[stage["steps"] for stage in row["stages"]] for row in (small, large)]
    assert (small["row"], large["row"], steps) == ("frtm-resnet18", "frtm-resnet101", [[60], [90]])
    assert steptime(both, ("exp1-hrnet",), steps=0)["rows"][-1]["row"] == "exp1-hrnet"
    text = tables(steptime(both, steps=0))
    assert "| frtm-resnet101 |  | 90 | not known | 2 | 180 | 360 |\n" in text


def test_neighbours_that_are_alike_stand_in_one_line(tmp_path):
    config = replace(profile(tmp_path), rows=("exp5-hrnet", "exp8-hrnet"))
    text = tables(steptime(config, steps=0))
    assert "| exp5-hrnet to exp8-hrnet | 5,447 | 7 | " in text
    assert " | 4 | 21,816 | 43,632 |\n" in text


def test_what_there_is_no_time_for_is_counted_and_what_was_timed_is_kept(tmp_path):
    kept = []
    rows = ("exp1-hrnet", "exp8-hrnet")
    result = steptime(profile(tmp_path), rows, steps=1, warmup=0, seconds=-1, keep=kept.append)
    assert [row["hours"] for row in result["rows"]] == [None, None]
    assert [row["stages"][0]["steps"] > 0 for row in result["rows"]] == [True, True]
    assert (result["hours"], kept) == (None, [])
    result = steptime(profile(tmp_path), rows[:1], steps=1, warmup=0, seconds=60, keep=kept.append)
    assert result["hours"] == result["rows"][0]["hours"] * result["seeds"]
    assert [one["hours"] for one in kept] == [result["hours"]]
