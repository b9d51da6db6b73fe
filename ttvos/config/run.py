"""Everything a run is configured by: what is trained, tracked, scored and measured.

A run (`workflow/runs/*.yaml`) is one `Config`. Recipes of training stages stand in
`data/stages.yaml`, experiments and rows (`ttvos.config.experiments`) in `data/experiments.tsv`.
`ttvos.plan.run` reads a file, because only the data on disk say where published data lie.
"""

import math
import os
from dataclasses import asdict, field
from typing import Any, Literal

from ttvos.config.experiments import load_rows
from ttvos.config.frtm import FRTMTraining
from ttvos.config.peers import built_peers
from ttvos.config.placeholders import DATA, Place, fill
from ttvos.config.settings import build, settings
from ttvos.config.settings import json_schema as settings_schema
from ttvos.config.stress import StressConfig
from ttvos.config.training import Motion as Motion
from ttvos.config.training import Stage as Stage
from ttvos.config.training import TrainConfig
from ttvos.core.errors import UserError
from ttvos.core.files import read_yaml
from ttvos.core.folders import shipped
from ttvos.core.shipped_weights import fill_names

STAGES = shipped("data") / "stages.yaml"
SPLIT = "val"  # what published masks are of
REFERENCES = ("still", "flow")


@settings
class Masks:
    """Somebody's result masks, scored as one more row. optional: left out where absent.

    root: folder with <sequence>/<frame>.png, in it or below (`ttvos.data.mask_folders`).
    fps: frames per second of what made them, as its authors say, and fps_device: on what; with
    them the masks are a point of Figure 1.
    """

    name: str
    root: str
    datasets: tuple[str, ...]
    optional: bool = False
    fps: float | None = None
    fps_device: str = ""

    def __post_init__(self) -> None:
        if self.fps is not None and not (self.fps > 0 and math.isfinite(self.fps)):
            raise UserError(f"fps: frames per second are above 0 and finite, not {self.fps:g}")
        if self.fps is not None and not self.fps_device:
            raise UserError("fps needs fps_device: name the device this speed was measured on")
        if self.fps is None and self.fps_device:
            raise UserError("fps_device needs fps: give the speed that was measured on the device")


@settings
class Published:
    """Which published masks are scored (docs/published-masks.md).

    datasets: names of the run's, of split val; a method's masks are those of the dataset's year.
    methods: as `ttvos data fetch published-masks` names them, ["all"] for all of them.
    fetch: bring what is not there; otherwise only what is on disk is scored.
    """

    datasets: tuple[str, ...]
    methods: tuple[str, ...] = ("all",)
    fetch: bool = False


Precision = Literal["auto", "float32", "tf32", "bfloat16", "float16"]


@settings
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


@settings
class Dataset:
    """A DAVIS-layout dataset to predict and to score on.

    only: these of the split's sequences; () means all.
    input_scale: size at which the network sees a frame, as a share of the frame's own.
    label: for headings, in a few words; "" stands for the dataset's name in the run.
    """

    root: str
    year: Literal[2016, 2017]
    split: str = "val"
    only: tuple[str, ...] = ()
    input_scale: float = 1.0
    label: str = ""


@settings
class CostConfig:
    """Frame size for parameters and MACs; the paper's is 480x854."""

    height: int = 480
    width: int = 854


@settings
class SpeedConfig:
    """Frame size, clip length, repeats and precision (`ttvos speed --precision`) of the speed
    measurement. untimed: rows that are left out of it."""

    height: int = 480
    width: int = 854
    frames: int = 6
    repeats: int = 5
    objects: int = 1
    precision: Precision = "auto"
    untimed: tuple[str, ...] = ()


@settings
class PeersConfig:
    """Which peers are measured (`data/peers/*.yaml`), at the frame size of `cost`.

    names: built ones, ["all"] for all of them. weights: peer -> file of its weights; such a peer
    also tracks the data sets. frames, repeats: of the speed measurement. timed: peers whose speed
    is measured, ["all"] for all of them; untimed: those of them that are left out. Of every peer
    the cost is counted.
    """

    names: tuple[str, ...] = ()
    weights: dict[str, str] = field(default_factory=dict)
    timed: tuple[str, ...] = ("all",)
    untimed: tuple[str, ...] = ()
    frames: int = 6
    repeats: int = 1

    def __post_init__(self) -> None:
        named = [*self.names, *self.weights, *self.timed, *self.untimed]
        built = built_peers() if set(named) - {"all"} else {}
        for name in named:
            if name != "all" and name not in built:
                raise UserError(f"no built peer {name!r}; there are: {', '.join(built)}")

    @property
    def measured(self) -> tuple[str, ...]:
        """Names, with "all" spelt out, and those that have weights."""
        names = tuple(built_peers()) if "all" in self.names else self.names
        return tuple(dict.fromkeys([*names, *self.weights]))

    def is_timed(self, peer: str) -> bool:
        """Whether the speed of a peer is measured."""
        return peer not in self.untimed and bool({peer, "all"} & set(self.timed))


@settings
class Explorer:
    """What the report's explorer shows (docs/explorer.md).

    size: most pixels of a picture's longer side. quality: of the pictures, 1 to 100 (WebP).
    maps: rows of TTVOS's whose maps it shows, of their first seed.
    """

    size: int = 432
    quality: int = 45
    maps: tuple[str, ...] = ("exp8-hrnet",)

    def __post_init__(self) -> None:
        if self.size < 16 or not 1 <= self.quality <= 100:
            raise UserError("size is 16 pixels or more, quality 1 to 100")


@settings
class LiveConfig:
    """Live accuracy: J&F of the mask on screen while a camera does not wait (docs/live.md).

    datasets: names of the run's; () is the first. who: of those that the run tracks, rows (with
    their first seed), references, and peers with weights; masks with `fps`; published masks that
    are on disk, at the speed that the paper prints; by name, ["all"] for all.
    rates: frames a second that the camera delivers. latency: measured on the clips themselves, or
    taken from the run's measurement of speed, where the tracker has one and sees the whole frame.
    seed: of the draws of latencies.
    """

    datasets: tuple[str, ...] = ()
    who: tuple[str, ...] = ("all",)
    rates: tuple[float, ...] = (10.0, 15.0, 24.0, 30.0, 60.0, 120.0)
    latency: Literal["measured", "speed"] = "measured"
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.rates or not all(0 < rate < math.inf for rate in self.rates):
            raise UserError("rates: frames a second, one or more, each above 0 and finite")
        if self.seed < 0:
            raise UserError("seed: a whole number, 0 or more")


@settings
class Comparable:
    """Whether this run's numbers are the same quantity as the paper's."""

    accuracy: bool = False
    speed: bool = False
    reason: str = ""


@settings
class Config:
    """One run: what is trained, predicted, scored, measured, and how the report names it.

    run: its name. rows: names from experiments.tsv. untrained: those of them that are neither
    trained nor tracked here; their cost and speed are measured all the same. checkpoint: file or
    name of weights for every row of TTVOS's, untrained. frtm: how the rows of FRTM-VOS are
    trained. peers: which are measured. data_label: the data in a few words, for column headings.
    davis, davis_train, stills, stills_extra, backbones: folders that `{davis}` and so on stand for
    in the other paths (backbones: of initial weights); `{results}` is `results`.
    precision: of tracking, as `--precision` of `ttvos predict`: float32, so that scores do not
    depend on the processor, unless another is named. That of the speed measurement is
    `speed.precision`, what trainings compute in is `train.precision`.
    davis_record: folder of what the DAVIS site printed (`ttvos data fetch davis-record`); with it,
    scores of published masks are compared with the site's, and lost points are told by attribute.
    explorer: what the report's explorer shows; null leaves it out.
    failures: whether lost points are accounted for, wherever masks are scored (docs/failures.md).
    stress: with it, every tracker is stressed (docs/stress.md).
    data: folder of published data; `{davis2017}` and the other names of `ttvos data fetch`
    stand for where each lies below it, or goes to (`ttvos.data.places`).
    """

    run: str
    title: str
    caution: str
    results: str
    rows: tuple[str, ...]
    datasets: dict[str, Dataset]
    data_label: str = ""
    seeds: tuple[int, ...] = (0,)
    untrained: tuple[str, ...] = ()
    device: Literal["cpu", "cuda"] = "cpu"
    precision: Precision = "float32"
    single_object: Literal["aggregated", "direct"] = "aggregated"
    references: tuple[Literal["still", "flow"], ...] = ("still", "flow")
    masks: tuple[Masks, ...] = ()
    published: Published | None = None
    mini: MiniConfig | None = None
    train: TrainConfig | None = None
    frtm: FRTMTraining | None = None
    peers: PeersConfig = PeersConfig()
    checkpoint: str | None = None
    davis: str | None = None
    davis_train: str | None = None
    stills: str | None = None
    stills_extra: str | None = None
    backbones: str | None = None
    davis_record: str | None = None
    failures: bool = True
    stress: StressConfig | None = None
    data: str = DATA
    cost: CostConfig = CostConfig()
    speed: SpeedConfig | None = SpeedConfig()
    explorer: Explorer | None = Explorer()
    live: LiveConfig | None = None
    comparable: Comparable = Comparable()

    def __post_init__(self) -> None:
        named = (self.precision, self.speed.precision if self.speed else None)
        if "tf32" in named and self.device != "cuda":
            raise UserError("precision tf32 exists on CUDA only; use float32, or device: cuda")


def parse_run(values: Any, where: str, place: Place) -> Config:
    """Check a run given as plain data; raises UserError with place and key.

    place: where published data of a name lie (`ttvos.config.placeholders`).
    """
    if not isinstance(values, dict):
        raise UserError(f"{where}: expected keys and values, got {values!r}")
    if "profile" in values:  # what `run` was called
        values = {"run": values["profile"], **values}
        del values["profile"]
    if isinstance(values.get("results"), str):  # Snakemake knows files by their paths as text
        values = {**values, "results": os.path.normpath(values["results"])}
    values = fill(values, values, where, place)
    if isinstance(values.get("train"), dict) and "recipe" in values["train"]:
        values = {**values, "train": _with_recipe(values["train"], values, where, place)}
    config = build(Config, fill_names(values, where), where)
    _check_names(config, where)
    return config


def _check_names(config: Config, where: str) -> None:
    """Refuse rows and data sets that are not there."""
    rows = load_rows()
    for name in config.rows:
        if name not in rows:
            known = ", ".join(rows)
            raise UserError(f"{where}: unknown row {name!r}; experiments.tsv has: {known}")
        is_trained = name not in config.untrained
        if is_trained and rows[name].tracker == "frtm" and config.frtm is None:
            raise UserError(f"{where}: row {name} is trained as a section `frtm` says; add one")
    for name in config.untrained:
        if name not in config.rows:
            raise UserError(f"{where}: untrained: {name!r} is none of this run's rows")
    for name in config.speed.untimed if config.speed else ():
        if name not in rows:
            raise UserError(f"{where}: speed: untimed: experiments.tsv has no row {name!r}")
    for name in config.explorer.maps if config.explorer else ():
        if name not in rows:
            raise UserError(f"{where}: explorer: maps: experiments.tsv has no row {name!r}")
    _check_live(config, where)
    for masks in config.masks:
        for dataset in masks.datasets:
            if dataset not in config.datasets:
                raise UserError(f"{where}: masks {masks.name}: no dataset named {dataset!r}")
    for name in config.stress.datasets if config.stress else ():
        if name not in config.datasets:
            raise UserError(f"{where}: stress: no dataset named {name!r}")
    for name in config.published.datasets if config.published else ():
        if name not in config.datasets or config.datasets[name].split != SPLIT:
            raise UserError(f"{where}: published: {name!r} is no dataset here of split {SPLIT}")


def _check_live(config: Config, where: str) -> None:
    """Refuse names of the section `live` that nothing here has; a row may be another run's."""
    if config.live is None:
        return
    for name in config.live.datasets:
        if name not in config.datasets:
            raise UserError(f"{where}: live: no dataset named {name!r}")
    masks = [masks.name for masks in config.masks]
    published = config.published.methods if config.published else ()
    known = {"all", *REFERENCES, *load_rows(), *built_peers(), *masks, *published}
    for name in config.live.who:
        if name not in known:
            raise UserError(f"{where}: live: who: no row, reference, peer or masks named {name!r}")


def _with_recipe(train: dict, values: dict, where: str, place: Place) -> dict:
    """Replace `recipe: NAME` by that recipe's stages from stages.yaml.

    `change: {KEY: VALUE}` beside it sets these keys of every stage.
    """
    recipes = read_yaml(STAGES)
    name = train["recipe"]
    if name not in recipes:
        raise UserError(f"{where}: unknown recipe {name!r}; known: {', '.join(recipes)}")
    if "stages" in train:
        raise UserError(f"{where}: train has both recipe and stages; keep one")
    change = train.get("change", {})
    if not isinstance(change, dict):
        raise UserError(f"{where}: train.change: expected keys and values, got {change!r}")
    rest = {key: value for key, value in train.items() if key not in ("recipe", "change")}
    stages = [{**stage, **change} for stage in recipes[name]]
    return {**rest, "stages": fill(stages, values, where, place)}


def as_plain(value: Any) -> Any:
    """A dataclass as plain data, for JSON and hashes."""
    return asdict(value)


def json_schema() -> dict[str, Any]:
    """JSON Schema of a run's file, where a training may have a recipe in place of stages."""
    schema = settings_schema(Config)
    train, stage = schema["$defs"]["TrainConfig"], schema["$defs"]["Stage"]
    keys = {name: {"$ref": f"#/$defs/Stage/properties/{name}"} for name in stage["properties"]}
    train["properties"] |= {
        "recipe": {"enum": list(read_yaml(STAGES))},
        "change": {"type": "object", "properties": keys, "additionalProperties": False},
    }
    train["oneOf"] = [{"required": ["stages"]}, {"required": ["recipe"]}]
    train["required"].remove("stages")
    return schema
