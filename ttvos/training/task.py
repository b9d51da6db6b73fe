"""What the training loop has to know of the method that it trains.

`ttvos.training.loop` trains any `Task`. There are two: `ttvos.training.ttvos.TTVOSTask` and
`ttvos.peers.frtm.training.FRTMTask`.

Initial weights are drawn by name: each module draws from a generator of its own, which the seed
and the module's name alone decide. Rows of one seed therefore start equal wherever they share a
module, and a difference of their results is not one of their luck at the start.
"""

import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ttvos.config.frtm import FRTMTraining
from ttvos.config.run import TrainConfig, as_plain
from ttvos.config.training import Selection, Stage
from ttvos.core.code_hash import code_hash
from ttvos.core.errors import UserError
from ttvos.core.provenance import file_hash
from ttvos.core.shipped_weights import find_weights
from ttvos.model.weights import trained_within
from ttvos.tracking.protocol import Tracker

Tensors = dict[str, Tensor]


class Task(ABC):
    """One row with one seed: its network, the losses of a batch, and what is told of the result.

    config: the run's section of that name (`section`), with the stages as the backbone goes
    through them. The defaults below are those of a method that has no such setting.
    """

    section: str
    undecisive: tuple[str, ...]  # settings that do not decide the trained weights
    accumulate = 1
    clip_norm: float | None = None
    average: float | None = None
    selection = Selection()

    def __init__(self, config: TrainConfig | FRTMTraining, backbone: str, seed: int) -> None:
        if seed < 0:
            raise UserError(f"seed must be 0 or more, not {seed}")
        self.config = replace(config, stages=config.stages_of(backbone), effort={})
        self.backbone, self.seed = backbone, seed
        self.source = config.initial.get(backbone)

    @property
    @abstractmethod
    def name(self) -> str:
        """What is trained, in a few words."""

    @abstractmethod
    def network(self) -> nn.Module:
        """A new network with whatever weights; what is frozen needs no gradient."""

    @abstractmethod
    def prepare(self, network: nn.Module) -> nn.Module:
        """The network as gradients are taken of it, which shares what learns with `network`."""

    @abstractmethod
    def losses(
        self, network: nn.Module, batch: Tensors, spoilt: float, counts: Tensors | None
    ) -> Tensors:
        """Scalars by name, "total" among them, of a batch that `prepare`'s network sees.

        batch: "frames" (B,T,3,H,W) float32, ImageNet-normalised; "labels" (B,T,H,W) int64 in
        {0, 1, 255}. spoilt: as `Stage.spoilt`. counts: of the whole batch (`counts`), where this
        is a part of it.
        """

    @abstractmethod
    def counts(self, labels: Tensor) -> Tensors:
        """How many values of labels (B,T,H,W) each loss is a mean over, as int64 scalars."""

    @abstractmethod
    def optimizer(self, network: nn.Module, rate: float) -> torch.optim.Optimizer:
        """A new optimizer of all that learns."""

    @abstractmethod
    def learning_rate(self, stage: Stage, step: int, steps: int) -> float:
        """The rate of step 0 .. steps-1."""

    @abstractmethod
    def save(self, network: nn.Module, path: Path, provenance: dict[str, Any]) -> None:
        """Write the checkpoint that the method's tracker loads."""

    def tracker(self, network: nn.Module, device: str, input_scale: float) -> Tracker:
        """What tracks with the network's weights, to score them (`ttvos.training.selection`); for
        a method whose weights are not always those of the last step."""
        raise NotImplementedError

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """What train.json says of this method beside what it says of every training."""

    def origin(self) -> dict[str, Any]:
        """What the provenance of the result says beside what it says of every training."""
        return {}

    @abstractmethod
    def new_backbone(self) -> nn.Module:
        """A new backbone with weights of torch's generator."""

    @abstractmethod
    def load_imagenet(self, network: nn.Module) -> str | None:
        """Load the ImageNet weights that the paper starts from; returns a hash over them."""

    @abstractmethod
    def load_backbone(self, network: nn.Module, source: str) -> None:
        """Load the backbone from a file or name of weights."""

    def drawn_as_one(self) -> dict[str, Callable[[], nn.Module]]:
        """Parts of the network that come from elsewhere, by name, and what makes each."""
        return {"backbone": self.new_backbone}

    def start(self, network: nn.Module) -> dict[str, str | None]:
        """Give a network its initial weights, in place.

        All is random, of the seed; the backbone is by `config.initial`: "imagenet" (the paper's
        weights), a file or name of weights, or null (random likewise). Returns {"source",
        "sha256"} of the backbone's weights, with "trained_within" where the file says in the
        training of which experiment it learnt.
        """
        draw_weights(network, self.seed, self.drawn_as_one())
        if self.source is None:
            return {"source": "random", "sha256": None}
        if self.source == "imagenet":
            return {"source": self.source, "sha256": self.load_imagenet(network)}
        self.load_backbone(network, self.source)
        path = find_weights(self.source)
        return {"source": self.source, "sha256": file_hash(path)} | trained_within(path)

    def settings(self, device: str, processes: int = 1) -> dict[str, Any]:
        """Everything that decides the trained weights, as plain data: settings, data, and the
        code, which is recorded only (`ttvos.training.folder`).

        Raises UserError for missing data or initial weights, no stage, and two stages of one name.
        """
        names = [stage.name for stage in self.config.stages]
        if not names:
            raise UserError(f"{self.section}.stages: names no stage, so there is nothing to train")
        if len(set(names)) < len(names):
            raise UserError(f"{self.section}.stages: two have the same name: {', '.join(names)}")
        plain = as_plain(self.config)
        for name in self.undecisive:
            plain.pop(name)
        return {
            **plain,
            "initial": self._initial(),
            "backbone": self.backbone,
            "seed": self.seed,
            "device": device,
            "torch": torch.__version__,
            "code": code_hash(*self.config.modules),
            "data": {root: listing_hash(root) for root in self.config.all_roots()},
        }

    def _initial(self) -> str | None:
        """What tells the initial weights apart: their file's hash, "imagenet", or None."""
        if self.source in (None, "imagenet"):
            return self.source
        path = find_weights(self.source)
        if not path.is_file():
            where = f"{self.section}.initial: {self.backbone}"
            raise UserError(f"{where}: {self.source}: no such file")
        return file_hash(path)


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
