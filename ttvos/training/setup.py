"""What a training starts from: device, initial weights, and what decides its result.

Initial weights by name: each module draws from a generator of its own, of (seed, its name).

So experiments of one seed start equal wherever they share a module, whatever else differs between
them, and a difference of their results is not one of their luck at the start.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ttvos.config.experiments import Variant
from ttvos.config.run import TrainConfig, as_plain
from ttvos.core.code_hash import code_hash
from ttvos.core.errors import UserError
from ttvos.core.provenance import file_hash
from ttvos.core.shipped_weights import find_weights
from ttvos.model import weights as checkpoint
from ttvos.model.backbones import build_backbone
from ttvos.model.ttvos import TTVOS, build_model

# Fields of TrainConfig that do not decide the weights (`accumulate` does as one of "parts").
UNDECISIVE = (
    "accumulate",
    "checkpoint_every",
    "checkpointing",
    "processes",
    "skip_damaged",
    "workers",
)


def initial_model(
    config: TrainConfig, variant: Variant, backbone: str, seed: int
) -> tuple[TTVOS, dict[str, str | None]]:
    """The model before its first step, and where its backbone's weights come from.

    Heads are random, each module from `seed` and its name (`ttvos.training.setup`); the backbone
    is by `config.initial`: "imagenet" (the paper's weights), a file or name of weights
    (`checkpoint.initial_backbone`), or null (random, likewise).
    Returns the model and {"source", "sha256"} of the initial weights (the file's hash, or one
    over the tensors), with "trained_within" where the file says of which experiment it is.
    """
    with own_generator(seed, "network"):  # not the caller's; all of it is drawn again
        model = build_model(variant, backbone)
    draw_weights(model, seed, {"backbone": lambda: build_backbone(backbone)})
    source = config.initial.get(backbone)
    if source is None:
        return model, {"source": "random", "sha256": None}
    if source == "imagenet":
        model.backbone.load_imagenet()
        return model, {"source": source, "sha256": _hash_tensors(model.backbone.state_dict())}
    checkpoint.initial_backbone(model, source)
    origin = {"source": source, "sha256": file_hash(find_weights(source))}
    return model, origin | checkpoint.trained_within(source)


def all_settings(
    config: TrainConfig,
    variant: Variant,
    backbone: str,
    seed: int,
    device: str,
    processes: int = 1,
) -> dict[str, Any]:
    """Everything that decides the trained weights, as plain data: also the data; and the code,
    which is recorded only (`ttvos.training.stale`).

    How often the state is saved, how many workers read and whether activations are computed
    again do not decide them, nor what is done about damaged files. "parts" is how many parts
    each batch is learnt in, each with batch-norm statistics of its own: one process may go on
    with 4 parts where 4 processes began.
    Raises UserError for missing data or initial weights, no stage, and two stages of one name.
    """
    names = [stage.name for stage in config.stages]
    if not names:
        raise UserError("train.stages: names no stage, so there is nothing to train")
    if len(set(names)) < len(names):
        raise UserError(f"train.stages: two have the same name: {', '.join(names)}")
    plain = as_plain(config)
    for name in (*UNDECISIVE, "initial", "freeze"):
        plain.pop(name)
    source = config.initial.get(backbone)
    is_file = source not in (None, "imagenet")
    if is_file and not find_weights(source).is_file():
        raise UserError(f"train.initial: {backbone}: {source}: no such file")
    return {
        **plain,
        "parts": config.accumulate * processes,
        "freeze": config.freeze.get(backbone, True),
        "initial": file_hash(find_weights(source)) if is_file else source,
        "variant": as_plain(variant),
        "backbone": backbone,
        "seed": seed,
        "device": device,
        "torch": torch.__version__,
        "code": code_hash(*config.modules),
        "data": {root: listing_hash(root) for root in config.all_roots()},
    }


def listing_hash(root: str) -> str:
    """SHA-256 over the names and sizes of all files below `root`.

    Cheap enough for large sets, and it changes when data is added, removed or made anew.
    """
    if not Path(root).is_dir():
        raise UserError(f"training data {root}: no such folder")
    digest = hashlib.sha256()
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(files):
            path = Path(folder, name)
            digest.update(f"{path.relative_to(root)} {path.stat().st_size}\n".encode())
    return digest.hexdigest()


def _hash_tensors(tensors: dict[str, torch.Tensor]) -> str:
    digest = hashlib.sha256()
    for name, value in sorted(tensors.items()):
        digest.update(name.encode())
        digest.update(value.contiguous().numpy().tobytes())
    return digest.hexdigest()


@contextmanager
def own_generator(seed: int, name: str) -> Iterator[None]:
    """Draw from a generator that (seed, name) alone decides; the caller's is as it was after."""
    digest = hashlib.sha256(f"{seed} {name}".encode()).digest()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int.from_bytes(digest[:8], "big"))
        yield


def draw_weights(
    network: nn.Module, seed: int, wholes: Mapping[str, Callable[[], nn.Module]]
) -> None:
    """Draw a network's weights anew, each module's by its name, in place.

    A module is drawn by its `reset_parameters`. wholes: children that come from elsewhere and
    are drawn as one, by name, with what makes them. Statistics of batch-norms begin anew too.
    """
    for name, child in network.named_children():
        if name in wholes:
            with own_generator(seed, name):
                child.load_state_dict(wholes[name]().state_dict())
        else:
            _draw(child, seed, name)


def _draw(module: nn.Module, seed: int, name: str) -> None:
    if hasattr(module, "reset_parameters"):
        with own_generator(seed, name):
            module.reset_parameters()
        return
    if any(True for _ in module.parameters(recurse=False)):
        raise AssertionError(f"{name}: has parameters and no reset_parameters() to draw them")
    for child_name, child in module.named_children():
        _draw(child, seed, f"{name}.{child_name}")
