"""The weights of a training that still runs, as a checkpoint to look at."""

import pickle
from pathlib import Path

import torch

from ttvos import checkpoint
from ttvos.errors import UserError
from ttvos.model.ttvos import build_model
from ttvos.provenance import file_hash, provenance
from ttvos.training.optimizer import Average
from ttvos.variants import Variant


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
