"""Loss curves: `loss.csv` and, where tensorboard is installed, its events, each step once."""

import csv
import io
import os
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from ttvos.core.files import atomic_path, clear_errors

TERMS = ("total", "heatmap", "transition", "template")
COLUMNS = ("stage", "step", *TERMS, "learning_rate", "seconds", "waiting", "epoch")
MOST_WAITING = 0.1  # share of an epoch's time; with more, loading does not keep up
Row = dict[str, str]  # one step: a line of loss.csv


class Curves:
    """Appends one line a step to `out/loss.csv` and one point a term to `out/tensorboard`.

    earlier: text of loss.csv up to the step to go on from ("" at the start); whatever an
    interrupted run wrote after it is dropped, in the CSV here, in TensorBoard by its purge step.
    Columns: stage (name), step (from 0 in each stage), the loss terms (empty where the run has
    no such term), learning_rate, seconds (wall time of the step, waiting for data included),
    waiting (seconds of it that the batch had to be waited for), epoch (from 0 in each stage: how
    often all clips had come before this step).
    """

    def __init__(self, out: Path, earlier: str = "") -> None:
        self._path, self._count = out / "loss.csv", 0
        self._epoch: list[Row] = []  # the one under way
        for row in rows_of(earlier):
            self._take(row)
        with atomic_path(self._path) as temporary:
            temporary.write_text(earlier or ",".join(COLUMNS) + "\n")
        self._board = None
        if find_spec("tensorboard"):
            with clear_errors(out / "tensorboard"):
                self._board = _Board(out / "tensorboard", self._count)

    def __enter__(self) -> "Curves":
        return self

    def __exit__(self, *_: object) -> None:
        if self._board:
            with suppress(OSError):  # each step is on disk already, or its failure was told
                self._board.close()

    def add(
        self,
        stage: str,
        step: int,
        losses: dict[str, float],
        learning_rate: float,
        seconds: float,
        waiting: float,
        epoch: int,
    ) -> None:
        """Record one step; losses: term name -> value. Raises UserError when it cannot write."""
        terms = [f"{losses[name]:.6g}" if name in losses else "" for name in TERMS]
        line = [stage, step, *terms, learning_rate, f"{seconds:.4f}", f"{waiting:.4f}", epoch]
        with clear_errors(self._path), open(self._path, "a", newline="") as handle:
            csv.writer(handle, lineterminator="\n").writerow(line)
        self._take(dict(zip(COLUMNS, map(str, line), strict=True)))
        self._show("loss", losses)

    def _take(self, row: Row) -> None:
        if self._epoch and any(row[key] != self._epoch[-1][key] for key in ("stage", "epoch")):
            self._epoch = []
        self._epoch.append(row)
        self._count += 1

    def end_epoch(self) -> str:
        """Show the share of waiting in the epoch of the last step; returns a line about it."""
        rows, last = self._epoch, self._epoch[-1]
        share = _waiting_share(rows)
        self._show("epoch", {"waiting_share": share})
        advice = "; more `train.workers` may help" if share > MOST_WAITING else ""
        epoch = f"{last['stage']}, epoch {last['epoch']}"
        times = f"{len(rows)} steps in {_sum(rows, 'seconds'):.1f} s"
        return f"{epoch}: {times}, {share:.1%} of it waiting for clips{advice}"

    def add_scores(self, scores: dict[str, float]) -> None:
        """Show scores of the weights after the last step, as "selection/<name>"."""
        self._show("selection", scores)

    def _show(self, group: str, values: dict[str, float]) -> None:
        """Points of the last step in TensorBoard."""
        if self._board:
            with clear_errors(self._path.parent / "tensorboard"):
                self._board.add(self._count - 1, values, group)

    def text(self) -> str:
        """The whole of loss.csv so far."""
        return self._path.read_text()


def rows_of(text: str) -> list[Row]:
    """Steps of a loss.csv's text, as text by column."""
    return list(csv.DictReader(io.StringIO(text)))


def summarise(text: str, last: int = 20) -> list[dict]:
    """Per stage of a loss.csv's text: name, steps, epochs begun, seconds, the share of them in
    which a batch was waited for (of all, and of its worst epoch), and losses, means over `last`
    steps."""
    stages: dict[str, list[Row]] = {}
    for row in rows_of(text):
        stages.setdefault(row["stage"], []).append(row)
    return [_summary(name, rows, rows[-last:]) for name, rows in stages.items()]


def _summary(name: str, rows: list[Row], tail: list[Row]) -> dict:
    epochs: dict[str, list[Row]] = {}
    for row in rows:
        epochs.setdefault(row["epoch"], []).append(row)
    return {
        "name": name,
        "steps": len(rows),
        "epochs": len(epochs),
        "seconds": round(_sum(rows, "seconds"), 3),
        "waiting_share": round(_waiting_share(rows), 4),
        "waiting_share_worst_epoch": round(max(map(_waiting_share, epochs.values())), 4),
        "losses": {term: _sum(tail, term) / len(tail) for term in TERMS if tail[0][term]},
        "losses_over_last_steps": len(tail),
    }


def _sum(rows: list[Row], column: str) -> float:
    return sum(float(row[column]) for row in rows)


def _waiting_share(rows: list[Row]) -> float:
    seconds = _sum(rows, "seconds")
    return _sum(rows, "waiting") / seconds if seconds else 0.0


class _Board:
    """TensorBoard's event file. It is written at once, where torch's SummaryWriter uses a thread,
    which a process that forks readers of clips had better not have: an error of a full disk
    therefore arises in the step that meets it.

    first_step: 0 removes the events of an older run; more makes TensorBoard forget what was logged
    from there on before the interruption.
    """

    def __init__(self, folder: Path, first_step: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.record_writer import RecordWriter

        self._event, self._summary = Event, Summary
        folder.mkdir(parents=True, exist_ok=True)
        if first_step == 0:
            for events in folder.glob("events.out.tfevents.*"):
                events.unlink()
        name = f"events.out.tfevents.{time.time():.6f}.{os.getpid()}"
        self._records = RecordWriter(open(folder / name, "ab"))  # noqa: SIM115 (see `close`)
        self._write(step=first_step, file_version="brain.Event:2")
        if first_step:
            self._write(step=first_step, session_log=SessionLog(status=SessionLog.START))

    def add(self, step: int, values: dict[str, float], group: str) -> None:
        """Record values of a step as scalars "<group>/<name>"."""
        points = [
            self._summary.Value(tag=f"{group}/{name}", simple_value=value)
            for name, value in values.items()
        ]
        self._write(step=step, summary=self._summary(value=points))

    def _write(self, **content: object) -> None:
        event = self._event(wall_time=time.time(), **content)
        self._records.write(event.SerializeToString())
        self._records.flush()

    def close(self) -> None:
        self._records.close()
