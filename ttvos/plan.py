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
from ttvos.variants import Row, load_rows

REFERENCE_LABELS = {
    "still": "First mask held still",
    "flow": "First mask carried by optical flow (DIS)",
}
TABLES_WITH_SPEED = {3, 6}


@dataclass(frozen=True)
class Run:
    """One training (or one given checkpoint) of a row; its name is the folder's."""

    row: Row
    seed: int

    @property
    def name(self) -> str:
        return f"{self.row.name}-s{self.seed}"


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
        seeds = self.config.seeds[:1] if self.config.checkpoint else self.config.seeds
        runs = [Run(row, seed) for row in self.rows for seed in seeds]
        return {run.name: run for run in runs}

    @property
    def timed_rows(self) -> list[Row]:
        """Rows whose tables have a column for speed; none where the profile measures none."""
        return [r for r in self.rows if self.config.speed and TABLES_WITH_SPEED & set(r.tables)]

    @property
    def masks(self) -> dict[str, Any]:
        """Foreign mask folders by name; optional ones that are absent are left out."""
        return {m.name: m for m in self.config.masks if not m.optional or Path(m.root).is_dir()}

    @property
    def shown_run(self) -> Run | None:
        """The run whose maps Figure 7 shows: the full model on the first backbone, or the first."""
        runs = list(self.runs.values())
        full = [run for run in runs if run.row.variant.name == "exp8"]
        return next(iter(full or runs), None)

    @cached_property
    def sources(self) -> dict[str, str]:
        """Paths that the profile reads and `ttvos data fetch` brings, with the data's names."""
        from ttvos.data.places import named_sources  # reads folders

        config, paths = self.config, [data.root for data in self.config.datasets.values()]
        if config.train and not config.checkpoint:
            paths += config.train.all_roots()
            backbones = {row.backbone for row in self.rows}
            paths += [path for name, path in config.train.initial.items() if name in backbones]
        return named_sources([path for path in paths if path], Path(config.data))

    def fetched(self, source: str) -> str:
        """Record that the published data of that name is there and checked."""
        return self.path("fetch", f"{source}.txt")

    def path(self, *parts: str) -> str:
        return "/".join([self.config.results, *parts])

    def checkpoint(self, run: str) -> str:
        """The run's checkpoint: the given one, or the one its training makes."""
        return self.config.checkpoint or self.path("train", run, "checkpoint.safetensors")

    def predictions(self, who: str, dataset: str) -> str:
        """Folder of masks; who: a run's or a reference's name."""
        return self.path("predict", who, dataset)

    def maps(self, run: str, dataset: str) -> str:
        return self.path("predict", run, f"{dataset}.maps.npz")

    def cost(self, row: str) -> str:
        """Parameters and MACs of a row."""
        return self.path("cost", f"{row}.json")

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
        named |= {self.checkpoint(run) for run in self.runs}
        named |= {self.maps(run, name) for run in self.runs for name in names}
        named |= {self.predictions(who, name) for who in self.config.references for name in names}
        return sorted(named)

    def benchmarks(self) -> dict[str, str]:
        """Snakemake's timing of every job that makes a result, by "rule job"."""
        config = self.config
        tracked = [f"{run}-{name}" for run in self.runs for name in config.datasets]
        references = [f"{who}-{name}" for who in config.references for name in config.datasets]
        foreign = [f"masks-{m.name}-{name}" for m in self.masks.values() for name in m.datasets]
        jobs = {
            "train": [] if config.checkpoint else list(self.runs),
            "predict": tracked,
            "reference": references,
            "evaluate": tracked + references + foreign,
            "speed": [row.name for row in self.timed_rows],
        }
        named = [f"{rule} {job}" for rule, names in jobs.items() for job in names]
        return {name: self.benchmark(name) for name in ["cost", *named]}

    def other_benchmarks(self) -> dict[str, str]:
        """Timing of the other jobs: no result waits for them, the report shows those it finds."""
        fetched = [f"fetch {source}" for source in self.sources.values()]
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
                for name, masks in self.masks.items()
            ],
            "maps": self.maps(shown.name, first) if shown and first else None,
            "benchmarks": self.benchmarks(),
            "other_benchmarks": self.other_benchmarks(),
            "notebook": self.path("notebook", "adaptive_weight.html"),
        }

    def _row(self, row: Row) -> dict[str, Any]:
        runs = [run for run in self.runs.values() if run.row == row]
        trains = self.config.checkpoint is None
        return {
            "row": row.name,
            "method": "TTVOS",
            "variant": row.variant.name,
            "backbone": row.backbone,
            "tables": list(row.tables),
            "seeds": [run.seed for run in runs],
            "train": [self.path("train", r.name, "train.json") for r in runs if trains],
            "loss": [self.path("train", r.name, "loss.csv") for r in runs if trains],
            "evaluate": {d: [self.scores(r.name, d) for r in runs] for d in self.config.datasets},
            "predict": {
                d: [f"{self.predictions(r.name, d)}/predict.json" for r in runs]
                for d in self.config.datasets
            },
            "cost": self.cost(row.name),
            "speed": self.path("speed", f"{row.name}.json") if row in self.timed_rows else None,
        }

    def _scored(self, name: str, who: str, label: str, datasets: Iterable[str]) -> dict[str, Any]:
        scores = {dataset: self.scores(who, dataset) for dataset in datasets}
        return {"name": name, "label": label, "evaluate": scores}


def _paths(entry: Any) -> list[str]:
    """Paths of result files named anywhere under the manifest's rows, references and masks."""
    if isinstance(entry, dict) and "rows" in entry:
        parts = ("rows", "references", "masks", "maps", "benchmarks")
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
