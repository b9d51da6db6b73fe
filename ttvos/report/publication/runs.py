"""What a profile's run has made so far: each training's record and scores, and the references'."""

from collections.abc import Iterator
from dataclasses import dataclass

from ttvos.core.errors import UserError
from ttvos.plan.manifest import Located, MaskEntry, Paths, RowEntry
from ttvos.report.results import Result, load_result

KINDS = {"references": "reference", "masks": "masks"}


@dataclass(frozen=True)
class Scored:
    """The scores on one dataset, and the record of the masks that were scored, if it is there."""

    evaluation: Result
    prediction: Result | None


@dataclass(frozen=True)
class Run:
    """One training of a row, a reference, or somebody's masks.

    kind: "model", "reference" or "masks"; the latter two have no seed, variant and training.
    scores: by dataset, those that are there. missing: names of files that are not there.
    """

    name: str
    kind: str
    label: str
    train: Result | None
    scores: dict[str, Scored]
    missing: tuple[str, ...]
    variant: str = ""
    backbone: str = ""
    seed: int | None = None

    @property
    def results(self) -> list[Result]:
        """All of its result files, the training's first."""
        files = [self.train]
        for scored in self.scores.values():
            files += [scored.evaluation, scored.prediction]
        return [file for file in files if file is not None]


def load_runs(located: Located) -> list[Run]:
    """All runs in the manifest's order, with what is there of each.

    Raises UserError for a damaged file and for one without provenance.
    """
    manifest = located.manifest
    runs = [
        _run(located, entry, index) for entry in manifest.rows for index in range(len(entry.seeds))
    ]
    for part, kind in KINDS.items():
        runs += [_masks(located, entry, kind) for entry in getattr(manifest, part)]
    return runs


def _run(located: Located, entry: RowEntry, index: int) -> Run:
    """The run of a row's seed number `index`."""
    files = _Files(located)
    train = files.load(_at(entry.train, index))
    scores = {}
    for dataset, names in entry.evaluate.items():
        evaluation = files.load(_at(names, index))
        prediction = files.load(_at(entry.predict.get(dataset, ()), index))
        if evaluation is not None:
            scores[dataset] = Scored(evaluation, prediction)
    return Run(
        entry.row,
        "model",
        f"{entry.method} {entry.row}",
        train,
        scores,
        tuple(files.missing),
        entry.variant,
        entry.backbone,
        entry.seeds[index],
    )


def _at(names: Paths, index: int) -> str | None:
    """The file of seed number `index`; a given checkpoint, for one, has no training's."""
    return names[index] if index < len(names) else None


def _masks(located: Located, entry: MaskEntry, kind: str) -> Run:
    files = _Files(located)
    found = ((dataset, files.load(name)) for dataset, name in entry.evaluate.items())
    scores = {dataset: Scored(result, None) for dataset, result in found if result is not None}
    label = entry.label or entry.name
    return Run(entry.name, kind, label, None, scores, tuple(files.missing))


class _Files:
    """Reads a run's files and notes those that are missing."""

    def __init__(self, located: Located) -> None:
        self.located = located
        self.missing: list[str] = []

    def load(self, name: str | None) -> Result | None:
        if name is None:
            return None
        if not self.located.path(name).is_file():
            self.missing.append(name)
            return None
        result = load_result(self.located, name)
        if result.provenance is None:
            raise UserError(f"{name}: does not say where its numbers come from; make it anew")
        return result


def sequences(result: Result) -> Iterator[tuple[str, list[dict[str, float]]]]:
    """Each sequence of an evaluation, by name, with the scores of its objects (fractions)."""
    objects = result.data.get("objects")
    if not objects:
        raise UserError(f"{result.name}: has no scores of objects; evaluate again")
    grouped: dict[str, list[dict[str, float]]] = {}
    for name, scores in objects.items():
        grouped.setdefault(name.rpartition("_")[0], []).append(scores)
    yield from sorted(grouped.items())
