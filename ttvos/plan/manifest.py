"""The manifest: a JSON file, written by the workflow, that names every file a report may read.

The workflow takes its targets from it too, so both name the same files, and nothing is searched
for in folders, so nothing stale can enter. A path may be null (this run has no such file); the
report then says "not measured".
"""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ttvos.config.experiments import Row
from ttvos.config.peers import load_records
from ttvos.config.run import Comparable, as_plain
from ttvos.config.settings import build, settings
from ttvos.core.files import atomic_path, read_json
from ttvos.plan.plan import Plan, peer_of_row

Paths = tuple[str | None, ...]


@settings
class DatasetEntry:
    """Where a DAVIS-layout dataset is and which part of it was used."""

    root: str
    year: int
    split: str = "val"
    only: tuple[str, ...] = ()
    input_scale: float = 1.0
    label: str = ""


@settings
class RowEntry:
    """One row of experiments.tsv (or a peer): its runs, one file per seed, and its cost.

    tables: numbers of the paper's tables that the row feeds. tracker: "ttvos", "frtm", or a
    user's class; variant and backbone are "" where the tracker has none.
    transition_loss: whether the row's training has it, where its table asks. untrained: why the
    run neither trains nor tracks the row, which then has no seed; "" for the other rows.
    """

    row: str
    variant: str
    backbone: str
    tracker: str = "ttvos"
    transition_loss: bool | None = None
    method: str = "TTVOS"
    tables: tuple[int, ...] = ()
    seeds: tuple[int, ...] = ()
    train: Paths = ()
    loss: Paths = ()
    evaluate: dict[str, Paths] = field(default_factory=dict)
    predict: dict[str, Paths] = field(default_factory=dict)
    cost: str | None = None
    speed: str | None = None
    untrained: str = ""

    @property
    def label(self) -> str:
        """How the report calls it."""
        return f"{self.method} {self.row}" if self.tracker == "ttvos" else self.row


@settings
class MaskEntry:
    """A reference (mask held still, carried by flow) or somebody's masks.

    fps: frames per second of what made the masks, as their owner gives it, on fps_device.
    """

    name: str
    label: str = ""
    evaluate: dict[str, str | None] = field(default_factory=dict)
    fps: float | None = None
    fps_device: str = ""


@settings
class PeerEntry:
    """A built method of the paper's Table 3 (`ttvos.config.peers`): what it costs, how fast it is,
    and, where there are weights, how good."""

    name: str
    cost: str | None = None
    speed: str | None = None
    evaluate: dict[str, Paths] = field(default_factory=dict)


@settings
class PublishedEntry:
    """Masks that a method's authors published, scored here. method: as Table 3 prints it; name: as
    commands do."""

    method: str
    name: str = ""
    evaluate: dict[str, str | None] = field(default_factory=dict)
    source: str = ""

    @property
    def label(self) -> str:
        """How the report calls it."""
        return f"{self.method}, published masks"


@settings
class LiveEntry:
    """Who was played live (docs/live.md). results: dataset -> file."""

    name: str
    label: str
    results: dict[str, str]


@settings
class StressEntry:
    """A tracker under stress on a dataset."""

    label: str
    dataset: str
    file: str


@settings
class Manifest:
    """What one run measured. Relative paths start from `root`, itself relative to the file.

    data_label: the data in two or three words, e.g. "built-in clips", for column headings.
    site: by dataset, published masks' scores against those that the DAVIS site printed.
    failures: by file of scores, the account of what they lost. stress: of each tracker and dataset.
    notebook: HTML of the executed notebook (nbconvert's "basic" template).
    explorer: by dataset, the folder of what the explorer loads.
    benchmarks: "rule job" or "rule" -> Snakemake's benchmark file. other_benchmarks: likewise, of
    jobs that make no result; shown where the files are there.
    """

    profile: str
    title: str
    caution: str
    datasets: dict[str, DatasetEntry]
    rows: tuple[RowEntry, ...]
    references: tuple[MaskEntry, ...] = ()
    masks: tuple[MaskEntry, ...] = ()
    peers: tuple[PeerEntry, ...] = ()
    published: tuple[PublishedEntry, ...] = ()
    live: tuple[LiveEntry, ...] = ()
    site: dict[str, str | None] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    stress: tuple[StressEntry, ...] = ()
    data_label: str = ""
    comparable: Comparable = field(default_factory=Comparable)
    root: str = "."
    maps: str | None = None
    notebook: str | None = None
    explorer: dict[str, str] = field(default_factory=dict)
    benchmarks: dict[str, str | None] = field(default_factory=dict)
    other_benchmarks: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Located:
    """A manifest with the folder that its paths start from, and its own provenance."""

    manifest: Manifest
    folder: Path
    provenance: dict[str, Any]

    def path(self, name: str) -> Path:
        """A path of the manifest as one that can be opened."""
        return Path(os.path.normpath(self.folder / name))


def load_manifest(path: Path | str) -> Located:
    """Read and check a manifest without opening the files it names.

    Raises UserError for a missing or damaged file, an unknown key or a wrong type.
    """
    path = Path(path)
    values = read_json(path)
    found = values.pop("provenance", {}) if isinstance(values, dict) else {}
    manifest = build(Manifest, values, str(path))
    return Located(manifest, path.parent / manifest.root, found)


def data_label(manifest: Manifest) -> str:
    """The data in a few words, for headings such as "on built-in clips"."""
    if manifest.data_label:
        return manifest.data_label
    return "built-in clips" if manifest.profile == "mini" else f"run {manifest.profile}"


REFERENCE_LABELS = {
    "still": "First mask held still",
    "flow": "First mask carried by optical flow (DIS)",
}
UNTRAINED = "not trained in this run"
SCORED = ("rows", "references", "masks", "published", "peers")  # parts that may name scores


def make_manifest(plan: Plan) -> dict[str, Any]:
    """The manifest of a run, as plain data for JSON."""
    config, shown = plan.config, plan.shown_training
    first = next(iter(config.datasets), None)
    manifest = {
        "profile": config.run,
        "title": config.title,
        "caution": config.caution,
        "root": os.path.relpath(".", config.results),
        "data_label": config.data_label,
        "comparable": as_plain(config.comparable),
        "datasets": {name: as_plain(dataset) for name, dataset in config.datasets.items()},
        "rows": [_row(plan, row) for row in plan.rows],
        "references": [
            _masks(plan, name, name, REFERENCE_LABELS[name], config.datasets)
            for name in config.references
        ],
        "masks": [
            _masks(plan, name, f"masks-{name}", name, masks.datasets)
            | {"fps": masks.fps, "fps_device": masks.fps_device}
            for name, masks in plan.masks.items()
        ],
        "published": [
            {
                "name": method,
                "method": next(iter(sets.values())).label,
                "evaluate": {name: plan.published_scores(method, name) for name in sets},
                "source": "; ".join(dict.fromkeys(masks.source for masks in sets.values())),
            }
            for method, sets in plan.published.items()
        ],
        "site": {dataset: plan.site_check(dataset) for dataset in plan.site_checks},
        "stress": [
            {"label": REFERENCE_LABELS.get(who, who), "dataset": d, "file": plan.stress(who, d)}
            for d in (config.stress.datasets if config.stress else ())
            for who in plan.stressed
        ],
        "peers": [_peer(plan, name) for name in plan.peers],
        "explorer": {name: plan.explorer(name) for name in plan.explored},
        "live": [_live(plan, who, name) for who, name in plan.live_players.items()],
        "maps": plan.maps(shown.name, first) if shown and first else None,
        "benchmarks": benchmarks(plan),
        "other_benchmarks": other_benchmarks(plan),
        "notebook": plan.path("notebook", "adaptive_weight.html"),
    }
    scored = [entry["evaluate"] for part in SCORED for entry in manifest[part]]
    files = _files(scored) if config.failures else []
    return {**manifest, "failures": {scores: plan.failures(scores) for scores in files}}


def _row(plan: Plan, row: Row) -> dict[str, Any]:
    trainings = [training for training in plan.trainings.values() if training.row == row]
    names, is_ttvos = [training.name for training in trainings], row.tracker == "ttvos"
    trained = names if ("train" if is_ttvos else row.tracker) in plan.sections else []
    return {
        "row": row.name,
        "method": method_of(row),
        "tracker": row.tracker,
        "variant": row.variant.name if row.variant else "",
        "backbone": row.backbone,
        "transition_loss": row.transition_loss,
        "tables": list(row.tables),
        "seeds": [training.seed for training in trainings],
        "train": [plan.path("train", name, "train.json") for name in trained],
        "loss": [plan.path("train", name, "loss.csv") for name in trained],
        "evaluate": {d: [plan.scores(n, d) for n in names] for d in plan.config.datasets},
        "predict": {
            d: [f"{plan.predictions(n, d)}/predict.json" for n in names]
            for d in plan.config.datasets
        },
        "untrained": "" if trainings else UNTRAINED,
        **_measurements(plan, row),
    }


def method_of(row: Row) -> str:
    """The method that a row is, as the paper prints it; a user's tracker is its row's name."""
    if row.tracker == "frtm":
        return load_records()[peer_of_row(row)].method
    return "TTVOS" if row.trains else row.name


def _measurements(plan: Plan, row: Row) -> dict[str, str | None]:
    """Files of a row's cost and speed; of FRTM-VOS's rows those of its peer."""
    if row.tracker == "ttvos":
        speed = plan.speed(row.name) if row in plan.timed_rows else None
        return {"cost": plan.cost(row.name), "speed": speed}
    return _tracker(plan, peer_of_row(row) if row.trains else row.name)


def _tracker(plan: Plan, name: str) -> dict[str, str | None]:
    speed = plan.measured("speed", name) if name in plan.timed_trackers else None
    return {"cost": plan.measured("cost", name), "speed": speed}


def _peer(plan: Plan, name: str) -> dict[str, Any]:
    tracks = plan.config.datasets if name in plan.config.peers.weights else ()
    scores = {dataset: [plan.scores(name, dataset)] for dataset in tracks}
    return {"name": name, "evaluate": scores, **_tracker(plan, name)}


def _masks(plan: Plan, name: str, who: str, label: str, datasets: Iterable[str]) -> dict[str, Any]:
    scores = {dataset: plan.scores(who, dataset) for dataset in datasets}
    return {"name": name, "label": label, "evaluate": scores}


def _live(plan: Plan, who: str, name: str) -> dict[str, Any]:
    sets = [dataset for player, dataset in plan.live_jobs if player == who]
    ours = {row.name: f"{method_of(row)} {row.name}" for row in plan.rows_of("ttvos")}
    label = {**REFERENCE_LABELS, **ours}.get(name, name)
    if who.startswith("published-"):
        label = next(iter(plan.published[name].values())).label
    return {"name": name, "label": label, "results": {d: plan.live(who, d) for d in sets}}


def benchmarks(plan: Plan) -> dict[str, str]:
    """Snakemake's timing of every job that makes a result, by "rule job"."""
    config, datasets = plan.config, plan.config.datasets
    trained = {key: plan.trainings_of("ttvos" if key == "train" else key) for key in plan.sections}
    tracks = {
        "predict": [training.name for training in plan.trainings_of("ttvos")],
        "track": list(plan.tracked),
        "reference": list(config.references),
    }
    jobs = {
        rule: [f"{who}-{d}" for who in names for d in datasets] for rule, names in tracks.items()
    }
    foreign = [f"masks-{m.name}-{name}" for m in plan.masks.values() for name in m.datasets]
    own = [row.name for row in plan.rows_of("own")]
    jobs |= {
        "train": [training.name for training in trained.get("train", ())],
        "train_frtm": [training.name for training in trained.get("frtm", ())],
        "evaluate": [job for names in jobs.values() for job in names] + foreign,
        "speed": [row.name for row in plan.timed_rows],
        "tracker_cost": own,
        "tracker_speed": plan.timed_trackers,
        "published": [f"{who}-{d}" for who, sets in plan.published.items() for d in sets],
        "site": list(plan.site_checks),
        "explore": list(plan.explored),
        "live": [f"{who}-{dataset}" for who, dataset in plan.live_jobs],
    }
    if config.stress:
        jobs["stress"] = [f"{who}-{d}" for who in plan.stressed for d in config.stress.datasets]
    if config.failures:
        jobs |= {"failures": jobs["evaluate"], "published_failures": jobs["published"]}
    named = [f"{rule} {job}" for rule, names in jobs.items() for job in names]
    named += ["cost"] if plan.rows_of("ttvos") else []
    named += ["peer_costs"] if plan.peers else []
    return {name: benchmark(plan, name) for name in named}


def other_benchmarks(plan: Plan) -> dict[str, str]:
    """Timing of the other jobs: no result waits for them, the report shows those it finds."""
    jobs = [f"fetch {source}" for source in plan.sources.values()]
    if plan.config.published and plan.config.published.fetch:
        found = {(m.method, m.year): m for of in plan.published.values() for m in of.values()}
        jobs += [f"fetch_masks {method}-{year}" for method, year in found]
    return {name: benchmark(plan, name) for name in [*jobs, "mini_clips", "notebook", "reports"]}


def benchmark(plan: Plan, job: str) -> str:
    """Snakemake's timing of a job: its rule's name, with the job's where there are several."""
    return plan.path("benchmarks", *job.split(" ", 1)) + ".tsv"


def result_files(plan: Plan) -> list[str]:
    """Everything that is made before the report; predictions by their folder, made whole."""
    manifest, config = make_manifest(plan), plan.config
    parts = (*SCORED, "site", "failures", "stress", "live", "maps", "benchmarks")
    files = {path.removesuffix("/predict.json") for path in _files([manifest[p] for p in parts])}
    trainings = plan.trainings.values()
    files |= {plan.checkpoint(training.name) for training in trainings if training.row.trains}
    files |= {plan.explorer(dataset) for dataset in plan.explored}
    for dataset in config.datasets:
        files |= {plan.maps(t.name, dataset) for t in plan.trainings_of("ttvos")}
        files |= {plan.predictions(who, dataset) for who in config.references}
    return sorted(files)


def scored_files(plan: Plan, dataset: str) -> list[str]:
    """Everything that is known of the methods on one data set: scores and predictions."""
    manifest, kinds = make_manifest(plan), ("rows", "references", "masks", "published", "peers")
    entries = [entry for kind in kinds for entry in manifest[kind]]
    named = [
        entry.get(key, {}).get(dataset) for entry in entries for key in ("evaluate", "predict")
    ]
    paths = [name for names in named for name in (names if isinstance(names, list) else [names])]
    return sorted({path.removesuffix("/predict.json") for path in paths if path})


def _files(entry: Any) -> list[str]:
    """Paths of result files named anywhere in plain data."""
    if isinstance(entry, dict):
        return _files(list(entry.values()))
    if isinstance(entry, list):
        return [path for value in entry for path in _files(value)]
    is_file = isinstance(entry, str) and entry.endswith((".json", ".csv", ".npz", ".tsv"))
    return [entry] if is_file else []


def write_if_changed(path: str, value: Any) -> str:
    """Write JSON unless the file holds just that already; returns the path.

    An untouched file keeps its time, and what depends on it is not made again.
    """
    text = json.dumps(value, indent=1, sort_keys=True) + "\n"
    file = Path(path)
    if not file.is_file() or file.read_text() != text:
        with atomic_path(file) as temporary:
            temporary.write_text(text)
    return path
