"""What the workflow's rules ask for: options of the commands, data that jobs wait for, and notes
of results that somebody deleted."""

import os
import shlex
from dataclasses import dataclass, field
from glob import escape, glob
from pathlib import Path
from typing import Any

from ttvos.config.run import as_plain
from ttvos.core.code_hash import code_hash
from ttvos.core.files import deleted_files
from ttvos.data.places import to_fetch_by_hand
from ttvos.data.sources import find_source
from ttvos.plan.manifest import benchmark, result_files
from ttvos.plan.plan import Plan
from ttvos.plan.printed import DEVICE, printed_speeds


@dataclass(frozen=True)
class Jobs:
    """The jobs of a run's plan."""

    plan: Plan

    def section(self, *keys: str) -> dict[str, Any]:
        """The settings that one command reads, so that a change elsewhere leaves it alone."""
        settings = as_plain(self.plan.config)
        kept = {key: settings[key] for key in ("run", "results", *keys)}
        return {"title": "", "caution": "", "rows": [], "datasets": {}, **kept}

    def places(self) -> dict[str, str]:
        """Published data that the settings name: its name -> where it lies, or goes to."""
        return {name: path for path, name in self.plan.sources.items()}

    def by_hand(self) -> dict[str, str]:
        """Published data that cannot be downloaded: its name -> what to do."""
        root = Path(self.plan.config.data)
        told = {name: to_fetch_by_hand(find_source(name), root) for name in self.places()}
        return {name: text for name, text in told.items() if text}

    def data_of(self, paths: list[str]) -> list[str]:
        """What brings these folders and files: the built-in clips, records of published data; a
        file of the user's own is waited for itself."""
        made = self.plan.path("data")
        clips = [made] if any(path.startswith(made) for path in paths) else []
        sources = self.plan.sources
        return clips + [self.plan.fetched(sources[path]) for path in paths if path in sources]

    def dataset_data(self, name: str) -> list[str]:
        return self.data_of([self.plan.config.datasets[name].root])

    def site_scores(self, dataset: str) -> dict[str, str]:
        """Files of scores that are compared with the DAVIS site's: method -> file."""
        methods = self.plan.site_checks[dataset]
        return {method: self.plan.published_scores(method, dataset) for method in methods}

    def training_data(self, key: str, training: str) -> list[str]:
        """What a training waits for: its clips, and the file that its backbone starts from.

        key: of the section of the settings by which it is trained, `train` or `frtm`.
        """
        if key not in self.plan.sections:
            return []
        start = self.plan.initial_weights(key).get(self.plan.trainings[training].row.backbone)
        files = [start] if start and start not in self.plan.sources else []
        roots = list(self.plan.sections[key].all_roots())
        return files + self.data_of(roots + ([start] if start else []))

    def dataset_options(self, name: str) -> str:
        """--dataset, --year and --split of a data set, and the run's name for the record."""
        dataset = self.plan.config.datasets[name]
        words = ["--dataset", dataset.root, "--year", dataset.year, "--split", dataset.split]
        words += ["--only", *dataset.only] if dataset.only else []
        return shlex.join(map(str, [*words, "--profile", self.plan.config.run]))

    def explorer_options(self) -> str:
        """--size, --quality and --record of what the explorer shows."""
        explorer = self.plan.config.explorer
        words = ["--size", str(explorer.size), "--quality", str(explorer.quality)]
        return f"{shlex.join(words)} {self.record_option()}".rstrip()

    def live_inputs(self, who: str, dataset: str) -> list[str]:
        """What a player waits for besides the data: weights, masks, latencies."""
        plan, latency = self.plan, self.plan.live_latency(who, dataset)
        files = [latency] if latency else []
        if who.startswith(("masks-", "published-")):
            return [self._live_masks(who, dataset)[0]]
        if who in plan.tracked:
            return [*files, *filter(None, [plan.tracked[who][1]])]
        return files if who in plan.config.references else [*files, plan.checkpoint(who)]

    def live_options(self, who: str, dataset: str) -> str:
        """Options of `ttvos live` that say who is played, with which latencies."""
        plan, latency = self.plan, self.plan.live_latency(who, dataset)
        words = ["--latency", latency] if latency else []
        if who.startswith(("masks-", "published-")):
            values = self._live_masks(who, dataset)
            names = ("--masks", "--name", "--fps", "--fps-device")
            words = [word for pair in zip(names, values, strict=True) for word in pair]
        elif who in plan.config.references:
            words += ["--reference", who]
        else:
            words += ["--device", plan.config.device]
            words += ["--input-scale", plan.config.datasets[dataset].input_scale]
            words += self._tracker_words(who)
        return shlex.join(map(str, words))

    def _live_masks(self, who: str, dataset: str) -> tuple[str, str, float, str]:
        """Of masks that are held back: folder, name, frames a second, and the device of those."""
        name = self.plan.live_players[who]
        if who.startswith("masks-"):
            masks = self.plan.masks[name]
            return masks.root, masks.name, masks.fps, masks.fps_device
        published = self.plan.published[name][dataset]
        folder = self.plan.published_folder(name, published.year)
        return folder, published.label, printed_speeds()[published.label], DEVICE

    def live_code(self, who: str) -> dict[str, Any]:
        """What decides a player's masks, so that a change of its code plays it anew."""
        from ttvos.tracking.registry import tracker_code

        if who.startswith(("masks-", "published-")):
            return {}
        if who in self.plan.tracked:
            return tracker_code(self.plan.tracked[who][0])
        is_reference = who in self.plan.config.references
        parts = ["tracking/baselines.py"] if is_reference else ["engine/tracker.py"]
        parts += [] if is_reference else ["model/weights.py"]
        return {"code": code_hash(*parts)}

    def _tracker_words(self, who: str) -> list[str]:
        plan = self.plan
        if who in plan.tracked:
            tracker, weights = plan.tracked[who]
            return ["--tracker", tracker, *(["--weights", weights] if weights else [])]
        words = ["--checkpoint", plan.checkpoint(who), *shlex.split(self.row_options(who))]
        words += ["--single-object", plan.config.single_object]
        return [*words, "--precision", plan.config.precision, "--compile", "off"]

    def record_option(self) -> str:
        """--record of the commands that tell results by attribute, where the run names one."""
        record = self.plan.config.davis_record
        return shlex.join(["--record", record]) if record else ""

    def weights_option(self, tracked: str) -> str:
        """--weights of who tracks with some."""
        weights = self.plan.tracked[tracked][1]
        return shlex.join(["--weights", weights]) if weights else ""

    def tracker_inputs(self, who: str) -> list[str]:
        """Files of weights of a training, a tracker or a reference, as `tracker_options`."""
        if who in self.plan.tracked:
            weights = self.plan.tracked[who][1]
            return [weights] if weights else []
        return [self.plan.checkpoint(who)] if who in self.plan.trainings else []

    def tracker_options(self, who: str, dataset: str) -> str:
        """How a training, a tracker or a reference is told to a command that tracks."""
        config = self.plan.config
        if who in config.references:
            return shlex.join(["--reference", who])
        words = ["--device", config.device]
        words += ["--input-scale", str(config.datasets[dataset].input_scale)]
        if who in self.plan.tracked:
            own = shlex.join(["--tracker", self.plan.tracked[who][0]])
            return f"{own} {self.weights_option(who)} {shlex.join(words)}"
        words += ["--checkpoint", self.plan.checkpoint(who), "--compile", "off"]
        words += ["--single-object", config.single_object, "--precision", config.precision]
        return f"{self.row_options(who)} {shlex.join(words)}"

    def row_options(self, name: str) -> str:
        """--variant and --backbone of a row of TTVOS's, or of a training of it."""
        row = self.row(name)
        return f"--variant {row.variant.name} --backbone {row.backbone}"

    def row(self, name: str) -> Any:
        """A row by its own name or that of a training."""
        training = self.plan.trainings.get(name)
        return training.row if training else {row.name: row for row in self.plan.rows}[name]

    def changed_training_code(self) -> list[str]:
        """Lines that name the trainings made by other code than today's."""
        from ttvos.training.folder import changed_code_notice

        told = []
        for key, section in self.plan.sections.items():
            trainings = self.plan.trainings_of("ttvos" if key == "train" else key)
            records = [self.plan.path("train", t.name, "train.json") for t in trainings]
            told.append(changed_code_notice(records, code_hash(*section.modules)))
        return [line for line in told if line]


@dataclass(frozen=True)
class DeletedResults:
    """Notes that files of finished results were found deleted, as inputs of the rules.

    Snakemake makes a deleted file again only if a job needs it, and sees nothing inside a folder;
    a new note among its inputs makes the job run to which the files belong. The notes are counted
    up: NAME.1 is there for good once the first deletion was mended. is_main: whether this is the
    process that the user started, not a job's on a cluster.
    """

    plan: Plan
    is_main: bool
    known: dict[str, str | list] = field(default_factory=dict)

    def note(self, name: str, gone: list[str]) -> str | list[str]:
        """The note of that name; [] where nothing was ever deleted."""
        if name not in self.known:  # once in a run, which makes the note and then the files
            stem = self.plan.path("notes", name)
            earlier = glob(escape(f"{stem}.") + "[0-9]*")
            count = max((int(path.rpartition(".")[2]) for path in earlier), default=0)
            count += bool(gone) and self.is_main
            self.known[name] = f"{stem}.{count}" if count else []
        return self.known[name]

    def clips(self) -> str | list[str]:
        """Of the built-in clips."""
        return self.note("mini_clips", deleted_files(self.plan.path("data")))

    def masks(self, who: str, dataset: str) -> str | list[str]:
        """Of a folder of masks that `who` made."""
        folder = self.plan.predictions(who, dataset)
        return self.note(f"predict-{who}-{dataset}", deleted_files(folder))

    def explorer(self, dataset: str) -> str | list[str]:
        """Of what the explorer loads."""
        return self.note(f"explore-{dataset}", deleted_files(self.plan.explorer(dataset)))

    def fetched(self, name: str, path: str, record: str) -> str | list[str]:
        """Of published data at a path that has gone although its record is there."""
        is_gone = os.path.exists(record) and not os.path.exists(path)
        return self.note(name, [path] if is_gone else [])

    def report(self, own: str) -> str | list[str]:
        """Of a run's own report: its files, and results that nothing else would ask for."""
        if not os.path.exists(own):
            return self.note("reports", [])
        results = [path for path in result_files(self.plan) if not os.path.exists(path)]
        return self.note("reports", results + deleted_files(own))

    def shown(self, folder: str, own: str) -> str | list[str]:
        """Of the report in the folder where the newest is shown; and all of a run's own, which
        nothing would ask for while one is shown."""
        if not os.path.exists(folder):
            return self.note("show", [])
        was_made = os.path.exists(benchmark(self.plan, "reports"))
        gone = [own] if was_made and not os.path.exists(own) else []
        return self.note("show", gone + deleted_files(folder))
