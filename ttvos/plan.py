"""What a profile makes and where: the one place that knows the paths of result files.

The workflow takes its targets from here and the report its manifest, so both name the same
files, and nothing is ever searched for in a folder.
"""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ttvos.config import Config, as_plain
from ttvos.files import atomic_path
from ttvos.peers.record import load_records
from ttvos.plan_published import PublishedPlan
from ttvos.variants import Row, load_rows

REFERENCE_LABELS = {
    "still": "First mask held still",
    "flow": "First mask carried by optical flow (DIS)",
}
TABLES_WITH_SPEED = {3, 6}


@dataclass(frozen=True)
class Run:
    """One training (or one given checkpoint) of a row; its name is the folder's.

    A row that is not trained here, a class of the user's, has one run of the row's name.
    """

    row: Row
    seed: int

    @property
    def name(self) -> str:
        return f"{self.row.name}-s{self.seed}" if self.row.trains else self.row.name


def trained_peer(row: Row) -> str:
    """The record of a row of FRTM-VOS."""
    return f"frtm-{row.backbone}"


@dataclass(frozen=True)
class Plan:
    """All result files of a profile."""

    config: Config

    @property
    def rows(self) -> list[Row]:
        known = load_rows()
        return [known[name] for name in self.config.rows]

    @property
    def runs(self) -> dict[str, Run]:
        """By name. A given checkpoint makes one run of each row, whatever the seeds."""
        runs = [Run(row, seed) for row in self.rows for seed in self._seeds(row)]
        return {run.name: run for run in runs}

    def _seeds(self, row: Row) -> tuple[int, ...]:
        is_given = not row.trains or (row.tracker == "ttvos" and self.config.checkpoint)
        return self.config.seeds[:1] if is_given else self.config.seeds

    def rows_of(self, tracker: str) -> list[Row]:
        """The rows of one tracker: "ttvos", "frtm", or "own" for the users' classes."""
        kinds = {row.name: row.tracker if row.trains else "own" for row in self.rows}
        return [row for row in self.rows if kinds[row.name] == tracker]

    def runs_of(self, tracker: str) -> list[Run]:
        """The runs of these rows."""
        names = {row.name for row in self.rows_of(tracker)}
        return [run for run in self.runs.values() if run.row.name in names]

    @property
    def peers(self) -> tuple[str, ...]:
        """The built peers that are measured; those that rows train count."""
        trained = [trained_peer(row) for row in self.rows_of("frtm")]
        return tuple(dict.fromkeys([*self.config.peers.measured, *trained]))

    @property
    def trackers(self) -> dict[str, str]:
        """What is measured by the protocol of trackers alone: its name -> `--tracker`."""
        own = {row.name: row.tracker for row in self.rows_of("own")}
        return {**{name: name for name in self.peers}, **own}

    @property
    def tracked(self) -> dict[str, tuple[str, str | None]]:
        """Who tracks the data sets with `--tracker`: name -> the tracker, and its weights."""
        weights = self.config.peers.weights
        trained = {
            r.name: (trained_peer(r.row), self.checkpoint(r.name)) for r in self.runs_of("frtm")
        }
        own = {row.name: (row.tracker, None) for row in self.rows_of("own")}
        return {**{name: (name, weights[name]) for name in weights}, **trained, **own}

    @property
    def timed_rows(self) -> list[Row]:
        """Rows whose tables have a column for speed; none where the profile measures none."""
        rows = self.rows_of("ttvos") if self.config.speed else []
        return [row for row in rows if TABLES_WITH_SPEED & set(row.tables)]

    @property
    def masks(self) -> dict[str, Any]:
        """Foreign mask folders by name; optional ones that are absent are left out."""
        return {m.name: m for m in self.config.masks if not m.optional or Path(m.root).is_dir()}

    @property
    def published(self) -> PublishedPlan:
        """The published masks that are scored."""
        return PublishedPlan(self.config)

    @property
    def shown_run(self) -> Run | None:
        """The run whose maps Figure 7 shows: the full model on the first backbone, or the first."""
        runs = self.runs_of("ttvos")
        full = [run for run in runs if run.row.variant.name == "exp8"]
        return next(iter(full or runs), None)

    @cached_property
    def sources(self) -> dict[str, str]:
        """Paths that the profile reads and `ttvos data fetch` brings, with the data's names."""
        from ttvos.data.places import named_sources  # reads folders

        config, paths = self.config, [data.root for data in self.config.datasets.values()]
        if config.train and not config.checkpoint:
            paths += config.train.all_roots()
            backbones = {row.backbone for row in self.rows_of("ttvos")}
            paths += [path for name, path in config.train.initial.items() if name in backbones]
        if config.frtm and self.rows_of("frtm"):
            backbones = {row.backbone for row in self.rows_of("frtm")}
            paths += config.frtm.all_roots()
            paths += [path for name, path in config.frtm.initial.items() if name in backbones]
        return named_sources([path for path in paths if path], Path(config.data))

    def fetched(self, source: str) -> str:
        """Record that the published data of that name is there and checked."""
        return self.path("fetch", f"{source}.txt")

    def path(self, *parts: str) -> str:
        return "/".join([self.config.results, *parts])

    def checkpoint(self, run: str) -> str:
        """The run's checkpoint: the given one, or the one its training makes."""
        given = self.config.checkpoint if self.runs[run].row.tracker == "ttvos" else None
        return given or self.path("train", run, "checkpoint.safetensors")

    def predictions(self, who: str, dataset: str) -> str:
        """Folder of masks; who: a run's or a reference's name."""
        return self.path("predict", who, dataset)

    def maps(self, run: str, dataset: str) -> str:
        return self.path("predict", run, f"{dataset}.maps.npz")

    def cost(self, row: str) -> str:
        """Parameters and MACs of a row of TTVOS's."""
        return self.path("cost", f"{row}.json")

    def measured(self, what: str, tracker: str) -> str:
        """Cost or speed of a tracker, by the protocol of trackers alone."""
        return self.path("trackers", what, f"{tracker}.json")

    def scores(self, who: str, dataset: str) -> str:
        return self.path("evaluate", who, f"{dataset}.json")

    def masks_of(self, who: str, dataset: str) -> str:
        """Folder that is scored for a run, a reference, or `masks-<name>`."""
        if who.startswith("masks-"):
            return self.masks[who.removeprefix("masks-")].root
        return self.predictions(who, dataset)

    def result_files(self) -> list[str]:
        """Everything that is made before the report; predictions by their folder, made whole."""
        named = {path.removesuffix("/predict.json") for path in _paths(self.manifest())}
        names = self.config.datasets
        trained = [run.name for run in self.runs.values() if run.row.trains]
        named |= {self.checkpoint(run) for run in trained}
        named |= {self.maps(run.name, name) for run in self.runs_of("ttvos") for name in names}
        named |= {self.predictions(who, name) for who in self.config.references for name in names}
        return sorted(named)

    def benchmarks(self) -> dict[str, str]:
        """Snakemake's timing of every job that makes a result, by "rule job"."""
        config = self.config
        predicted = [f"{r.name}-{name}" for r in self.runs_of("ttvos") for name in config.datasets]
        tracked = [f"{who}-{name}" for who in self.tracked for name in config.datasets]
        references = [f"{who}-{name}" for who in config.references for name in config.datasets]
        foreign = [f"masks-{m.name}-{name}" for m in self.masks.values() for name in m.datasets]
        jobs = {
            "train": [] if config.checkpoint else [run.name for run in self.runs_of("ttvos")],
            "train_frtm": [run.name for run in self.runs_of("frtm")],
            "predict": predicted,
            "track": tracked,
            "reference": references,
            "evaluate": predicted + tracked + references + foreign,
            "speed": [row.name for row in self.timed_rows],
            "tracker_cost": list(self.trackers),
            "tracker_speed": list(self.trackers) if config.speed else [],
            "published": self.published.jobs()["published"],
        }
        named = [f"{rule} {job}" for rule, names in jobs.items() for job in names]
        named += ["cost"] if self.rows_of("ttvos") else []
        return {name: self.benchmark(name) for name in named}

    def other_benchmarks(self) -> dict[str, str]:
        """Timing of the other jobs: no result waits for them, the report shows those it finds."""
        fetched = [f"fetch {source}" for source in self.sources.values()]
        fetched += [f"fetch_masks {job}" for job in self.published.jobs()["fetch_masks"]]
        jobs = [*fetched, "mini_clips", "notebook", "reports"]
        return {name: self.benchmark(name) for name in jobs}

    def benchmark(self, name: str) -> str:
        """Snakemake's timing of a job: its rule's name, with the job's where there are several."""
        return self.path("benchmarks", *name.split(" ", 1)) + ".tsv"

    def manifest(self) -> dict[str, Any]:
        """What the report reads (ttvos.render.manifest)."""
        config = self.config
        shown = self.shown_run
        first = next(iter(config.datasets), None)
        return {
            "profile": config.profile,
            "title": config.title,
            "caution": config.caution,
            "root": os.path.relpath(".", config.results),
            "data_label": config.data_label,
            "comparable": as_plain(config.comparable),
            "datasets": {name: as_plain(dataset) for name, dataset in config.datasets.items()},
            "rows": [self._row(row) for row in self.rows],
            "references": [
                self._scored(name, name, REFERENCE_LABELS[name], config.datasets)
                for name in config.references
            ],
            "masks": [
                self._scored(name, f"masks-{name}", name, masks.datasets)
                | {"fps": masks.fps, "fps_device": masks.fps_device}
                for name, masks in self.masks.items()
            ],
            "published": self.published.entries(),
            "peers": [self._peer(name) for name in self.peers],
            "maps": self.maps(shown.name, first) if shown and first else None,
            "benchmarks": self.benchmarks(),
            "other_benchmarks": self.other_benchmarks(),
            "notebook": self.path("notebook", "adaptive_weight.html"),
        }

    def _row(self, row: Row) -> dict[str, Any]:
        runs = [run for run in self.runs.values() if run.row == row]
        trains = row.tracker == "frtm" or (row.trains and self.config.checkpoint is None)
        by_tables = row.tracker == "ttvos"
        timed = self.path("speed", f"{row.name}.json") if row in self.timed_rows else None
        return {
            "row": row.name,
            "method": self._method(row),
            "tracker": row.tracker,
            "variant": row.variant.name if row.variant else "",
            "backbone": row.backbone,
            "transition_loss": row.transition_loss,
            "tables": list(row.tables),
            "seeds": [run.seed for run in runs],
            "train": [self.path("train", r.name, "train.json") for r in runs if trains],
            "loss": [self.path("train", r.name, "loss.csv") for r in runs if trains],
            "evaluate": {d: [self.scores(r.name, d) for r in runs] for d in self.config.datasets},
            "predict": {
                d: [f"{self.predictions(r.name, d)}/predict.json" for r in runs]
                for d in self.config.datasets
            },
            "cost": self.cost(row.name) if by_tables else self._measured("cost", row),
            "speed": timed if by_tables else self._measured("speed", row),
        }

    def _method(self, row: Row) -> str:
        if row.tracker == "frtm":
            return load_records()[trained_peer(row)].method
        return "TTVOS" if row.trains else row.name

    def _measured(self, what: str, row: Row) -> str | None:
        if what == "speed" and not self.config.speed:
            return None
        return self.measured(what, trained_peer(row) if row.trains else row.name)

    def _peer(self, name: str) -> dict[str, Any]:
        tracks = self.config.datasets if name in self.config.peers.weights else ()
        return {
            "name": name,
            "cost": self.measured("cost", name),
            "speed": self.measured("speed", name) if self.config.speed else None,
            "evaluate": {dataset: [self.scores(name, dataset)] for dataset in tracks},
        }

    def _scored(self, name: str, who: str, label: str, datasets: Iterable[str]) -> dict[str, Any]:
        scores = {dataset: self.scores(who, dataset) for dataset in datasets}
        return {"name": name, "label": label, "evaluate": scores}


def _paths(entry: Any) -> list[str]:
    """Paths of result files named anywhere under the manifest's rows, references and masks."""
    if isinstance(entry, dict) and "rows" in entry:
        parts = ("rows", "references", "masks", "published", "peers", "maps", "benchmarks")
        return _paths([entry[part] for part in parts])
    if isinstance(entry, dict):
        return [path for value in entry.values() for path in _paths(value)]
    if isinstance(entry, list):
        return [path for value in entry for path in _paths(value)]
    is_result = isinstance(entry, str) and entry.endswith((".json", ".csv", ".npz", ".tsv"))
    return [entry] if is_result else []


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
