"""Loss curves: `loss.csv` and TensorBoard events, each step exactly once."""

import csv
import io
import os
import sys
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from ttvos.core.files import atomic_path, clear_errors

COLUMNS = (
    "stage",
    "step",
    "total",
    "heatmap",
    "transition",
    "template",
    "learning_rate",
    "seconds",
    "waiting",
    "epoch",
)
TERMS = ("total", "heatmap", "transition", "template")
MOST_WAITING = 0.1  # share of an epoch's time; with more, loading does not keep up


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
        self._path = out / "loss.csv"
        text = earlier or ",".join(COLUMNS) + "\n"
        with atomic_path(self._path) as temporary:
            temporary.write_text(text)
        self._count = text.count("\n") - 1
        # Of the epoch under way: its stage and number, and (seconds, waiting) of each step.
        self._epoch, self._times = ("", 0), []
        for row in csv.DictReader(io.StringIO(text)):
            times = float(row["seconds"]), float(row["waiting"])
            self._time(row["stage"], int(row["epoch"]), *times)
        with clear_errors(out / "tensorboard"):
            self._board = _board(out / "tensorboard", self._count)

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
        if self._board:
            with clear_errors(self._path.parent / "tensorboard"):
                self._board.add(self._count, losses, "loss")
        self._count += 1
        self._time(stage, epoch, seconds, waiting)

    def _time(self, stage: str, epoch: int, seconds: float, waiting: float) -> None:
        if self._epoch != (stage, epoch):
            self._epoch, self._times = (stage, epoch), []
        self._times.append((seconds, waiting))

    def end_epoch(self) -> str:
        """Show the share of waiting in the epoch of the last step in TensorBoard; returns a
        line about that epoch."""
        steps = len(self._times)
        seconds, waiting = (sum(values) for values in zip(*self._times, strict=True))
        share = waiting / seconds if seconds else 0.0
        if self._board:
            with clear_errors(self._path.parent / "tensorboard"):
                self._board.add(self._count - 1, {"waiting_share": share}, "epoch")
        advice = "; more `train.workers` may help" if share > MOST_WAITING else ""
        stage, epoch = self._epoch
        times = f"{steps} steps in {seconds:.1f} s, {share:.1%} of it waiting for clips"
        return f"{stage}, epoch {epoch}: {times}{advice}"

    def add_scores(self, scores: dict[str, float]) -> None:
        """Show scores of the weights after the last step in TensorBoard, as "selection/<name>"."""
        if self._board:
            with clear_errors(self._path.parent / "tensorboard"):
                self._board.add(self._count - 1, scores, "selection")

    def text(self) -> str:
        """The whole of loss.csv so far."""
        return self._path.read_text()


def summarise(text: str, last: int = 20) -> list[dict]:
    """Per stage of a loss.csv's text: name, steps, epochs begun, seconds, the share of them in
    which a batch was waited for (of all, and of its worst epoch), and losses, means over `last`
    steps."""
    stages: dict[str, list[dict[str, str]]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        stages.setdefault(row["stage"], []).append(row)
    return [_summary(name, rows, rows[-last:]) for name, rows in stages.items()]


def _summary(name: str, rows: list[dict[str, str]], tail: list[dict[str, str]]) -> dict:
    losses = {
        term: sum(float(row[term]) for row in tail) / len(tail) for term in TERMS if tail[0][term]
    }
    epochs: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        epochs.setdefault(row["epoch"], []).append(row)
    return {
        "name": name,
        "steps": len(rows),
        "epochs": len(epochs),
        "seconds": round(sum(float(row["seconds"]) for row in rows), 3),
        "waiting_share": _waiting_share(rows),
        "waiting_share_worst_epoch": max(map(_waiting_share, epochs.values())),
        "losses": losses,
        "losses_over_last_steps": len(tail),
    }


def _waiting_share(rows: list[dict[str, str]]) -> float:
    seconds, waiting = (sum(float(row[key]) for row in rows) for key in ("seconds", "waiting"))
    return round(waiting / seconds, 4) if seconds else 0.0


class _Board:
    """TensorBoard's event file, written at once, where torch's SummaryWriter uses a thread.

    An error of a full disk therefore arises in the step that meets it. first_step > 0: a resumed
    run, which makes TensorBoard forget what was logged from there on before the interruption.
    """

    def __init__(self, folder: Path, first_step: int) -> None:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.summary.writer.record_writer import RecordWriter

        self._event, self._summary = Event, Summary
        folder.mkdir(parents=True, exist_ok=True)
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


def _board(folder: Path, first_step: int) -> _Board | None:
    """The event file; None, with a note, on a machine without tensorboard.

    A run from the start removes the events of an older one; a resumed run keeps them.
    """
    if find_spec("tensorboard") is None:
        print("tensorboard is not installed: loss curves go to loss.csv only", file=sys.stderr)
        return None
    if first_step == 0:
        for events in folder.glob("events.out.tfevents.*"):
            events.unlink()
    return _Board(folder, first_step)
