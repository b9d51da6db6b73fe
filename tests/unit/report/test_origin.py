"""What the page says of where numbers come from, and of how long the run that made them took."""

import json
import os
from pathlib import Path

import pytest

from tests.unit.report.fake_peers import peer_speed
from tests.unit.report.fake_results import provenance
from ttvos.core.errors import UserError
from ttvos.records.schema import Result, TrackerSpeed
from ttvos.records.store import parse
from ttvos.report.inputs import load_inputs
from ttvos.report.origin import (
    RUN_STARTED,
    Job,
    RuleTimes,
    RunTime,
    by_rule,
    origins,
    overview,
    read_jobs,
    run_time,
)
from ttvos.report.page import environment
from ttvos.report.results import File, timed_on


def result(name: str, **facts) -> File[Result]:
    return File(name, parse({"provenance": provenance(**facts)}, Result, name))


MASKS = "results/mini/predict/exp8-hrnet-s0/davis17"
PREDICT = result(f"{MASKS}/predict.json", precision="bfloat16", command=["ttvos", "predict", "x"])
SCORES = result("evaluate/a.json", precision=None, masks=MASKS, command=["ttvos", "evaluate"])
FOREIGN = result("evaluate/b.json", precision=None, masks="elsewhere", command=["ttvos"])
TRAIN = result("train/a.json", command=["ttvos", "train"])


def test_scores_say_in_which_precision_their_masks_were_tracked():
    found = origins([SCORES, FOREIGN, PREDICT])
    assert found["evaluate/a.json"].brief.endswith(", masks tracked in bfloat16")
    assert ("tracked in", "bfloat16") in found["evaluate/a.json"].facts
    assert found[PREDICT.name].brief.endswith(", bfloat16")
    assert "tracked in" not in found["evaluate/b.json"].brief
    assert "tracked in" not in dict(found["evaluate/b.json"].facts)


def test_masks_without_provenance_tell_no_precision():
    origin = {"precision": "bfloat16"}
    unknown = File(PREDICT.name, parse({"provenance": origin}, Result, PREDICT.name))
    found = origins([SCORES, unknown])
    assert "tracked in" not in found["evaluate/a.json"].brief
    assert found[PREDICT.name].brief == "no provenance: its numbers are not shown"


def test_precisions_that_differ_are_told_apart_by_command():
    mixed = dict(overview([TRAIN, PREDICT, SCORES]))
    assert mixed["Precision"] == "bfloat16 (predict); float32 (train)"
    assert dict(overview([TRAIN, TRAIN]))["Precision"] == "float32"


def test_a_speed_is_called_plain_pytorch_only_where_it_has_pytorchs_precision():
    made = peer_speed(1.0) | {"provenance": None}
    for precision, words in (
        ("float32", "cpu, float32, plain PyTorch"),
        (None, "cpu, precision not recorded"),
    ):
        speed = parse(made | {"precision": precision}, TrackerSpeed, "a")
        assert timed_on(File("a", speed)) == words


JOBS = [
    Job("train", 60.0, 800.0, ended=2000.0),
    Job("cost", 9.0, None, ended=1000.0),
    Job("train", 50.0, 900.0, ended=3000.0),
    Job("reports", 5.0, 300.0, ended=500.0),
]


def test_jobs_of_a_rule_stand_together_longest_rule_first():
    assert by_rule(JOBS) == [
        RuleTimes("train", 2, 110.0, 60.0, 900.0),
        RuleTimes("cost", 1, 9.0, 9.0, None),
        RuleTimes("reports", 1, 5.0, 5.0, 300.0),
    ]


@pytest.mark.parametrize(("start", "ran"), [("0", 3), ("999.5", 3), ("1500", 2), ("3500", 0)])
def test_only_jobs_of_this_run_are_counted(monkeypatch, start, ran):
    monkeypatch.setenv(RUN_STARTED, start)
    assert run_time(JOBS, now=4000.0) == RunTime(4000.0 - float(start), ran)


def test_a_run_without_a_workflow_or_a_readable_start_is_not_timed(monkeypatch):
    monkeypatch.delenv(RUN_STARTED, raising=False)
    assert run_time(JOBS, now=4000.0) is None
    monkeypatch.setenv(RUN_STARTED, "noon")
    with pytest.raises(UserError, match="TTVOS_RUN_STARTED=noon: expected seconds"):
        run_time(JOBS, now=4000.0)


def write_time(folder: Path, rule: str, seconds: float) -> str:
    """A rule's benchmark file; returns its name."""
    path = folder / "benchmarks" / f"{rule}.tsv"
    path.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:00\t-\n")
    os.utime(path, (1000, 1000))
    return f"benchmarks/{rule}.tsv"


def test_times_that_no_result_waits_for_are_read_where_they_are(small_run):
    named = {"missing": "benchmarks/missing.tsv"}
    named["notebook"] = write_time(small_run.parent, "notebook", 7.5)
    values = json.loads(small_run.read_text()) | {"other_benchmarks": named}
    small_run.write_text(json.dumps(values))
    jobs = read_jobs(load_inputs(small_run))
    assert [(job.rule, job.seconds, job.memory) for job in jobs] == [
        ("train", 61.5, 812.3),
        ("notebook", 7.5, None),
    ]
    (small_run.parent / "benchmarks/train.tsv").write_text("s\n")
    with pytest.raises(UserError, match="not a readable benchmark file"):
        read_jobs(load_inputs(small_run))


@pytest.mark.parametrize(
    ("start", "jobs", "shown"),
    [
        ("900", JOBS[:3], "took 512 seconds from the start of Snakemake to this page, all 3 jobs"),
        ("900", JOBS[:3], "its time is known only afterwards"),
        ("1500", JOBS, "2 of the 3 jobs ran in the run that rendered this page"),
        ("1500", JOBS, "the rendering before this one"),
        ("1500", JOBS, ">110.0</td><td>60.0</td><td>900</td>"),
    ],
)
def test_the_page_says_how_long_the_run_took(monkeypatch, start, jobs, shown):
    monkeypatch.setenv(RUN_STARTED, start)
    times = environment().get_template("parts.html.j2").module.rule_times
    assert shown in times(by_rule(jobs), run_time(jobs, now=1412.0), {"time": "now"})
    assert "which took" not in times(by_rule(jobs), RunTime(1.0, 0), {"time": "now"})
