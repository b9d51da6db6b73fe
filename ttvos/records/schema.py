"""What every result file holds: scores, predictions, cost, speed, training, and their origin.

A record answers by attribute (`scores.means.jf_mean`) and by the key that its file has
(`scores["global"]["J&F-Mean"]`). Both are the same values; keys that a file lacks are in neither
`record.keys()` nor what is written again, so that reading and writing changes no file.
A field with a default is one that earlier versions did not write, or not every maker has. Keys
that no field names are kept as they are.
"""

from collections.abc import ItemsView, Iterator, ValuesView
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

NEEDED = ("source", "device", "time")  # of an origin, for a number to count


class Record(BaseModel):
    """The base of all: values of exact types (no text for a number), which cannot be changed."""

    model_config = ConfigDict(extra="allow", frozen=True, populate_by_name=True, strict=True)

    def plain(self) -> dict[str, Any]:
        """Plain data by the keys of the file, as JSON has it."""
        return self.model_dump(by_alias=True, exclude_unset=True)

    def keys(self) -> tuple[str, ...]:
        """The keys that the file has, in the order of the fields."""
        own = type(self).model_fields.items()
        known = (f.alias or name for name, f in own if name in self.model_fields_set)
        return (*known, *(self.model_extra or ()))

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __contains__(self, key: str) -> bool:
        return key in self.keys()

    def __eq__(self, other: object) -> bool:
        """Whether keys and values are the same, also of plain data."""
        return self.plain() == (other.plain() if isinstance(other, Record) else other)

    def __getitem__(self, key: str) -> Any:
        """The value of a key of the file; KeyError where the file has no such key."""
        if key in (self.model_extra or ()):
            return self.model_extra[key]
        for name, field in type(self).model_fields.items():
            if key == (field.alias or name) and name in self.model_fields_set:
                return getattr(self, name)
        raise KeyError(key)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key of the file, or `default`."""
        try:
            return self[key]
        except KeyError:
            return default

    def items(self) -> ItemsView[str, Any]:
        """Pairs of key and value, as of a dictionary."""
        return {key: self[key] for key in self.keys()}.items()

    def values(self) -> ValuesView[Any]:
        """The values, as of a dictionary."""
        return {key: self[key] for key in self.keys()}.values()


class Origin(Record):
    """Where a file's numbers come from (`ttvos.core.provenance.provenance`), under "provenance".

    commit: of the working tree, "+changes" after it where files differ; source: hash of the
    package; config: of the settings. device: the processor's or the GPU's name. data: data set by
    name, root, year, split. command: what was run. time: ISO 8601, UTC.

    The rest are facts of one maker each. threads: PyTorch's. checkpoint: of the weights, SHA-256
    (speed: the path). tracker: name and options, tracker_class and tracker_code: where it stands,
    and its hash; compiled: whether compiled code ran. masks: the folder that was scored,
    masks_origin: whose; objects, ignore_void: the rules. initial: weights that a training began
    with; processes and accumulate: in which each batch was shared out; selection: which step's
    weights were taken. kept: the file that a cost was taken from.
    """

    commit: str | None = None
    source: str | None = None
    config: str | None = None
    seed: int | None = None
    device: str | None = None
    precision: str | list[str] | None = None
    data: dict[str, Any] | None = None
    cpus: int | None = None
    platform: str | None = None
    python: str | None = None
    libraries: dict[str, str] = {}
    command: list[str] = []
    time: str | None = None
    threads: int | None = None
    checkpoint: str | None = None
    tracker: dict[str, Any] | None = None
    tracker_class: str | None = None
    tracker_code: str | None = None
    compiled: bool | None = None
    masks: str | None = None
    masks_origin: dict[str, Any] | None = None
    evaluator: str | None = None
    evaluator_version: str | None = None
    objects: str | None = None
    ignore_void: bool | None = None
    initial: dict[str, Any] | None = None
    processes: int | None = None
    accumulate: int | None = None
    selection: str | None = None
    backbone_learns: bool | None = None
    kept: str | None = None

    @property
    def tells(self) -> bool:
        """Whether it says enough for the file's numbers to count."""
        return all(getattr(self, name) for name in NEEDED)


class Result(Record):
    """A result file: the common base of those below."""

    provenance: Origin | None = None

    @property
    def origin(self) -> Origin | None:
        """Where the numbers come from; None if the file does not say enough."""
        return self.provenance if self.provenance and self.provenance.tells else None

    @classmethod
    def fits(cls, data: dict[str, Any]) -> bool:
        """Whether plain data is of this kind, where a file may be one of several."""
        return True


# Scores: `ttvos evaluate`


class Statistics(Record):
    """Of J and F, fractions: means, recalls (share of frames above 0.5), decays."""

    j_mean: float = Field(alias="J-Mean")
    j_recall: float = Field(alias="J-Recall")
    j_decay: float = Field(alias="J-Decay")
    f_mean: float = Field(alias="F-Mean")
    f_recall: float = Field(alias="F-Recall")
    f_decay: float = Field(alias="F-Decay")


class ObjectScores(Statistics):
    """One object's, over its frames."""

    @property
    def jf_mean(self) -> float:
        """The mean of J and F."""
        return (self.j_mean + self.f_mean) / 2


class _Both(Record):
    jf_mean: float = Field(alias="J&F-Mean")


class Means(Statistics, _Both):  # in this order J&F stands first in the file
    """Means over all objects; J&F is the mean of the J and the F mean."""


class FrameScores(Record):
    """One object's J and F in each scored frame, fractions."""

    j: list[float] = Field(alias="J")
    f: list[float] = Field(alias="F")


class Scored(Record):
    """How much was scored. available: number of sequences that `set`, in words, has."""

    sequences: int
    objects: int
    frames: int
    available: int
    set: str


class Scores(Result):
    """J and F of a folder of masks. objects, frames: by "<sequence>_<id>"."""

    means: Means = Field(alias="global")
    objects: dict[str, ObjectScores]
    frames: dict[str, FrameScores] = {}
    scored: Scored | None = None
    notes: list[str] = []

    @classmethod
    def fits(cls, data: dict[str, Any]) -> bool:
        return "missing" not in data

    def sequences(self) -> dict[str, list[ObjectScores]]:
        """The objects' scores by sequence, in the order of the file."""
        found: dict[str, list[ObjectScores]] = {}
        for name, scores in self.objects.items():
            found.setdefault(name.rpartition("_")[0], []).append(scores)
        return found


class NotScored(Result):
    """What stands in place of scores where published masks could not be had. missing: why."""

    missing: str

    @classmethod
    def fits(cls, data: dict[str, Any]) -> bool:
        return "missing" in data


# Scores against those that the DAVIS site printed: `ttvos site`


class _Difference(Record):
    """Ours against the site's. compared: how many values of J and F; beyond: how many of them are
    further apart than the tolerance; largest: how far apart at most; mean: of J&F, ours less the
    site's. The latter two are fractions.
    """

    compared: int
    beyond: int
    largest: float
    mean: float


class SequenceDifference(_Difference):
    """One sequence. reason: why it could not be compared; "" otherwise."""

    sequence: str
    reason: str = ""


class MethodDifference(_Difference):
    """One method over all sequences. differing: those with values beyond the tolerance."""

    method: str
    differing: list[SequenceDifference]


class AttributeMeans(Record):
    """Means over the objects of all sequences with an attribute, fractions."""

    method: str
    attribute: str
    sequences: int
    jf: float = Field(alias="J&F-Mean")
    j: float = Field(alias="J-Mean")
    f: float = Field(alias="F-Mean")


class SiteCheck(Result):
    """Scores of masks against those that the DAVIS site printed for them, and by attribute.

    by: what the site's values are of, frames (2016) or objects (2017); frames: which are scored.
    not_on_site: methods of which the record has nothing. attributes: those that at least `fewest`
    of the sequences have.
    """

    year: int
    by: Literal["frame", "object"]
    tolerance: float
    frames: str
    methods: list[MethodDifference]
    not_on_site: list[str]
    fewest: int
    attributes: list[AttributeMeans] = []


# Predictions: `ttvos predict`


class TrackedSequence(Record):
    """One sequence of T frames with O objects.

    objects: ids in the first mask. update_weights: (T-1) x O, None from a tracker without them.
    foreground_ratio: T x O, each object's share of the frame's area, 0 to 1.
    """

    objects: list[int]
    frames: int
    update_weights: list[list[float]] | None
    foreground_ratio: list[list[float]]
    notes: list[str] = []


class Predictions(Result):
    """predict.json beside the masks of a split. sequences: by name; tracker: its name."""

    sequences: dict[str, TrackedSequence]
    tracker: str


# Cost: `ttvos cost`


class RowParameters(Record):
    """Numbers of parameters of TTVOS: total counts the training-only heads, inference does not."""

    total: int
    inference: int
    trainable: int
    backbone: int | None = None
    memory: int | None = None
    query: int | None = None
    refine: int | None = None
    heads: int | None = None


class RowMACs(Record):
    """Multiply-accumulate operations of a frame of TTVOS, whole and by part.

    short_term and attention are in refine already; two_frame_clip is the paper's #FLOPs.
    """

    frame: int
    features: int
    query: int
    refine: int
    weight: int | None = None
    update: int
    short_term: int | None = None
    attention: int | None = None
    two_frame_clip: int


class RowCost(Result):
    """Parameters and MACs of one experiment on one backbone, at a frame size in pixels."""

    variant: str | None = None
    backbone: str | None = None
    height: int
    width: int
    parameters: RowParameters
    macs: RowMACs
    protocol: dict[str, str] = {}

    @classmethod
    def fits(cls, data: dict[str, Any]) -> bool:
        return "tracker" not in data


class TrackerParameters(Record):
    """Numbers of parameters of any tracker; parts: by the tracker's own names."""

    total: int
    parts: dict[str, int]
    other: int


class TrackerMACs(Record):
    """MACs of any tracker: of frame 0, of a frame (mean over a cycle), by part, of each frame."""

    init: int
    frame: int
    parts: dict[str, int]
    init_parts: dict[str, int]
    steps: list[int]


class TrackerCost(Result):
    """Parameters and MACs of any tracker, counted while it runs (`ttvos.measure.tracker_cost`).

    cycle: frames after which the work repeats. uncounted: operators whose MACs are not in it.
    online_not_run: what the tracker says of the fine-tuning that it leaves out. counted_with: all
    that the count hangs on, in a file that is kept.
    """

    tracker: str
    height: int
    width: int
    objects: int
    cycle: int
    parameters: TrackerParameters
    macs: TrackerMACs
    uncounted: list[str] = []
    online_not_run: dict[str, Any] | None = None
    protocol: dict[str, str] = {}
    counted_with: dict[str, Any] | None = None

    @classmethod
    def fits(cls, data: dict[str, Any]) -> bool:
        return "tracker" in data


Cost = RowCost | TrackerCost

# Speed: `ttvos speed`


class Load(Record):
    """cores that the process may use, and how many other processes kept busy meanwhile."""

    cores: int
    used_by_others: float | None


class Spread(Record):
    """Frames a second of the slowest and the quickest repeat; their difference over the median."""

    fps_min: float
    fps_max: float
    relative: float


class Streaming(Record):
    """Frame by frame. repeats: ms of each frame but frame 0, a list a repeat; init_ms: of frame 0.

    A percentile is None where the sample is too small for it (`ttvos.measure.latency`).
    """

    fps: float
    p50_ms: float | None = None
    p90_ms: float | None = None
    p99_ms: float | None = None
    repeats: list[list[float]]
    init_ms: list[float]
    spread: Spread | None = None
    peak_memory_bytes: int | None = None
    timed_frames: int | None = None
    warmup_clips: int | None = None


class Pipelined(Record):
    """The frames after frame 0 as one stream; seconds of each repeat."""

    fps: float
    seconds: list[float]


class Released(Record):
    """One whole clip by the authors' protocol; seconds of it."""

    fps: float
    seconds: float | None = None
    frames: int | None = None


class ReleasedWarm(Record):
    """The same loop warmed up and without frame 0; seconds of each repeat."""

    fps: float
    seconds: list[float]
    frames: int
    warmup_clips: int | None = None


class Ceilings(Record):
    """What the device reaches at a precision: operations and bytes a second, and how it was had.

    Products of square matrices of `side`, copies of `buffer_bytes`, each timed several times.
    """

    precision: str
    threads: int | None = None
    flops_per_s: float
    side: int | None = None
    product_seconds: list[float] = []
    bytes_per_s: float
    buffer_bytes: int | None = None
    copy_seconds: list[float] = []
    cache_bytes: int | None = None


class Reached(Record):
    """A protocol on the roofline: seconds at the ceilings, and the fraction that is reached."""

    macs: int
    bytes: int | None = None
    seconds: float
    memory_bound: float | None = None
    fraction: float
    matrix_rate_fraction: float


class SpeedLine(Record):
    """A line of the printed table, of one protocol (`ttvos.measure.speedtable`).

    None: not measured.
    """

    model: str
    device: str
    precision: str | None
    engine: str
    compiled: bool | None
    protocol: str
    fps: float
    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None
    timed_frames: int | None
    spread: float | None = None
    peak_memory_bytes: int | None
    macs: int | None
    roofline_fraction: float | None
    matrix_rate_fraction: float | None
    times_released: float | None


class _Timed(Result):
    """What both kinds share. device: "cpu" or "cuda"; compiled: None where it is not known.

    engine: "fast" or "reference" of a row, "own" of any tracker.
    """

    device: str
    precision: str | None = None
    engine: str = "fast"
    height: int | None = None
    width: int | None = None
    objects: int = 1
    frames: int | None = None
    compiled: bool | None = None
    load: Load | None = None
    streaming: Streaming
    rows: list[SpeedLine] = []
    protocol: dict[str, str] = {}


class RowSpeed(_Timed):
    """Speed of TTVOS by several protocols (`ttvos.measure.speed`), which share frames and device.

    released_warm and the ratio to it are not in files of earlier versions.
    """

    variant: str | None = None
    backbone: str | None = None
    pipelined: Pipelined | None = None
    released: Released
    released_warm: ReleasedWarm | None = None
    ratio_to_released: float | None = None
    ceilings: dict[str, Ceilings] = {}
    roofline: dict[Literal["streaming", "released", "released_warm"], Reached]

    @classmethod
    def fits(cls, data: dict[str, Any]) -> bool:
        return data.get("engine") != "own"


class WithInitialisation(Record):
    """Frames a second with frame 0 counted, over so many frames of a clip."""

    fps: float
    frames: int


class Growth(Record):
    """Bytes of the state after frame 1 and the last; last third's median time over the first's."""

    frames: int
    state_bytes_first: int
    state_bytes_last: int
    time_ratio: float


class TrackerSpeed(_Timed):
    """Speed of any tracker, frame by frame (`ttvos.measure.tracker_speed`)."""

    tracker: str | None = None
    with_initialisation: WithInitialisation
    growth: Growth

    @classmethod
    def fits(cls, data: dict[str, Any]) -> bool:
        return data.get("engine") == "own"


Speed = RowSpeed | TrackerSpeed

# Live accuracy: `ttvos live`


class Timing(Record):
    """Latencies in ms: of frame 0, and of frames after it."""

    init_ms: list[float]
    step_ms: list[float]


class LiveLatency(Record):
    """Where the latencies of a live run are from: measured in it, of a `file`, or given as a speed.

    Either `pooled`, of all sequences alike, or by sequence. device: that they were measured on;
    height, width, objects: of the clip that was timed, None where it is the scored clips or not
    known. p50_ms: of all that follow frame 0.
    """

    source: Literal["measured", "file", "given"]
    device: str
    precision: str | None = None
    height: int | None = None
    width: int | None = None
    objects: int | None = None
    file: str | None = None
    p50_ms: float
    pooled: Timing | None = None
    sequences: dict[str, Timing] = {}


class MaskAge(Record):
    """How old the mask on screen is when a frame arrives, over the scored frames.

    mean, p50, p90, p99, highest: in frames; the same in ms. A percentile is None where the sample
    is too small for it (`ttvos.measure.latency`).
    """

    mean: float
    p50: float
    p90: float | None
    p99: float | None
    highest: int
    mean_ms: float
    p50_ms: float
    p90_ms: float | None
    p99_ms: float | None
    highest_ms: float


class LiveSequence(_Both):
    """One sequence at one rate. j, f: means over its objects; processed: share of frames taken."""

    j_mean: float = Field(alias="J-Mean")
    f_mean: float = Field(alias="F-Mean")
    processed: float
    age_mean: float


class LiveRate(Record):
    """What a viewer sees at one rate of the camera, in frames a second.

    processed: the tracker took this share of the frames after frame 0.
    """

    rate: float
    means: Means = Field(alias="global")
    age: MaskAge
    processed: float
    sequences: dict[str, LiveSequence]


class Live(Result):
    """J&F of the mask on screen when each frame arrives (`ttvos.measure.live`, docs/live.md).

    offline: of the same tracker when the clip waits for it. upper_bound: the masks were made with
    every frame seen, also those for which there was no time.
    """

    tracker: str
    upper_bound: bool = False
    seed: int
    latency: LiveLatency
    offline: Means
    offline_sequences: dict[str, float]
    rates: list[LiveRate]
    scored: Scored
    notes: list[str] = []
    load: Load | None = None
    protocol: dict[str, str] = {}

    @classmethod
    def fits(cls, data: dict[str, Any]) -> bool:
        return "latency" in data


# Training: `ttvos train`


class TrainedStage(Record):
    """What one stage did; losses: term -> mean over the last steps, waiting: for clips, a share."""

    name: str
    steps: int
    epochs: int
    seconds: float
    waiting_share: float
    waiting_share_worst_epoch: float
    losses: dict[str, float]
    losses_over_last_steps: int


class Scoring(Record):
    """Scores of the weights after a step of a stage, fractions. sequences: name -> J&F."""

    stage: str
    step: int
    jf: float = Field(alias="J&F")
    j: float = Field(alias="J")
    f: float = Field(alias="F")
    sequences: dict[str, float] = {}
    seconds: float | None = None


class Selection(Record):
    """How the weights were chosen; all but `by` only where steps were scored."""

    by: Literal["last", "heldout", "released"]
    data: dict[str, Any] | None = None
    scorings: int | None = None
    chosen: Scoring | None = None
    last: Scoring | None = None


class Training(Result):
    """train.json beside a checkpoint.

    variant: the experiment, "frtm" of FRTM-VOS, which also has tracker, transition_loss and
    target_fits. hash: of all that makes the training stale. settings: all that decides the
    weights, data by their listing's hash. codes: hashes of the code that trained, one a change.
    skipped: clips that could not be read.
    """

    variant: str
    tracker: str = "ttvos"
    transition_loss: bool | None = None
    backbone: str
    seed: int
    hash: str | None = None
    checkpoint_sha256: str | None = None
    settings: dict[str, Any] | None = None
    codes: list[str] = []
    stages: list[TrainedStage] = []
    selection: Selection | None = None
    steps: int
    seconds: float
    target_fits: dict[str, Any] | None = None
    skipped: list[str] = []


KINDS = {  # by the name of the JSON Schema
    "scores": Scores | NotScored,
    "site": SiteCheck,
    "predictions": Predictions,
    "cost": Cost,
    "speed": Speed,
    "live": Live,
    "training": Training,
    "origin": Origin,
}


def json_schemas() -> dict[str, dict[str, Any]]:
    """A JSON Schema of each of KINDS, by its name."""
    return {name: TypeAdapter(kind).json_schema() for name, kind in KINDS.items()}
