"""Where a profile's result files lie, and who makes them: the one place that knows the paths."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ttvos.config.experiments import Row, load_rows
from ttvos.config.run import Config
from ttvos.plan.published import PublishedPlan

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
class Places:
    """Rows, runs and trackers of a profile, and the paths of their files."""

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
    def timed_trackers(self) -> list[str]:
        """Those of `trackers` whose speed is measured."""
        untimed = self.config.peers.untimed
        return [name for name in self.trackers if self.config.speed and name not in untimed]

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
        from ttvos.data.places import named_sources

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
