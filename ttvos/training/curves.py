"""Loss curves: `loss.csv` and TensorBoard events, each step exactly once."""

import csv
import io
import sys
from pathlib import Path
from typing import Any

from ttvos.errors import UserError
from ttvos.files import atomic_path

COLUMNS = (
    "stage",
    "step",
    "total",
    "heatmap",
    "transition",
    "template",
    "learning_rate",
    "seconds",
)
TERMS = ("total", "heatmap", "transition", "template")


class Curves:
    """Appends one line a step to `out/loss.csv` and one point a term to `out/tensorboard`.

    earlier: text of loss.csv up to the step to go on from ("" at the start); whatever an
    interrupted run wrote after it is dropped, in the CSV here, in TensorBoard by its purge step.
    Columns: stage (name), step (from 0 in each stage), the loss terms (empty where the run has
    no such term), learning_rate, seconds (wall time of the step, waiting for data included).
    """

    def __init__(self, out: Path, earlier: str = "") -> None:
        self._path = out / "loss.csv"
        text = earlier or ",".join(COLUMNS) + "\n"
        with atomic_path(self._path) as temporary:
            temporary.write_text(text)
        self._count = text.count("\n") - 1
        self._board = _board(out / "tensorboard", self._count)

    def __enter__(self) -> "Curves":
        return self

    def __exit__(self, *_: object) -> None:
        if self._board:
            self._board.close()

    def add(
        self, stage: str, step: int, losses: dict[str, float], learning_rate: float, seconds: float
    ) -> None:
        """Record one step; losses: term name -> value. Raises UserError when it cannot write."""
        terms = [f"{losses[name]:.6g}" if name in losses else "" for name in TERMS]
        line = [stage, step, *terms, learning_rate, f"{seconds:.4f}"]
        try:
            with open(self._path, "a", newline="") as handle:
                csv.writer(handle, lineterminator="\n").writerow(line)
            for name, value in losses.items() if self._board else ():
                self._board.add_scalar(f"loss/{name}", value, self._count)
        except OSError as error:
            raise UserError(f"cannot write {self._path}: {error.strerror or error}") from error
        self._count += 1

    def text(self) -> str:
        """The whole of loss.csv so far."""
        return self._path.read_text()


def summarise(text: str, last: int = 20) -> list[dict]:
    """Per stage of a loss.csv's text: name, steps, seconds, and losses, means over `last` steps."""
    stages: dict[str, list[dict[str, str]]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        stages.setdefault(row["stage"], []).append(row)
    return [_summary(name, rows, rows[-last:]) for name, rows in stages.items()]


def _summary(name: str, rows: list[dict[str, str]], tail: list[dict[str, str]]) -> dict:
    losses = {
        term: sum(float(row[term]) for row in tail) / len(tail) for term in TERMS if tail[0][term]
    }
    return {
        "name": name,
        "steps": len(rows),
        "seconds": round(sum(float(row["seconds"]) for row in rows), 3),
        "losses": losses,
        "losses_over_last_steps": len(tail),
    }


def _board(folder: Path, first_step: int) -> Any:
    """A TensorBoard writer; None, with a note, on a machine without tensorboard.

    A run from the start removes the events of an older one. A resumed run keeps them; its purge
    step makes TensorBoard forget what was logged from there on before the interruption.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        print("tensorboard is not installed: loss curves go to loss.csv only", file=sys.stderr)
        return None
    if first_step == 0:
        for events in folder.glob("events.out.tfevents.*"):
            events.unlink()
    return SummaryWriter(str(folder), purge_step=first_step, flush_secs=30)
