"""What a profile makes: all its result files, and the manifest that the report reads.

The workflow takes its targets from here and the report its manifest, so both name the same
files, and nothing is ever searched for in a folder.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ttvos.config.experiments import Row
from ttvos.config.run import as_plain
from ttvos.core.files import atomic_path
from ttvos.peers.record import load_records
from ttvos.plan.paths import Places, trained_peer

REFERENCE_LABELS = {
    "still": "First mask held still",
    "flow": "First mask carried by optical flow (DIS)",
}


class Plan(Places):
    """All result files of a profile."""

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
            "tracker_speed": self.timed_trackers,
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
        """What the report reads (ttvos.plan.manifest)."""
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
        tracker = trained_peer(row) if row.trains else row.name
        is_wanted = what != "speed" or tracker in self.timed_trackers
        return self.measured(what, tracker) if is_wanted else None

    def _peer(self, name: str) -> dict[str, Any]:
        tracks = self.config.datasets if name in self.config.peers.weights else ()
        return {
            "name": name,
            "cost": self.measured("cost", name),
            "speed": self.measured("speed", name) if name in self.timed_trackers else None,
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
