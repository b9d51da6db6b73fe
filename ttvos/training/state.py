"""An interrupted training on disk: everything that going on bit-equally needs."""

import io
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch

from ttvos.errors import UserError
from ttvos.files import atomic_path

FORMAT = "ttvos-training-3"


@dataclass(frozen=True)
class Progress:
    """Where to go on: the next step of the stage with that number, and the state it needs.

    settings: hash of all that decides the result. curves: text of loss.csv up to here.
    optimizer is None before a stage's first step. random: torch's CPU generator; cuda: the
    GPU's, None on the CPU. initial: where the initial weights came from. average: the running
    mean of the weights, None without one. selection: `Selector.state`.
    """

    settings: str
    stage: int
    step: int
    model: dict[str, torch.Tensor]
    optimizer: dict[str, Any] | None
    random: torch.Tensor
    cuda: torch.Tensor | None
    curves: str
    initial: dict[str, str | None]
    average: dict[str, torch.Tensor] | None
    selection: dict[str, Any]


KEYS = {"format", *(field.name for field in fields(Progress))}


def save_progress(progress: Progress, path: Path) -> None:
    """Write atomically. Through memory, so that a full disk shows as OSError, not torch's own."""
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, **vars(progress)}, buffer)
    with atomic_path(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def load_progress(path: Path, settings: str) -> Progress | None:
    """The progress in `path` if it belongs to `settings`, else None; says on stderr what it does.

    A state of other settings is kept under another name, for whoever goes back to them.
    Raises UserError for a damaged file.
    """
    if not path.exists():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # unpickling a damaged file, torch raises almost anything
        raise UserError(_damaged(path)) from error
    if not isinstance(content, dict) or set(content) != KEYS or content["format"] != FORMAT:
        raise UserError(_damaged(path))
    if content["settings"] != settings:
        aside = path.with_name(f"state-{content['settings']}.pt")
        path.replace(aside)
        print(
            f"{path} is of other settings, data or code: kept as {aside.name}; starting anew",
            file=sys.stderr,
        )
        return None
    content.pop("format")
    progress = Progress(**content)
    print(
        f"going on from {path}: stage {progress.stage + 1}, step {progress.step}", file=sys.stderr
    )
    return progress


def _damaged(path: Path) -> str:
    return f"{path}: damaged, training cannot go on from it; delete it to train from the start"
