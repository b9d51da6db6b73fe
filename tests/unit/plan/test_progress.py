"""The line of progress of a run, from Snakemake's own records of what it does."""

import importlib.util
import io
import logging
from pathlib import Path

import pytest

from ttvos.core.provenance import REPOSITORY

pytest.importorskip("snakemake")
spec = importlib.util.spec_from_file_location(
    "run_progress", REPOSITORY / "workflow/scripts/run_progress.py"
)
run_progress = importlib.util.module_from_spec(spec)
spec.loader.exec_module(run_progress)
Event = run_progress.LogEvent


class Terminal(io.StringIO):
    """What is written to a terminal, or to a file."""

    def __init__(self, is_terminal: bool) -> None:
        super().__init__()
        self.is_terminal = is_terminal

    def isatty(self) -> bool:
        return self.is_terminal


@pytest.fixture
def run(tmp_path, monkeypatch):
    """run(is_terminal, seconds expected by rule): a handler, how to send it events, its stream."""
    monkeypatch.setattr(run_progress, "INTERVAL", 0)
    monkeypatch.setattr(run_progress, "REFRESH", 60)
    (tmp_path / "index.html").write_text("")

    def start(is_terminal: bool = False, **expected: float):
        stream = Terminal(is_terminal)
        page = str(tmp_path / "index.html")
        line = run_progress.ProgressLine(stream, "all.log", page, expected)
        line.has_started = True

        def send(event, message: str = "", level: int = logging.INFO, **facts):
            record = logging.LogRecord("snakemake", level, "", 0, message, (), None)
            record.__dict__.update(facts, **({"event": event} if event else {}))
            line.handle(record)

        return line, send, stream

    return start


def began(send, job: int, rule: str, **wildcards: str) -> None:
    send(Event.JOB_INFO, jobid=job, rule_name=rule, wildcards=wildcards, threads=1)


def test_it_says_what_runs_what_is_left_and_for_how_long(run):
    line, send, stream = run(train=240, cost=20)
    send(Event.RESOURCES_INFO, cores=2)
    send(Event.RUN_INFO, stats={"train": 2, "cost": 1, "all": 1, "total": 4})
    began(send, 1, "cost")
    began(send, 2, "train", run="exp1-hrnet-s0")
    assert stream.getvalue().splitlines()[-1] == (
        "0 of 3 jobs done, about 4 min left: cost, train exp1-hrnet-s0"
    )
    send(Event.JOB_FINISHED, job_id=1)
    assert stream.getvalue().splitlines()[-1].startswith("1 of 3 jobs done, about 4 min left: tra")
    line.end(True)
    assert stream.getvalue().splitlines()[-1] == f"Open {line.page}"


def test_a_job_that_ended_here_is_the_measure_of_its_rule(run):
    line, send, _ = run(train=240)
    send(Event.RUN_INFO, stats={"train": 2, "total": 2})
    began(send, 1, "train", run="one")
    line.progress.running[1] = ("train", "train one", run_progress.time.monotonic() - 1000)
    send(Event.JOB_FINISHED, job_id=1)
    assert line.progress.seconds_left() == pytest.approx(1000, abs=5)
    line.end(True)


def test_what_jobs_took_is_kept_for_the_next_run(run, tmp_path):
    line, send, _ = run(train=240, cost=20)
    path = str(tmp_path / "times.json")
    run_progress.write_times(path, line.progress)
    assert run_progress.read_times(path) == {}
    send(Event.RUN_INFO, stats={"train": 2, "total": 2})
    for job, seconds in enumerate((30, 50)):
        began(send, job, "train", run=str(job))
        line.progress.running[job] = ("train", "", run_progress.time.monotonic() - seconds)
        send(Event.JOB_FINISHED, job_id=job)
    line.end(True)
    run_progress.write_times(path, line.progress)
    assert run_progress.read_times(path) == pytest.approx({"train": 40, "cost": 20}, abs=1)
    Path(path).write_text("{")
    assert run_progress.read_times(path) == {}


def test_without_a_measure_no_time_is_told(run):
    line, send, stream = run()
    send(Event.RUN_INFO, stats={"train": 1, "total": 1})
    began(send, 1, "train", run="one")
    assert stream.getvalue().splitlines()[-1] == "0 of 1 jobs done: train one"
    line.end(True)


def test_a_terminal_has_one_line_that_changes(run, monkeypatch):
    monkeypatch.setattr(run_progress, "REFRESH", 0.01)
    line, send, stream = run(is_terminal=True)
    send(Event.RUN_INFO, stats={"train": 1, "total": 1})
    line.shown = 0
    began(send, 1, "train", run="x" * 500)
    line.end(True)
    text = stream.getvalue()
    assert text.count("\n") == 3  # where the log is, that all is done, and the report
    assert all(len(part) < 500 for part in text.split("\r"))


def test_a_failure_is_the_rule_its_reason_and_its_log_told_once(run, tmp_path):
    log = tmp_path / "train.log"
    log.write_text("\n".join([*(f"line {number}" for number in range(40)), "no such clip"]))
    line, send, stream = run()
    send(Event.RUN_INFO, stats={"train": 1, "total": 1})
    began(send, 1, "train", run="one")
    for _ in range(2):
        send(Event.ERROR, "CalledProcessError in file x.smk: a long command", logging.ERROR)
        send(Event.JOB_ERROR, level=logging.ERROR, jobid=1, rule_name="train", log=[str(log)])
    line.end(False)
    told = stream.getvalue()
    assert told.count("Failed: train one") == 1
    assert "    no such clip\n" in told
    assert "line 3\n" not in told
    assert f"its log: {log}" in told
    assert "CalledProcessError" not in told
    assert told.splitlines()[-1] == "The run has stopped. All that Snakemake said: all.log"


def test_errors_before_any_job_and_nothing_to_do_are_told(run):
    line, send, stream = run()
    send(Event.ERROR, "Directory cannot be locked", logging.ERROR)
    send(None, "Nothing to be done (all requested files are present and up to date).")
    assert "Directory cannot be locked" in stream.getvalue()
    assert "Nothing to be done" in stream.getvalue()
    assert stream.getvalue().splitlines()[-1] == f"Open {line.page}"


def test_before_a_run_starts_snakemake_speaks_for_itself(run):
    line, _, _ = run()
    line.has_started = False
    lint = logging.LogRecord("snakemake", logging.INFO, "", 0, "Your workflow is fine", (), None)
    assert line.leaves_to_snakemake(lint)
    lint.event = Event.WORKFLOW_STARTED
    assert not line.leaves_to_snakemake(lint)
    assert line.has_started
