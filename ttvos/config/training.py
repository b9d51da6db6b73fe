"""Which of a training's weights become its result, as validated data.

How rows are trained, as validated data; other modules import it from `ttvos.config.run`.
"""

import math
from dataclasses import field, fields, replace
from typing import Literal

from ttvos.config.settings import settings
from ttvos.core.errors import UserError
from ttvos.core.folders import modules_in
from ttvos.core.variant import BACKBONES

SOURCES = modules_in("data/layouts")


@settings
class Selection:
    """Which step of the last stage gives the weights.

    by: "last": its last step. "heldout": the step with the best J&F on the training sequences
    that `TrainConfig.heldout` names. "released": the step with the best J&F on a split that is
    reported, as the authors did (docs/facts.md, section 4), so the test set selects the model.
    root, year, split: data set in DAVIS layout to score on; split None: "train" for heldout,
    "val" for released. every: steps between scorings (None: an epoch). start: share of the
    stage's steps before the first scoring; the last step is scored in any case.
    input_scale: size at which the network sees a frame, as in `Dataset`.
    """

    by: Literal["last", "heldout", "released"] = "last"
    root: str | None = None
    year: Literal[2016, 2017] = 2017
    split: str | None = None
    every: int | None = None
    start: float = 0.7
    input_scale: float = 1.0

    def __post_init__(self) -> None:
        if self.by == "last":
            if any(getattr(self, field.name) != field.default for field in fields(self)):
                raise UserError("selection: the last step is taken without scoring; leave the rest")
            return
        if self.root is None:
            raise UserError(f"selection by {self.by}: give root, the data set to score on")
        if self.scored_split.startswith("test"):
            raise UserError(f"selection: split {self.split} has no public ground truth to score on")
        if not 0 <= self.start < 1:
            raise UserError(f"selection: start must be a share from 0 to below 1, not {self.start}")
        if not 0 < self.input_scale <= 4:  # as TTVOSTracker, but before training
            raise UserError(f"selection: input_scale {self.input_scale}: above 0 and at most 4")
        if self.every is not None and self.every < 1:
            raise UserError(f"selection: every must be 1 or more, not {self.every}")

    @property
    def scored_split(self) -> str:
        """The split that is scored on."""
        return self.split or {"heldout": "train", "released": "val"}[self.by]

    @property
    def roots(self) -> tuple[str, ...]:
        """Every folder that selection reads."""
        return (self.root,) if self.root else ()

    def check(self, heldout: tuple[str, ...], learnt_splits: set[str]) -> None:
        """Refuse held-out sequences that are not of the training data.

        heldout: `TrainConfig.heldout`. learnt_splits: of the stages with DAVIS data.
        """
        if self.by != "heldout":
            return
        if not heldout:
            raise UserError("selection by heldout: name the training sequences under heldout")
        if self.scored_split not in learnt_splits:
            known = ", ".join(sorted(learnt_splits)) or "none"
            raise UserError(
                f"selection by heldout: split {self.scored_split} is no split of training "
                f"sequences (splits of the stages with DAVIS data: {known})"
            )


@settings
class Motion:
    """How an object of a still moves from frame to frame where `Stage.warp` is "affine".

    rotation: largest rotation and shear, degrees; scale: zooms; shift: share of the object's box.
    """

    rotation: float = 8.0
    scale: tuple[float, float] = (0.9, 1.1)
    shift: float = 0.15


@settings
class Stage:
    """One training stage (docs/facts.md, section 4); exactly one of steps and epochs is given.

    source: layout of the data under `roots`, a module of ttvos/data/layouts: "stills" (images
    with masks), "ytvos", "davis".
    warp: how further frames of a still are made: "tps" (released code) or "affine" (paper).
    rotation: degrees, of the clip's one rotation and shear; gaps: largest frame step.
    years: of "davis", each read as it says (2016: ids merged); the paper's stage 3 has both.
    What the paper has not, and is off by default (measured in docs/training.md):
    motion: of stills (None: `rotation` and `scale`). shift: of the clip's one map, share of the
    frame. reverse: half of the clips run backwards. stills_share: of a video stage's clips are
    made of stills under stills_roots. paste: share of the clips that get the moving object of
    another still. spoilt: share of the heatmaps fed back that get an error (`training.unroll`).
    warmup: steps; end_rate: the learning rate falls to it along a cosine.
    """

    name: str
    source: Literal[SOURCES]
    roots: tuple[str, ...]
    height: int
    width: int
    frames: int
    batch: int
    learning_rate: float
    steps: int | None = None
    epochs: int | None = None
    years: tuple[Literal[2016, 2017], ...] = (2017,)
    split: str = "train"
    warp: Literal["tps", "affine"] = "tps"
    rotation: float = 15.0
    scale: tuple[float, float] = (0.75, 1.25)
    augment: bool = True
    gaps: int = 1
    motion: Motion | None = None
    shift: float = 0.0
    reverse: bool = False
    stills_roots: tuple[str, ...] = ()
    stills_share: float = 0.0
    paste: float = 0.0
    spoilt: float = 0.0
    warmup: int = 0
    end_rate: float | None = None

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.epochs is None):
            raise UserError(f"stage {self.name}: give either steps or epochs")
        if self.height % 16 or self.width % 16:
            raise UserError(f"stage {self.name}: height and width must be multiples of 16")
        if self.frames < 2:
            raise UserError(f"stage {self.name}: a clip needs at least 2 frames")
        if not 0 < self.learning_rate < math.inf:  # NaN is refused too
            raise UserError(f"stage {self.name}: learning_rate must be positive and finite")
        if not 0 < self.scale[0] <= self.scale[1]:
            raise UserError(f"stage {self.name}: scale must be two zooms, the smaller first")
        for name in ("height", "width", "batch", "steps", "epochs", "gaps"):
            _check_count(f"stage {self.name}: {name}", getattr(self, name))
        self._check_extras()

    def _check_extras(self) -> None:
        for name in ("shift", "stills_share", "paste", "spoilt"):
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(f"stage {self.name}: {name} must be a share from 0 to 1")
        if self.source == "stills" and (self.stills_roots or self.stills_share):
            raise UserError(f"stage {self.name}: stills_roots and stills_share are for videos")
        if self.source != "stills" and bool(self.stills_roots) != bool(
            self.stills_share or self.paste
        ):
            raise UserError(
                f"stage {self.name}: stills_roots and a share of them (stills_share or paste) "
                "go together"
            )
        if self.warmup < 0:
            raise UserError(f"stage {self.name}: warmup must be 0 or more")
        if self.end_rate is not None and not 0 <= self.end_rate <= self.learning_rate:
            raise UserError(f"stage {self.name}: end_rate must lie from 0 to learning_rate")

    def all_roots(self) -> tuple[str, ...]:
        """Every folder the stage reads."""
        return (*self.roots, *self.stills_roots)

    def shortened(self, share: float) -> "Stage":
        """The stage with a share of its steps or epochs, at least one."""

        def of(count: int | None) -> int | None:
            return None if count is None else max(1, round(count * share))

        return replace(self, steps=of(self.steps), epochs=of(self.epochs))


def layout_modules(stages: tuple[Stage, ...]) -> tuple[str, ...]:
    """Code that lists the stages' training data, which `make_clips` imports by name."""
    return tuple(sorted({f"data/layouts/{stage.source}.py" for stage in stages}))


def _check_count(name: str, count: int | None) -> None:
    """Refuse a count below 1; None is none given."""
    if count is not None and count < 1:
        raise UserError(f"{name} must be 1 or more, not {count}")


@settings
class TrainConfig:
    """How every row is trained.

    initial: backbone -> "imagenet" (the paper's weights), a file or name of weights
    (`ttvos.core.shipped_weights`), whose backbone is taken, or null (random).
    freeze: backbone -> whether only its last block learns, as in the paper (default true).
    effort: backbone -> share of every stage's steps or epochs that it gets (default 1).
    transition_activation: "softmax" (released code) or "none" (paper), ledger item 6.
    template_loss: the template head's loss of the released code, ledger item 4.
    heldout: sequences of the training split that no stage with DAVIS data learns from.
    selection: which step's weights become the result (`Selection`).
    What the paper has not: optimizer "adamw" with weight_decay; clip_norm: largest norm of the
    gradient; memory_rate: share of the learning rate that the embeddings of the long-term template
    get (docs/training.md, "The template"); average: decay of a running mean of the weights, which
    then is the result; precision: of the layers (not float32: autocast; weights and losses stay
    float32).
    accumulate: equal parts in which a batch goes through the model, one after the other, to
    save memory; only batch-norms that train see the difference (`ttvos.training.step.gradient`).
    checkpointing: whether activations are computed again for the gradient instead of kept, to
    save memory in long clips; the result is the same.
    processes: with which the workflow starts torchrun for each run, one GPU each.
    workers: processes that read clips, for each that trains. skip_damaged: replace a clip that
    cannot be read and record why, instead of ending with the reason.
    """

    stages: tuple[Stage, ...]
    initial: dict[str, str | None] = field(default_factory=dict)
    freeze: dict[str, bool] = field(default_factory=dict)
    effort: dict[str, float] = field(default_factory=dict)
    transition_activation: Literal["softmax", "none"] = "softmax"
    template_loss: bool = True
    heldout: tuple[str, ...] = ()
    optimizer: Literal["adam", "adamw"] = "adam"
    weight_decay: float = 0.0
    clip_norm: float | None = None
    memory_rate: float = 1.0
    accumulate: int = 1
    checkpointing: bool = False
    processes: int = 1
    average: float | None = None
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    selection: Selection = field(default_factory=Selection)
    checkpoint_every: int = 50
    workers: int = 0
    skip_damaged: bool = False

    def __post_init__(self) -> None:
        for name in (*self.initial, *self.freeze, *self.effort):
            if name not in BACKBONES:
                raise UserError(f"unknown backbone {name!r}; known: {', '.join(BACKBONES)}")
        for name, effort in self.effort.items():
            if effort <= 0:
                raise UserError(f"effort of {name} must be positive")
        _check_count("checkpoint_every", self.checkpoint_every)
        _check_count("processes", self.processes)
        self.check_parts(self.processes)
        if self.workers < 0:
            raise UserError(f"workers must be 0 or more, not {self.workers}")
        if self.weight_decay < 0 or (self.weight_decay and self.optimizer == "adam"):
            raise UserError("weight_decay must be 0 or more, and is for optimizer adamw")
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise UserError("clip_norm must be above 0, or null for none")
        if not 0 < self.memory_rate <= 1:
            raise UserError("memory_rate must be a share above 0, up to 1")
        if self.average is not None and not 0 < self.average < 1:
            raise UserError("average must lie between 0 and 1, or be null for none")
        self.selection.check(self.heldout, {s.split for s in self.stages if s.source == "davis"})

    @property
    def modules(self) -> tuple[str, ...]:
        """Code that decides the weights, for `code_hash`; evaluation only where it selects."""
        selects = self.selection.by != "last"
        scoring = ("training/selection.py", "tracking/readable.py") * selects
        return ("training/ttvos.py", *scoring, *layout_modules(self.stages))

    def all_roots(self) -> tuple[str, ...]:
        """Every folder that training and selection read."""
        learnt = [root for stage in self.stages for root in stage.all_roots()]
        return (*learnt, *self.selection.roots)

    def check_parts(self, processes: int) -> None:
        """Refuse a batch that cannot be shared out evenly to processes, and there to parts."""
        _check_count("accumulate", self.accumulate)
        for stage in self.stages:
            if stage.batch % (processes * self.accumulate):
                raise UserError(
                    f"stage {stage.name}: a batch of {stage.batch} cannot be split evenly into "
                    f"{self.accumulate} parts (accumulate) in each of {processes} processes"
                )

    def stages_of(self, backbone: str) -> tuple[Stage, ...]:
        """The stages as this backbone goes through them: at least one step or epoch of each."""
        effort = self.effort.get(backbone, 1.0)
        return tuple(stage.shortened(effort) for stage in self.stages)
