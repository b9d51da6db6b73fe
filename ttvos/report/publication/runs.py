"""What a run has made so far, of each training and reference, and whether it belongs together."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any, TypeVar

from ttvos.core.errors import UserError
from ttvos.core.provenance import CHANGES, public
from ttvos.plan.manifest import Located, MaskEntry, PublishedEntry, RowEntry
from ttvos.records.schema import NotScored, Predictions, Result, Scores, Training
from ttvos.records.store import read
from ttvos.report.recipe import recipe
from ttvos.report.results import File

T = TypeVar("T", bound=Result)
KEPT = ("commit", "source", "config", "seed", "device", "precision", "cpus", "time", "command")


@dataclass(frozen=True)
class Contribution:
    """One training of a row, a reference, or masks, with what is there of it.

    kind: as in `ttvos.report.publication.form.Score`. scores, predictions: by dataset. missing:
    names of files that are not there, or that say why there are no scores: not_scored, by dataset.
    """

    name: str
    kind: str
    label: str
    scores: dict[str, File[Scores]]
    predictions: dict[str, File[Predictions]]
    missing: tuple[str, ...]
    training: File[Training] | None = None
    variant: str = ""
    backbone: str = ""
    seed: int | None = None
    not_scored: dict[str, str] = field(default_factory=dict)

    @property
    def files(self) -> list[File]:
        """All of its result files, the training's first."""
        files = [self.training]
        for dataset, scored in self.scores.items():
            files += [scored, self.predictions.get(dataset)]
        return [file for file in files if file]


def files_of(entries: Iterable[Contribution]) -> list[File]:
    """All result files of all of them."""
    return [file for entry in entries for file in entry.files]


def load_contributions(located: Located) -> list[Contribution]:
    """All that a manifest names, in its order.

    Raises UserError for a damaged file and for one without provenance.
    """
    manifest = located.manifest
    trained = [_trained(located, row, n) for row in manifest.rows for n in range(len(row.seeds))]
    references = [_masks(located, entry, "reference") for entry in manifest.references]
    published = [_published(located, entry) for entry in manifest.published]
    masks = [_masks(located, entry, "masks") for entry in manifest.masks]
    return [*trained, *references, *published, *masks]


def _trained(located: Located, row: RowEntry, index: int) -> Contribution:
    """A row's training of seed number `index`; a given checkpoint, for one, has none."""

    def named(paths: tuple[str | None, ...]) -> str | None:
        return paths[index] if index < len(paths) else None

    missing: list[str] = []
    training = load(located, named(row.train), Training, missing)
    scores, predictions = {}, {}
    for dataset, paths in row.evaluate.items():
        scored = load(located, named(paths), Scores, missing)
        tracked = load(located, named(row.predict.get(dataset, ())), Predictions, missing)
        scores |= {dataset: scored} if scored else {}
        predictions |= {dataset: tracked} if scored and tracked else {}
    return Contribution(
        name=row.row,
        kind="model",
        label=f"{row.method} {row.row}",
        scores=scores,
        predictions=predictions,
        missing=tuple(missing),
        training=training,
        variant=row.variant,
        backbone=row.backbone,
        seed=row.seeds[index],
    )


def _masks(located: Located, entry: MaskEntry, kind: str) -> Contribution:
    missing: list[str] = []
    found = {d: load(located, name, Scores, missing) for d, name in entry.evaluate.items()}
    scores = {dataset: file for dataset, file in found.items() if file}
    return Contribution(entry.name, kind, entry.label or entry.name, scores, {}, tuple(missing))


def _published(located: Located, entry: PublishedEntry) -> Contribution:
    """Masks of a method of Table 3; of an archive that could not be had, the reason."""
    missing: list[str] = []
    scores, reasons = {}, {}
    for dataset, name in entry.evaluate.items():
        file = load(located, name, Scores | NotScored, missing)
        if file and isinstance(file.record, NotScored):
            missing.append(name)
            reasons[dataset] = file.record.missing
        elif file:
            scores[dataset] = file
    return Contribution(
        name=entry.name or entry.method,
        kind="published",
        label=entry.method,
        scores=scores,
        predictions={},
        missing=tuple(missing),
        not_scored=reasons,
    )


def load(located: Located, name: str | None, kind: type[T], missing: list[str]) -> File[T] | None:
    """One of the manifest's files; where it is not there its name is put among the missing.

    Raises UserError for a damaged file and for one without provenance.
    """
    if name is None:
        return None
    path = located.path(name)
    if not path.is_file():
        missing.append(name)
        return None
    return File(name, read(path, kind, name, sourced=True))


def sourced(file: File) -> dict[str, Any]:
    """A file's name and provenance, without a machine's folders."""
    kept = {key: file.record.provenance.get(key) for key in KEPT}
    return public({"name": file.name, "provenance": kept})


def sequence_means(scores: Scores) -> Iterator[tuple[str, int, float, float, float]]:
    """Of each sequence, by name: number of objects, and J&F, J and F over them in points of 100."""
    for name, objects in sorted(scores.sequences().items()):
        j = 100 * fmean(each.j_mean for each in objects)
        f = 100 * fmean(each.f_mean for each in objects)
        yield name, len(objects), (j + f) / 2, j, f


def scoring(scores: Scores) -> dict[str, Any]:
    """What makes two evaluations the same measurement: the data and the evaluator."""
    source = scores.provenance
    data = source.data or {}
    return {
        **public({key: data.get(key) for key in ("root", "year", "split")}),
        "sequences": sorted(scores.sequences()),
        "evaluator": source.evaluator,
        "evaluator_version": source.evaluator_version,
    }


def settings_of(training: File[Training]) -> dict[str, Any]:
    """A training's settings; UserError where its record does not hold them."""
    if training.record.settings is None:
        raise UserError(f"{training.name}: does not hold its settings; train again")
    return training.record.settings


def check_contributions(entries: list[Contribution]) -> None:
    """Raise UserError for entries that do not belong together, with the files that differ."""
    for entry in entries:
        _check_weights(entry)
    for backbone in dict.fromkeys(entry.backbone for entry in entries):
        trainings = [e.training for e in entries if e.backbone == backbone and e.training]
        _check_same(trainings, lambda of: recipe(settings_of(of)), "trained with other settings")
    for dataset in dict.fromkeys(name for entry in entries for name in entry.scores):
        scores = [entry.scores[dataset] for entry in entries if dataset in entry.scores]
        _check_same(scores, lambda file: scoring(file.record), "scored in another way")
        tracked = [e.predictions[dataset] for e in entries if dataset in e.predictions]
        _check_same(tracked, tracking, "tracked in another way")


def check_commits(files: Iterable[File]) -> None:
    """Raise UserError for results that nobody can make again: of changed code, of no commit."""
    commits = {file.name: file.record.provenance.commit for file in files}
    unknown = [name for name, commit in commits.items() if not is_a_commit(commit)]
    if unknown:
        first = unknown[0]
        made = f"changed code ({commits[first]})" if commits[first] else "code of no known commit"
        more = f", as were {len(unknown) - 1} more of {len(commits)} files" if unknown[1:] else ""
        raise UserError(
            f"{first}: made by {made}{more}; commit the code, delete them and run again"
        )


def is_a_commit(commit: str | None) -> bool:
    """Whether a recorded commit is the whole truth of the code."""
    return bool(commit) and not commit.endswith(CHANGES)


def tracking(predictions: File[Predictions]) -> dict[str, Any]:
    """How the frames were tracked, whatever the tracker is called."""
    tracker = predictions.record.provenance.tracker or {}
    return {key: value for key, value in tracker.items() if key != "name"}


def _check_same(files: list[File], facts: Callable[[File], dict], trouble: str) -> None:
    """All files must have the facts of the first one."""
    for file in files[1:]:
        first, other = facts(files[0]), facts(file)
        differing = [key for key in {**first, **other} if first.get(key) != other.get(key)]
        if differing:
            raise UserError(
                f"{file.name}: {trouble} than {files[0].name} ({', '.join(differing)}); "
                "publish runs of the same settings only"
            )


def _check_weights(entry: Contribution) -> None:
    """The masks must come from the weights of the entry's training."""
    for file in entry.predictions.values() if entry.training else ():
        used = file.record.provenance.checkpoint
        if used and used != entry.training.record.checkpoint_sha256:
            raise UserError(
                f"{file.name}: made with other weights than {entry.training.name} tells of; "
                "predict and evaluate again"
            )
