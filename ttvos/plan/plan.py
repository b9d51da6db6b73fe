"""From a run's settings to what it makes: rows, trainings, trackers, and where each file lies.

The one place that knows the paths of result files. The workflow's rules ask it for theirs, and
`ttvos.plan.manifest` tells the report of them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ttvos.config.experiments import Row, load_rows
from ttvos.config.run import Config
from ttvos.data.published_masks import MASK_SETS, METHODS, MaskSet

TABLES_WITH_SPEED = {3, 6}


@dataclass(frozen=True)
class Training:
    """One training of a row, by its seed; or the given checkpoint, or the user's class, in its
    place. `name` is that of its folders."""

    row: Row
    seed: int

    @property
    def name(self) -> str:
        return f"{self.row.name}-s{self.seed}" if self.row.trains else self.row.name


def peer_of_row(row: Row) -> str:
    """The record in data/peers of a row of FRTM-VOS."""
    return f"frtm-{row.backbone}"


@dataclass(frozen=True)
class Plan:
    """Rows, trainings and trackers of a run, and the paths of their files."""

    config: Config

    @cached_property
    def rows(self) -> list[Row]:
        known = load_rows()
        return [known[name] for name in self.config.rows]

    def rows_of(self, tracker: str) -> list[Row]:
        """The rows of one tracker: "ttvos", "frtm", or "own" for the users' classes."""
        kinds = {row.name: row.tracker if row.trains else "own" for row in self.rows}
        return [row for row in self.rows if kinds[row.name] == tracker]

    @property
    def timed_rows(self) -> list[Row]:
        """TTVOS's rows whose tables have a column for speed, but for those of `speed: untimed`."""
        if self.config.speed is None:
            return []
        rows = [row for row in self.rows_of("ttvos") if TABLES_WITH_SPEED & set(row.tables)]
        return [row for row in rows if row.name not in self.config.speed.untimed]

    @cached_property
    def trainings(self) -> dict[str, Training]:
        """By name; a row of `untrained` has none."""
        untrained = self.config.untrained
        rows = [row for row in self.rows if row.name not in untrained]
        found = [Training(row, seed) for row in rows for seed in self._seeds(row)]
        return {training.name: training for training in found}

    def _seeds(self, row: Row) -> tuple[int, ...]:
        """A given checkpoint, or a class of the user's, stands once, whatever the seeds."""
        is_given = not row.trains or (row.tracker == "ttvos" and self.config.checkpoint)
        return self.config.seeds[:1] if is_given else self.config.seeds

    def trainings_of(self, tracker: str) -> list[Training]:
        """Those of the rows of one tracker (`rows_of`)."""
        names = {row.name for row in self.rows_of(tracker)}
        return [training for training in self.trainings.values() if training.row.name in names]

    @cached_property
    def peers(self) -> tuple[str, ...]:
        """The built peers whose cost is counted; those of FRTM-VOS's rows are among them."""
        of_rows = [peer_of_row(row) for row in self.rows_of("frtm")]
        return tuple(dict.fromkeys([*self.config.peers.measured, *of_rows]))

    @cached_property
    def trackers(self) -> dict[str, str]:
        """What is measured by the protocol of trackers alone: its name -> `--tracker`."""
        own = {row.name: row.tracker for row in self.rows_of("own")}
        return {**{name: name for name in self.peers}, **own}

    @cached_property
    def timed_trackers(self) -> list[str]:
        """Those of `trackers` whose speed is measured: the users' classes, and timed peers."""
        timed = self.config.peers.is_timed
        names = [name for name in self.trackers if name not in self.peers or timed(name)]
        return names if self.config.speed else []

    @cached_property
    def tracked(self) -> dict[str, tuple[str, str | None]]:
        """Who tracks the data sets with `--tracker`: name -> the tracker, and its weights."""
        weights = self.config.peers.weights
        trained = {
            t.name: (peer_of_row(t.row), self.checkpoint(t.name)) for t in self.trainings_of("frtm")
        }
        own = {t.name: (t.row.tracker, None) for t in self.trainings_of("own")}
        return {**{name: (name, weights[name]) for name in weights}, **trained, **own}

    @cached_property
    def live_players(self) -> dict[str, str]:
        """Who is played live, named as the masks that are scored (`scores`) -> its own name."""
        asked = self.config.live
        if asked is None:
            return {}
        first: dict[str, Training] = {}
        for training in self.trainings.values():
            first.setdefault(training.row.name, training)
        found = {training.name: name for name, training in first.items()}
        found |= {name: name for name in (*self.config.references, *self.config.peers.weights)}
        found |= {f"masks-{name}": name for name, masks in self.masks.items() if masks.fps}
        if self.config.published and not self.config.published.fetch:  # what is fetched may fail
            found |= {f"published-{name}": name for name in self.published}
        everyone = "all" in asked.who
        return {who: name for who, name in found.items() if everyone or name in asked.who}

    @cached_property
    def live_sets(self) -> tuple[str, ...]:
        """The datasets on which they are."""
        names = tuple(self.config.datasets)
        return (self.config.live.datasets or names[:1]) if self.config.live else ()

    @cached_property
    def live_jobs(self) -> list[tuple[str, str]]:
        """Player and dataset, of masks those that they are of."""
        return [
            (who, dataset)
            for who, name in self.live_players.items()
            for dataset in self.live_sets
            if dataset in self._live_sets_of(who, name)
        ]

    def _live_sets_of(self, who: str, name: str) -> Iterable[str]:
        if who.startswith("masks-"):
            return self.masks[name].datasets
        return self.published[name] if who.startswith("published-") else self.config.datasets

    def live(self, who: str, dataset: str) -> str:
        return self.path("live", who, f"{dataset}.json")

    def live_latency(self, who: str, dataset: str) -> str | None:
        """The speed file whose latencies a player has; None where they are measured or given."""
        is_whole = self.config.datasets[dataset].input_scale == 1
        if self.config.live.latency != "speed" or not is_whole:
            return None
        training = self.trainings.get(who)
        if training and training.row in self.timed_rows:
            return self.speed(training.row.name)
        tracker = peer_of_row(training.row) if training and training.row.tracker == "frtm" else who
        return self.measured("speed", tracker) if tracker in self.timed_trackers else None

    @property
    def masks(self) -> dict[str, Any]:
        """Foreign mask folders by name; optional ones that are absent are left out."""
        return {m.name: m for m in self.config.masks if not m.optional or Path(m.root).is_dir()}

    @cached_property
    def published(self) -> dict[str, dict[str, MaskSet]]:
        """Masks that peers published and this run scores: method -> dataset -> its year's masks."""
        asked = self.config.published
        found: dict[str, dict[str, MaskSet]] = {}
        names = asked.methods if asked else ()
        for method in METHODS if "all" in names else dict.fromkeys(names):
            for dataset in asked.datasets:
                masks = MASK_SETS.get((method, self.config.datasets[dataset].year))
                if masks and (asked.fetch or masks.folder(self.config.data).is_dir()):
                    found.setdefault(method, {})[dataset] = masks
        return found

    @property
    def shown_training(self) -> Training | None:
        """Whose maps Figure 7 shows: the full model's on the first backbone, or the first's."""
        trainings = self.trainings_of("ttvos")
        full = [training for training in trainings if training.row.variant.name == "exp8"]
        return next(iter(full or trainings), None)

    @cached_property
    def sections(self) -> dict[str, Any]:
        """Key of the settings -> the section, of those by which something is trained here."""
        untrained, config = self.config.untrained, self.config
        kinds = {"train": "ttvos", "frtm": "frtm"}
        needed = {
            key
            for key, kind in kinds.items()
            if any(row.name not in untrained for row in self.rows_of(kind))
            and not (kind == "ttvos" and config.checkpoint)
        }
        found = {key: getattr(config, key) for key in kinds if key in needed}
        return {key: section for key, section in found.items() if section}

    def initial_weights(self, key: str) -> dict[str, str]:
        """Files that trainings of a section start from, by backbone, of those that are trained."""
        kind = "ttvos" if key == "train" else key
        backbones = {training.row.backbone for training in self.trainings_of(kind)}
        named = self.sections[key].initial.items()
        return {b: file for b, file in named if b in backbones and file not in (None, "imagenet")}

    @cached_property
    def sources(self) -> dict[str, str]:
        """Paths that the settings name and `ttvos data fetch` brings, with the data's names."""
        from ttvos.data.places import named_sources

        paths = [dataset.root for dataset in self.config.datasets.values()]
        paths += [self.config.davis_record] if self.config.davis_record else []
        for key, section in self.sections.items():
            paths += [*section.all_roots(), *self.initial_weights(key).values()]
        return named_sources(paths, Path(self.config.data))

    def path(self, *parts: str) -> str:
        return "/".join([self.config.results, *parts])

    def fetched(self, source: str) -> str:
        """Record that the published data of that name is there and checked."""
        return self.path("fetch", f"{source}.txt")

    def fetched_masks(self, method: str, year: int | str) -> str:
        """Record that a method's published masks are there and checked, or why not."""
        return self.path("fetch", "published-masks", f"{method}-{year}.json")

    def published_folder(self, method: str, year: int | str) -> str:
        """Where a method's published masks lie, or will lie."""
        return str(MASK_SETS[method, int(year)].folder(self.config.data))

    def published_scores(self, method: str, dataset: str) -> str:
        return self.path("published", method, f"{dataset}.json")

    @cached_property
    def site_checks(self) -> dict[str, list[str]]:
        """Dataset -> methods whose scores are compared with what the DAVIS site printed."""
        found: dict[str, list[str]] = {}
        for method, sets in self.published.items() if self.config.davis_record else ():
            for dataset in sets:
                found.setdefault(dataset, []).append(method)
        return found

    def site_check(self, dataset: str) -> str:
        return self.path("site", f"{dataset}.json")

    def published_input(self, method: str, dataset: str) -> str:
        """What scoring published masks waits for: the record where the run fetches, else them."""
        year = self.config.datasets[dataset].year
        find = self.fetched_masks if self.config.published.fetch else self.published_folder
        return find(method, year)

    def checkpoint(self, training: str) -> str:
        """The given checkpoint, or the one that the training makes."""
        given = self.config.checkpoint if self.trainings[training].row.tracker == "ttvos" else None
        return given or self.path("train", training, "checkpoint.safetensors")

    def predictions(self, who: str, dataset: str) -> str:
        """Folder of masks; who: the name of a training, a tracker or a reference."""
        return self.path("predict", who, dataset)

    def maps(self, training: str, dataset: str) -> str:
        return self.path("predict", training, f"{dataset}.maps.npz")

    def masks_of(self, who: str, dataset: str) -> str:
        """Folder that is scored: the predictions of `who`, or of `masks-NAME` the user's."""
        if who.startswith("masks-"):
            return self.masks[who.removeprefix("masks-")].root
        return self.predictions(who, dataset)

    def scores(self, who: str, dataset: str) -> str:
        return self.path("evaluate", who, f"{dataset}.json")

    def cost(self, row: str) -> str:
        """Parameters and MACs of a row of TTVOS's."""
        return self.path("cost", f"{row}.json")

    def speed(self, row: str) -> str:
        """Latency of a row of TTVOS's."""
        return self.path("speed", f"{row}.json")

    def measured(self, what: str, tracker: str) -> str:
        """Cost or speed of a tracker, by the protocol of trackers alone."""
        return self.path("trackers", what, f"{tracker}.json")
