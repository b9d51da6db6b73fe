"""A trained FRTM on disk: `backbone.*` and `refiner.*`, read by the tracker as `weights`."""

import json
from pathlib import Path
from typing import Any

from safetensors.torch import save

from ttvos.files import atomic_path
from ttvos.peers.frtm.training_learner import Learner

FORMAT = "ttvos-frtm-1"


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
    ready = {name: value.detach().cpu().contiguous() for name, value in learner.kept().items()}
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(ready, facts))
