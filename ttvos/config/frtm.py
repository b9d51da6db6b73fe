"""How the FRTM-VOS rows (Table 5) are trained, as validated data."""

from dataclasses import field
from typing import Literal

from ttvos.config.experiments import FRTM_BACKBONES
from ttvos.config.settings import settings
from ttvos.config.training import Stage, layout_modules
from ttvos.core.errors import UserError

UNREAD = {"spoilt": 0.0, "warmup": 0, "end_rate": None}  # of Stage: what FRTM's training has not


@settings
class TargetFit:
    """How a clip's target model is fitted to its first frame (docs/peers.md, sections 3.2 to 3.6).

    The defaults are the training's of the public code. channels: of the projection. samples:
    augmented first frames, the original included. first: conjugate-gradient iterations of each
    Gauss-Newton step on projection and filter; then: of those on the filter alone. projection,
    filter: the regularisers.
    """

    channels: int = 32
    samples: int = 15
    first: tuple[int, ...] = (5, 10, 10, 10, 10)
    then: tuple[int, ...] = (10,)
    projection: float = 1e-5
    filter: float = 1e-4

    def __post_init__(self) -> None:
        for name in ("channels", "samples"):
            if getattr(self, name) < 1:
                raise UserError(f"target.{name} must be 1 or more")
        if not self.first or min((*self.first, *self.then)) < 1:
            raise UserError("target.first and target.then list iterations, each 1 or more")
        if self.projection <= 0 or self.filter <= 0:
            raise UserError("target.projection and target.filter must be above 0")


@settings
class FRTMTraining:
    """How every FRTM row is trained; both of a backbone see the same clips and initial weights.

    stages: as TTVOS's (`ttvos.config.training.Stage`), 3 frames each: the first is the target
    model's, the losses are of the others. A stage's optimizer is new.
    initial: backbone -> "imagenet" (the paper's weights), a file or name of weights, whose
    backbone is taken, or null (random). freeze_backbone: as in the public code; false lets it
    learn with the segmentation network, which a random one must.
    effort: backbone -> share of every stage's steps or epochs that it gets (default 1).
    drops: shares of a stage after which the learning rate is a tenth (epochs 127 and 254 of 260).
    transition_weight: of the transition loss, in the rows that have it.
    target_cache: folder that keeps the target models of a frozen backbone for all runs; null: none.
    heldout, precision, workers, skip_damaged, checkpoint_every: as
    `ttvos.config.run.TrainConfig` says.
    """

    stages: tuple[Stage, ...]
    initial: dict[str, str | None] = field(default_factory=dict)
    freeze_backbone: bool = True
    effort: dict[str, float] = field(default_factory=dict)
    target: TargetFit = field(default_factory=TargetFit)
    drops: tuple[float, ...] = (127 / 260, 254 / 260)
    weight_decay: float = 1e-5
    transition_weight: float = 1.0
    target_cache: str | None = None
    heldout: tuple[str, ...] = ()
    precision: Literal["float32", "bfloat16"] = "float32"
    checkpoint_every: int = 50
    workers: int = 0
    skip_damaged: bool = False

    def __post_init__(self) -> None:
        for name in (*self.initial, *self.effort):
            if name not in FRTM_BACKBONES:
                known = ", ".join(FRTM_BACKBONES)
                raise UserError(f"unknown backbone {name!r} of FRTM; known: {known}")
        for name, effort in self.effort.items():
            if not effort > 0:
                raise UserError(f"effort of {name} must be positive")
        if any(not 0 < share < 1 for share in self.drops):
            raise UserError("drops must be shares of a stage, between 0 and 1")
        if self.weight_decay < 0 or self.checkpoint_every < 1 or self.workers < 0:
            raise UserError(
                "weight_decay and workers must be 0 or more, and checkpoint_every 1 or more"
            )
        if not self.transition_weight > 0:
            raise UserError("transition_weight must be above 0; the row says whether it counts")
        if self.target_cache is not None and not self.freeze_backbone:
            raise UserError("target_cache needs freeze_backbone: a learning backbone's fits change")
        self._check_stages()

    def _check_stages(self) -> None:
        names = [stage.name for stage in self.stages]
        if not names or len(set(names)) < len(names):
            raise UserError("stages: at least one, and no name twice")
        for stage in self.stages:
            for key, unused in UNREAD.items():
                if getattr(stage, key) != unused:
                    raise UserError(f"stage {stage.name}: FRTM's training has no {key}")

    @property
    def modules(self) -> tuple[str, ...]:
        """Code that decides the weights, for `ttvos.core.code_hash.code_hash`."""
        return ("peers/frtm/training.py", *layout_modules(self.stages))

    def all_roots(self) -> tuple[str, ...]:
        """Every folder that training reads."""
        return tuple(root for stage in self.stages for root in stage.all_roots())

    def stages_of(self, backbone: str) -> tuple[Stage, ...]:
        """The stages as this backbone goes through them: at least one step or epoch of each."""
        effort = self.effort.get(backbone, 1.0)
        return tuple(stage.shortened(effort) for stage in self.stages)
