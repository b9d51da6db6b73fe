"""Who is shown in the explorer of a data set: whoever the manifest has scores of."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ttvos.data.mask_folders import masks_folder
from ttvos.plan.manifest import Located
from ttvos.records.schema import NotScored, Predictions, Scores
from ttvos.report.results import load_file


@dataclass(frozen=True)
class Method:
    """A method on one data set. who: its name in links, one of the run's alone.

    masks: the folder of its masks, by sequence; None where only its scores are at hand.
    predictions: what it said while it tracked, where it tracked here.
    """

    who: str
    label: str
    scores: Scores
    masks: Path | None
    predictions: Predictions | None = None


@dataclass(frozen=True)
class _Named:
    who: str
    label: str
    scores: str | None
    predictions: str | None = None


def find_methods(located: Located, dataset: str, sequences: list[str]) -> list[Method]:
    """The methods with scores on a data set, in the manifest's order; of several seeds the first.

    The masks are those that were scored, as the scores' provenance names them.
    """
    found = []
    for named in _named(located, dataset):
        file = load_file(located, named.scores, Scores | NotScored)
        if file is None or isinstance(file.record, NotScored) or file.provenance is None:
            continue
        folder = file.provenance.masks and located.path(file.provenance.masks)
        masks = masks_folder(folder, sequences) if folder else None
        said = load_file(located, named.predictions, Predictions)
        found.append(Method(named.who, named.label, file.record, masks, said and said.record))
    return found


def _named(located: Located, dataset: str) -> Iterator[_Named]:
    manifest = located.manifest
    for row in manifest.rows:
        several = f", seed {row.seeds[0]}" if len(row.seeds) > 1 else ""
        scores, said = _first(row.evaluate.get(dataset)), _first(row.predict.get(dataset))
        yield _Named(row.row, f"{row.label}{several}", scores, said)
    for peer in manifest.peers:
        yield _Named(peer.name, peer.name, _first(peer.evaluate.get(dataset)))
    for entry in manifest.references:
        yield _Named(entry.name, entry.label or entry.name, entry.evaluate.get(dataset))
    for entry in manifest.masks:
        name = f"masks-{entry.name}"
        yield _Named(name, entry.label or entry.name, entry.evaluate.get(dataset))
    for entry in manifest.published:
        yield _Named(f"published-{entry.name}", entry.label, entry.evaluate.get(dataset))


def _first(names: tuple[str | None, ...] | None) -> str | None:
    return names[0] if names else None
