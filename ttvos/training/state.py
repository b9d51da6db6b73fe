"""An interrupted training on disk: everything that going on bit-equally needs.

The weights of a training that still runs, as a checkpoint to look at.

One training at a time in a folder: a second one would spoil the first one's losses and state.
"""

import errno
import fcntl
import io
import os
import pickle
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import IO, Any

import torch

from ttvos.config.experiments import Variant
from ttvos.core.errors import UserError
from ttvos.core.files import atomic_path, clear_errors
from ttvos.core.provenance import file_hash, provenance
from ttvos.model import weights as checkpoint
from ttvos.model.ttvos import build_model
from ttvos.training.optimizer import Average

FORMAT = "ttvos-training-5"


@dataclass(frozen=True)
class Progress:
    """Where to go on: the next step of the stage with that number, and the state it needs.

    settings: hash of all that decides the result (`ttvos.training.stale`). code: hashes of the
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
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # unpickling a damaged file, torch raises almost anything
        raise UserError(_damaged(path)) from error
    if not isinstance(content, dict) or not {"format", "settings"} <= set(content):
        raise UserError(_damaged(path))
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
        raise UserError(_damaged(path))
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


def _damaged(path: Path) -> str:
    return f"{path}: damaged, training cannot go on from it; delete it to train from the start"


def snapshot(state: Path | str, variant: Variant, backbone: str, out: Path | str) -> None:
    """Write the weights in a training's state.pt as the checkpoint `out`.

    They are the running mean where the training keeps one. Their provenance says at which stage
    (from 0) and step they were taken. Raises UserError for a missing or damaged state, and for
    one of another variant or backbone.
    """
    state = Path(state)
    content = _read(state)
    kept = content["average"] or content["model"]
    weights = {name: value for name, value in kept.items() if name != Average.COUNT}
    model = build_model(variant, backbone)
    try:
        model.load_state_dict(weights)
    except RuntimeError:
        raise UserError(
            f"{state}: does not fit {variant.name} with {backbone}; name the variant and the "
            "backbone that are trained there"
        ) from None
    origin = provenance(
        content["settings"],
        training={
            "stage": content["stage"],
            "step": content["step"],
            "initial": content["initial"],
        },
        weights="running mean" if content["average"] else "last step",
        state=file_hash(state),
    )
    checkpoint.save(model, out, origin)


def _read(path: Path) -> dict:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; a finished training keeps none") from None
    except (RuntimeError, pickle.UnpicklingError, EOFError) as error:
        reason = str(error).split("\n")[0]
        raise UserError(f"{path}: damaged, or no training state ({reason})") from None
    needed = {"model", "average", "settings", "stage", "step", "initial"}
    if not isinstance(content, dict) or not needed <= set(content):
        raise UserError(f"{path}: not a training state")
    return content


NAME = ".training.lock"
_HELD = (errno.EACCES, errno.EAGAIN)


@contextmanager
def only_training(out: Path) -> Iterator[None]:
    """Hold `out` for this training; the lock goes with the process, however that ends.

    Raises UserError where another process trains in `out`. A disk without locks is told about on
    stderr, and the training goes on. A training that has written nothing leaves no new folder.
    """
    is_new = not out.exists()
    with clear_errors(out):
        out.mkdir(parents=True, exist_ok=True)
        file = _open_locked(out)
    try:
        yield
    finally:
        (out / NAME).unlink(missing_ok=True)
        file.close()
        if is_new:
            with suppress(OSError):  # it holds something
                out.rmdir()


def _open_locked(out: Path) -> IO[str]:
    path = out / NAME
    while True:
        file = open(path, "a+")  # noqa: SIM115 (the lock lasts as long as it is open)
        try:
            # Of the process, unlike flock's: workers that outlive a killed training hold nothing.
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in _HELD:
                raise UserError(_told(out, file)) from None
            print(f"{out}: this disk has no locks; start one training only there", file=sys.stderr)
            return file
        if _is_there(path, file):
            with suppress(OSError):  # on a full disk the lock holds all the same
                os.ftruncate(file.fileno(), 0)
                os.write(file.fileno(), f"{os.getpid()} on {platform.node()}".encode())
            return file
        file.close()  # another training has just ended and removed it


def _is_there(path: Path, file: IO[str]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _told(out: Path, file: IO[str]) -> str:
    file.seek(0)
    holder = file.read()
    by = f" (process {holder})" if holder else ""
    return f"{out}: another training is running there{by}; wait for it, or name another folder"
