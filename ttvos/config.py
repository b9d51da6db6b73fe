"""Everything a run is configured by, as validated data.

A profile (`workflow/config/*.yaml`) is one `Config`. Recipes of training stages stand in
`workflow/config/stages.yaml`, experiments and rows (`ttvos.variants`) in `variants.tsv` there.
"""

import math
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from ttvos.errors import UserError
from ttvos.files import read_yaml
from ttvos.strict import build
from ttvos.variants import BACKBONES, CONFIG_FOLDER, load_rows

FOLDERS = ("results", "davis", "davis_train", "stills")  # keys whose {name} stands in paths


@dataclass(frozen=True)
class MiniConfig:
    """The built-in clips: sizes in pixels, counts of clips, stills and frames a clip."""

    seed: int = 1
    height: int = 128
    width: int = 224
    frames: int = 24
    train_clips: int = 12
    val_clips: int = 6
    stills: int = 48
    ytvos_clips: int = 12


@dataclass(frozen=True)
class Motion:
    """How an object of a still moves from frame to frame where `Stage.warp` is "affine".

    rotation: largest rotation and shear, degrees; scale: zooms; shift: share of the object's box.
    """

    rotation: float = 8.0
    scale: tuple[float, float] = (0.9, 1.1)
    shift: float = 0.15


@dataclass(frozen=True)
class Stage:
    """One training stage (FACTS section 4); exactly one of steps and epochs is given.

    source: layout of the data under `roots`: "stills" (images with masks), "ytvos", "davis".
    warp: how further frames of a still are made: "tps" (released code) or "affine" (paper).
    rotation: degrees, of the clip's one rotation and shear; gaps: largest frame step.
    years: of "davis", each read as it says (2016: ids merged); the paper's stage 3 has both.
    What the paper has not, and is off by default (measured in docs/training.md):
    motion: of stills (None: `rotation` and `scale`). shift: of the clip's one map, share of the
    frame. reverse: half of the clips run backwards. stills_share: of a video stage's clips are
    made of stills under stills_roots. paste: share of the clips that get the moving object of
    another still. spoilt: share of the heatmaps fed back that get an error. warmup: steps; end_rate: the learning rate falls to it along a cosine.
    """

    name: str
    source: Literal["stills", "ytvos", "davis"]
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

    def rate(self, step: int, steps: int) -> float:
        """Learning rate of step 0 .. steps-1: a linear warm-up, then constant or a cosine."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / (self.warmup + 1)
        if self.end_rate is None:
            return self.learning_rate
        done = (step - self.warmup) / max(1, steps - 1 - self.warmup)
        return self.end_rate + (self.learning_rate - self.end_rate) * (
            0.5 + 0.5 * math.cos(math.pi * min(1.0, done))
        )


def _check_count(name: str, count: int | None) -> None:
    """Refuse a count below 1; None is none given."""
    if count is not None and count < 1:
        raise UserError(f"{name} must be 1 or more, not {count}")


@dataclass(frozen=True)
class TrainConfig:
    """How every row is trained.

    initial: backbone -> "imagenet" (the paper's weights), a file, or null (random).
    freeze: backbone -> whether only its last block learns, as in the paper (default true).
    effort: backbone -> share of every stage's steps or epochs that it gets (default 1).
    transition_activation: "softmax" (released code) or "none" (paper), ledger item 6.
    template_loss: the template head's loss of the released code, ledger item 4.
    heldout: sequences of the training split that no stage with DAVIS data learns from.
    What the paper has not: optimizer "adamw" with weight_decay; clip_norm: largest norm of the
    gradient; average: decay of a running mean of the weights, which then is the result;
    precision: of the layers ("bfloat16": autocast; weights and losses stay float32).
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
    average: float | None = None
    precision: Literal["float32", "bfloat16"] = "float32"
    checkpoint_every: int = 50
    workers: int = 0

    def __post_init__(self) -> None:
        for name in (*self.initial, *self.freeze, *self.effort):
            if name not in BACKBONES:
                raise UserError(f"unknown backbone {name!r}; known: {', '.join(BACKBONES)}")
        for name, effort in self.effort.items():
            if effort <= 0:
                raise UserError(f"effort of {name} must be positive")
        _check_count("checkpoint_every", self.checkpoint_every)
        if self.workers < 0:
            raise UserError(f"workers must be 0 or more, not {self.workers}")
        if self.weight_decay < 0 or (self.weight_decay and self.optimizer == "adam"):
            raise UserError("weight_decay must be 0 or more, and is for optimizer adamw")
        if self.clip_norm is not None and not self.clip_norm > 0:
            raise UserError("clip_norm must be above 0, or null for none")
        if self.average is not None and not 0 < self.average < 1:
            raise UserError("average must lie between 0 and 1, or be null for none")

    def stages_of(self, backbone: str) -> tuple[Stage, ...]:
        """The stages as this backbone goes through them: at least one step or epoch of each."""
        effort = self.effort.get(backbone, 1.0)

        def share(count: int | None) -> int | None:
            return None if count is None else max(1, round(count * effort))

        return tuple(
            replace(stage, steps=share(stage.steps), epochs=share(stage.epochs))
            for stage in self.stages
        )


@dataclass(frozen=True)
class Dataset:
    """A DAVIS-layout dataset to predict and to score on."""

    root: str
    year: Literal[2016, 2017]
    split: str = "val"


@dataclass(frozen=True)
class Masks:
    """Somebody's result masks, scored as one more row. optional: left out where absent."""

    name: str
    root: str
    datasets: tuple[str, ...]
    optional: bool = False


@dataclass(frozen=True)
class CostConfig:
    """Frame size for parameters and MACs; the paper's is 480x854."""

    height: int = 480
    width: int = 854


@dataclass(frozen=True)
class SpeedConfig:
    """Frame size, clip length and repeats of the speed measurement."""

    height: int = 480
    width: int = 854
    frames: int = 6
    repeats: int = 5
    objects: int = 1


@dataclass(frozen=True)
class Comparable:
    """Whether this profile's numbers are the same quantity as the paper's."""

    accuracy: bool = False
    speed: bool = False
    reason: str = ""


@dataclass(frozen=True)
class Config:
    """One profile: what is trained, predicted, scored, measured, and how the report names it.

    rows: names from variants.tsv. checkpoint: used for every row instead of training.
    data_label: the data in a few words, for column headings.
    davis, davis_train, stills: folders that `{davis}` and so on stand for in the other paths;
    `{results}` is `results`.
    """

    profile: str
    title: str
    caution: str
    results: str
    rows: tuple[str, ...]
    datasets: dict[str, Dataset]
    data_label: str = ""
    seeds: tuple[int, ...] = (0,)
    device: Literal["cpu", "cuda"] = "cpu"
    single_object: Literal["aggregated", "direct"] = "aggregated"
    references: tuple[Literal["still", "flow"], ...] = ("still", "flow")
    masks: tuple[Masks, ...] = ()
    mini: MiniConfig | None = None
    train: TrainConfig | None = None
    checkpoint: str | None = None
    davis: str | None = None
    davis_train: str | None = None
    stills: str | None = None
    cost: CostConfig = CostConfig()
    speed: SpeedConfig | None = SpeedConfig()
    comparable: Comparable = Comparable()


def load_config(path: Path | str) -> Config:
    """Read and check a profile; raises UserError with file and key."""
    return parse_config(read_yaml(path), str(path))


def parse_config(values: Any, where: str = "config") -> Config:
    """Check a profile given as plain data (what Snakemake has after --config)."""
    if not isinstance(values, dict):
        raise UserError(f"{where}: expected keys and values, got {values!r}")
    values = _fill_placeholders(values, values, where)
    if isinstance(values.get("train"), dict) and "recipe" in values["train"]:
        values = {**values, "train": _with_recipe(values["train"], values, where)}
    config = build(Config, values, where)
    rows = load_rows()
    for name in config.rows:
        if name not in rows:
            raise UserError(f"{where}: unknown row {name!r}; variants.tsv has: {', '.join(rows)}")
    for masks in config.masks:
        for dataset in masks.datasets:
            if dataset not in config.datasets:
                raise UserError(f"{where}: masks {masks.name}: no dataset named {dataset!r}")
    return config


def _with_recipe(train: dict, values: dict, where: str) -> dict:
    """Replace `recipe: NAME` by that recipe's stages from stages.yaml."""
    recipes = read_yaml(CONFIG_FOLDER / "stages.yaml")
    name = train["recipe"]
    if name not in recipes:
        raise UserError(f"{where}: unknown recipe {name!r}; known: {', '.join(recipes)}")
    if "stages" in train:
        raise UserError(f"{where}: train has both recipe and stages; keep one")
    rest = {key: value for key, value in train.items() if key != "recipe"}
    return {**rest, "stages": _fill_placeholders(recipes[name], values, where)}


def _fill_placeholders(value: Any, values: dict, where: str) -> Any:
    """Replace {davis} and the other FOLDERS in every string."""
    if isinstance(value, dict):
        return {key: _fill_placeholders(item, values, where) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_fill_placeholders(item, values, where) for item in value]
    if not isinstance(value, str):
        return value
    for name in FOLDERS:
        if "{" + name + "}" in value:
            if not isinstance(values.get(name), str):
                raise UserError(f"{where}: {value!r} needs a folder: add --config {name}=FOLDER")
            value = value.replace("{" + name + "}", values[name])
    return value


def as_plain(value: Any) -> Any:
    """A dataclass as plain data, for JSON and hashes."""
    return asdict(value)
