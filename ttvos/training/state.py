"""An interrupted training on disk: everything that going on bit-equally needs."""

import io
import sys
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import torch

from ttvos.core.errors import UserError
from ttvos.core.files import atomic_path
from ttvos.core.provenance import file_hash, provenance
from ttvos.training.step import Average
from ttvos.training.task import Task

FORMAT = "ttvos-training-5"


@dataclass(frozen=True)
class Progress:
    """Where to go on: the next step of the stage with that number, and the state it needs.

    settings: hash of all that decides the result (`ttvos.training.folder`). code: hashes of the
    code that has trained so far, in order. curves: text of loss.csv up to here.
    initial: where the initial weights came from. optimizer: None before a stage's first step.
    average: the running mean of the weights, scaler: float16's scale; None without one.
    selection: `Selector.state`. skipped: why clips were skipped, sorted. No random numbers:
    each step draws its own, from the seed and its number.
    """

    settings: str
    code: list[str]
    stage: int
    step: int
    model: dict[str, torch.Tensor]
    curves: str
    initial: dict[str, str | None]
    optimizer: dict[str, Any] | None = None
    average: dict[str, torch.Tensor] | None = None
    scaler: dict[str, Any] | None = None
    selection: dict[str, Any] | None = None
    skipped: list[str] = field(default_factory=list)


KEYS = {"format", *(each.name for each in fields(Progress))}


def save_progress(progress: Progress, path: Path) -> None:
    """Write atomically. Through memory, so that a full disk shows as OSError, not torch's own."""
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, **vars(progress)}, buffer)
    with atomic_path(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def load_progress(path: Path, settings: str, code: str) -> Progress | None:
    """The progress in `path` if it belongs to `settings`, else None; says on stderr what it does.

    A state of other settings is kept under another name, for whoever goes back to them; one that
    other code began is gone on with, which is said and noted.
    Raises UserError for a damaged file.
    """
    if not path.exists():
        return None
    content = _read(path)
    if content["settings"] != settings or content["format"] != FORMAT:
        aside = path.with_name(f"state-{content['settings']}.pt")
        path.replace(aside)
        print(
            f"{path} is of other settings or data, or of an older form: kept as {aside.name}; "
            "starting anew",
            file=sys.stderr,
        )
        return None
    if set(content) != KEYS:
        raise _damaged(path)
    progress = Progress(**{key: value for key, value in content.items() if key != "format"})
    print(
        f"going on from {path}: stage {progress.stage + 1}, step {progress.step}", file=sys.stderr
    )
    if progress.code[-1] != code:
        print(
            f"{path}: other code began it ({progress.code[-1]}, now {code}): going on all the "
            "same, and both are recorded; delete it to train from the start",
            file=sys.stderr,
        )
        return replace(progress, code=[*progress.code, code])
    return progress


def _read(path: Path) -> dict[str, Any]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; a finished training keeps none") from None
    except Exception as error:  # unpickling a damaged file, torch raises almost anything
        raise _damaged(path) from error
    if not isinstance(content, dict) or not {"format", "settings"} <= set(content):
        raise _damaged(path)
    return content


def _damaged(path: Path) -> UserError:
    return UserError(
        f"{path}: damaged, or no training state; no training can go on from it; delete it to "
        "train from the start"
    )


def snapshot(state: Path | str, task: Task, out: Path | str) -> None:
    """Write the weights in a training's state.pt as the checkpoint `out`.

    They are the running mean where the training keeps one. Their provenance says at which stage
    (from 0) and step they were taken. Raises UserError for a missing or damaged state, and for
    one of another network than the task's.
    """
    state = Path(state)
    content = _read(state)
    if not set(content) >= KEYS:
        raise _damaged(state)
    kept = content["average"] or content["model"]
    network = task.network()
    try:
        network.load_state_dict({k: value for k, value in kept.items() if k != Average.COUNT})
    except RuntimeError:
        raise UserError(
            f"{state}: does not fit {task.name}; name the variant and the backbone that are "
            "trained there"
        ) from None
    origin = provenance(
        content["settings"],
        training={name: content[name] for name in ("stage", "step", "initial")},
        weights="running mean" if content["average"] else "last step",
        state=file_hash(state),
    )
    task.save(network, Path(out), origin)
