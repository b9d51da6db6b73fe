"""One line that says what a run is doing, in place of Snakemake's text, which goes to a file.

Snakemake's messages are records of Python's `logging`, each with an event and its facts; a handler
beside Snakemake's own reads them. A dry run, `--verbose`, `--printshellcmds` and `--quiet` keep
what Snakemake itself shows.
"""

import json
import logging
import shutil
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from snakemake.logging import logger
from snakemake_interface_logger_plugins.common import LogEvent

from ttvos.core.files import write_json
from ttvos.core.provenance import provenance

REFRESH, INTERVAL = 0.5, 30  # seconds between lines of a terminal, and of a file
INSTANT = {"note": 0.0, "show": 1.0}  # seconds of rules that nothing is kept of
LOG_LINES = 15  # of a failed job's log


def show_progress(
    workflow: Any, log: str, page: str, times: str, kept_times: str
) -> Callable[[bool], None]:
    """Show a line of progress for a run that a user has started; nothing for any other process.

    log: the file for all of Snakemake's text. page: what to open when the run is done. times: the
    JSON file of what the rules' jobs took here, read for the estimate and written anew at the end;
    kept_times: one of another machine, for the first run. Returns what to call at the end, with
    whether all jobs were done.
    """
    output = workflow.output_settings
    own_text = output.verbose or output.printshellcmds or output.debug_dag or output.quiet
    if not workflow.is_main_process or output.dryrun or own_text:
        return lambda is_whole: None
    line = ProgressLine(sys.stderr, log, page, read_times(times) or read_times(kept_times))
    for handler in [known for known in logger.handlers if known.name == "DefaultStreamHandler"]:
        logger.addHandler(_file_of(log, handler, line))
        logger.addHandler(line)
        handler.addFilter(line.leaves_to_snakemake)

    def end(is_whole: bool) -> None:
        line.end(is_whole)
        write_times(times, line.progress)

    return end


def read_times(path: str) -> dict[str, float]:
    """What a job of each rule takes by a file of `write_times`; nothing where there is none."""
    try:
        return dict(json.loads(Path(path).read_text())["seconds"])
    except (OSError, ValueError, KeyError):  # an estimate is not worth an error
        return {}


def write_times(path: str, progress: "Progress") -> None:
    """Keep the mean work of each rule's jobs: seconds, those of all their cores added up.

    Of a rule of which no job ended, what was expected stays. Nothing is written of no jobs.
    """
    if progress.work:
        ended = {rule: sum(work) / len(work) for rule, work in progress.work.items()}
        write_json(path, {"seconds": progress.expected | ended, "provenance": provenance()})


def _file_of(path: str, shown: logging.Handler, line: "ProgressLine") -> logging.Handler:
    """A handler that writes to a file what another one would show of a run; the file is made by
    the first record, so not by the reading of the rules."""
    file = _LateFile(path, mode="w", delay=True)
    file.setFormatter(shown.formatter)
    for condition in (*shown.filters, lambda record: line.has_started):
        file.addFilter(condition)
    return file


class _LateFile(logging.FileHandler):
    def emit(self, record: logging.LogRecord) -> None:
        if self.stream is None:
            Path(self.baseFilename).parent.mkdir(parents=True, exist_ok=True)
        super().emit(record)


@dataclass
class Progress:
    """Which jobs run and are left, and for how long still. expected: a job's work, by rule."""

    expected: dict[str, float]
    cores: int = 1
    left: Counter = field(default_factory=Counter)  # rule -> jobs that have not ended
    total: int = 0
    running: dict[int, tuple[str, str, float]] = field(default_factory=dict)
    work: dict[str, list[float]] = field(default_factory=dict)  # rule -> of jobs that ended
    threads: dict[str, int] = field(default_factory=dict)  # rule -> of a job

    def plan(self, stats: dict[str, int]) -> None:
        """Take over Snakemake's table of jobs, of which `all` does nothing."""
        self.left = Counter({rule: n for rule, n in stats.items() if rule not in ("total", "all")})
        self.total = sum(self.left.values())

    def start(self, job: int, rule: str, name: str, threads: int) -> None:
        self.running[job] = rule, name, time.monotonic()
        self.threads[rule] = threads

    def end(self, job: int) -> None:
        rule, _, began = self.running.pop(job, ("", "", 0.0))
        if rule in self.left:
            self.left[rule] -= 1
            spent = (time.monotonic() - began) * self.threads[rule]
            self.work.setdefault(rule, []).append(spent)

    def seconds_left(self) -> float | None:
        """An estimate from the mean of each rule's ended jobs; None where a rule's is not known."""
        now, work = time.monotonic(), 0.0
        for rule, count in (+self.left).items():
            ended, threads = self.work.get(rule), self.threads.get(rule, 1)
            mean = sum(ended) / len(ended) if ended else self.expected.get(rule, INSTANT.get(rule))
            if mean is None:
                return None
            begun = [began for name, _, began in self.running.values() if name == rule]
            work += count * mean - sum(min((now - began) * threads, mean) for began in begun)
        return work / self.cores

    def line(self) -> str:
        """For example "34 of 58 jobs done, about 3 min left: train exp4-hrnet-s0, speed hrnet"."""
        done = self.total - sum(self.left.values())
        left = self.seconds_left()
        estimate = f", about {_duration(left)} left" if left is not None else ""
        names = ", ".join(name for _, name, _ in self.running.values())
        return f"{done} of {self.total} jobs done{estimate}: {names or 'starting'}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(10, round(seconds, -1)):.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.0f} h"


class ProgressLine(logging.Handler):
    """The line, over itself on a terminal, else a new one every half minute; and what went wrong.

    stream: where to. log: the file with all that Snakemake says. page: what to open at the end.
    """

    def __init__(self, stream: TextIO, log: str, page: str, expected: dict[str, float]) -> None:
        super().__init__()
        self.stream, self.log, self.page = stream, log, page
        self.progress = Progress(expected)
        self.is_terminal = stream.isatty()
        self.shown = 0.0  # when the last line was
        self.failed: set[int] = set()  # jobs whose failure was told
        self.ended = threading.Event()
        self.has_started = False

    def leaves_to_snakemake(self, record: logging.LogRecord) -> bool:
        """Whether Snakemake shows a record itself: all before a run starts, and without one
        (`--lint`, `--unlock`), but for a sentence about file systems."""
        self.has_started |= getattr(record, "event", None) == LogEvent.WORKFLOW_STARTED
        return not self.has_started and not str(record.msg).startswith("Assuming unrestricted")

    def emit(self, record: logging.LogRecord) -> None:
        if not self.has_started:
            return
        try:
            self._take(record)
        except Exception:
            self.handleError(record)

    def _take(self, record: logging.LogRecord) -> None:
        event, facts = getattr(record, "event", None), record.__dict__
        if event == LogEvent.RESOURCES_INFO and facts.get("cores"):
            self.progress.cores = facts["cores"]
        elif event == LogEvent.RUN_INFO:
            self.progress.plan(facts["stats"])
            self._say(f"{self.progress.total} jobs; all that Snakemake says: {self.log}")
            threading.Thread(target=self._keep_showing, daemon=True).start()
        elif event == LogEvent.JOB_INFO:
            name = " ".join([facts["rule_name"], *map(str, facts["wildcards"].values())])
            self.failed.discard(facts["jobid"])  # another attempt
            self.progress.start(facts["jobid"], facts["rule_name"], name, facts["threads"])
            self._show()
        elif event == LogEvent.JOB_FINISHED:
            self.progress.end(facts["job_id"])
            self._show()
        elif event == LogEvent.JOB_ERROR:
            self._fail(facts)  # which Snakemake tells again at its end
        elif event in (None, LogEvent.ERROR):
            self._other(record)

    def _other(self, record: logging.LogRecord) -> None:
        """Errors that are no job's, and that there is nothing to do."""
        text = str(record.msg or "").strip()
        of_job = self.failed or "CalledProcessError in file" in text  # told with the job's log
        if record.levelno >= logging.ERROR and not of_job:
            self._say(text)
        elif text.startswith("Nothing to be done"):
            self._say("Nothing to be done: every result is there and up to date.")
            self.end(True)

    def _fail(self, facts: dict[str, Any]) -> None:
        if facts["jobid"] in self.failed:
            return
        self.failed.add(facts["jobid"])
        _, name, _ = self.progress.running.pop(facts["jobid"], ("", facts["rule_name"], 0.0))
        self._say(f"Failed: {name}")
        for path in facts["log"]:
            file = Path(path)
            lines = file.read_text(errors="replace").splitlines() if file.is_file() else []
            for line in lines[-LOG_LINES:]:
                self._say(f"    {line[:500]}")
            self._say(f"  its log: {path}")

    def _keep_showing(self) -> None:
        """Show the line again and again, also while no job starts or ends."""
        while not self.ended.wait(REFRESH):
            with self.lock:
                self._show()

    def _show(self) -> None:
        """The line of now, unless the last one was just before."""
        now = time.monotonic()
        if (
            now - self.shown < (REFRESH if self.is_terminal else INTERVAL)
            or not self.progress.total
        ):
            return
        self.shown = now
        line = self.progress.line()
        if not self.is_terminal:
            self._say(line)
            return
        width = shutil.get_terminal_size().columns - 1
        self.stream.write(f"\r\x1b[K{line[:width]}")
        self.stream.flush()

    def _say(self, text: str) -> None:
        """A line that stays."""
        self.stream.write(f"\r\x1b[K{text}\n" if self.is_terminal else f"{text}\n")
        self.stream.flush()

    def end(self, is_whole: bool) -> None:
        """The last words of a run, and where its report is. is_whole: whether all jobs are done."""
        with self.lock:
            self.ended.set()
            if not is_whole:
                self._say(f"The run has stopped. All that Snakemake said: {self.log}")
                return
            if self.progress.total:
                self._say(f"All {self.progress.total} jobs are done.")
            if Path(self.page).is_file():
                self._say(f"Open {self.page}")
