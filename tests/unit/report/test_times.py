"""Times of the rules: sums that hold, and nothing said of a run that was another one."""

import json
import os
from pathlib import Path

import pytest

from ttvos.core.errors import UserError
from ttvos.report.inputs import load_inputs
from ttvos.report.origin import RUN_STARTED, Job, RuleTimes, RunTime, by_rule, read_jobs, run_time
from ttvos.report.report import render

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


def test_without_a_workflow_no_run_is_timed(monkeypatch):
    monkeypatch.delenv(RUN_STARTED, raising=False)
    assert run_time(JOBS, now=4000.0) is None


def test_a_start_that_is_no_number_is_one_clear_line(monkeypatch):
    monkeypatch.setenv(RUN_STARTED, "noon")
    with pytest.raises(UserError, match="TTVOS_RUN_STARTED=noon: expected seconds"):
        run_time(JOBS, now=4000.0)


def write_times(manifest: Path, **times: float) -> Path:
    """Rules' benchmark files that end at 1000 s; `missing` is named by the manifest only."""
    named = {"missing": "benchmarks/missing.tsv"}
    for rule, seconds in times.items():
        named[rule] = f"benchmarks/{rule}.tsv"
        path = manifest.parent / named[rule]
        path.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:00\t-\n")
        os.utime(path, (1000, 1000))
    values = json.loads(manifest.read_text()) | {"other_benchmarks": named}
    manifest.write_text(json.dumps(values))
    return manifest


def test_times_that_no_result_waits_for_are_read_where_they_are(small_run):
    jobs = read_jobs(load_inputs(write_times(small_run, notebook=7.5)))
    assert [(job.rule, job.seconds, job.memory) for job in jobs] == [
        ("train", 61.5, 812.3),
        ("notebook", 7.5, None),
    ]


def test_a_damaged_time_is_one_clear_line(small_run):
    (small_run.parent / "benchmarks/train.tsv").write_text("s\n")
    with pytest.raises(UserError, match="not a readable benchmark file"):
        read_jobs(load_inputs(small_run))


def page(manifest: Path, out: Path) -> str:
    render(load_inputs(manifest), out)
    return (out / "index.html").read_text()


def test_the_page_says_how_long_the_run_took(small_run, tmp_path, monkeypatch):
    monkeypatch.setenv(RUN_STARTED, "900")
    monkeypatch.setattr("ttvos.report.page.time.time", lambda: 1412.0)
    write_times(small_run, notebook=7.5)
    train = small_run.parent / "benchmarks/train.tsv"
    os.utime(train, (950, 950))
    whole = page(small_run, tmp_path / "whole")
    assert "took 512 seconds from the start of Snakemake to this page, all 2 jobs in it" in whole
    assert "its time is known only afterwards" in whole
    os.utime(train, (800, 800))
    write_times(small_run, notebook=7.5, reports=3.0)
    part = page(small_run, tmp_path / "part")
    assert "1 of the 2 jobs ran in the run that rendered this page" in part
    assert "the rendering before this one" in part
    monkeypatch.setenv(RUN_STARTED, "1300")
    assert "rendered this page, which took" not in page(small_run, tmp_path / "none")
