"""A trained FRTM on disk: `backbone.*` and `refiner.*`, read by the tracker as `weights`."""

import json
from pathlib import Path
from typing import Any

from safetensors.torch import save
from torch import Tensor

from ttvos.files import atomic_path
from ttvos.peers.frtm.training_learner import Learner

FORMAT = "ttvos-frtm-1"
BACKBONE_FORMAT = "ttvos-backbone-1"


def save_checkpoint(
    learner: Learner,
    backbone: str,
    transition_loss: bool,
    path: Path | str,
    provenance: dict[str, Any],
) -> None:
    """Write the learner's networks with their provenance, atomically.

    The names are the published weights' (`refiner.*`), and torchvision's behind `backbone.`. The
    layer of the transition loss is left out: both arms have the same names.
    """
    facts = {
        "format": FORMAT,
        "tracker": "frtm",
        "backbone": backbone,
        "transition_loss": json.dumps(transition_loss),
        "provenance": json.dumps(provenance),
    }
    _write(learner.kept(), facts, path)


def save_backbone(
    weights: dict[str, Tensor], backbone: str, path: Path | str, provenance: dict[str, Any]
) -> None:
    """Write a backbone alone, torchvision's names, as `ttvos.checkpoint.save_backbone` does."""
    facts = {
        "format": BACKBONE_FORMAT,
        "backbone": backbone,
        "provenance": json.dumps(provenance),
    }
    _write({f"net.{name}": value for name, value in weights.items()}, facts, path)


def _write(tensors: dict[str, Tensor], facts: dict[str, str], path: Path | str) -> None:
    ready = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(ready, facts))
