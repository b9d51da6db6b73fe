"""What a report is rendered from is read here, from the files that the manifest names."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ttvos.config.peers import FOLDER as PEERS_FOLDER
from ttvos.config.peers import Peer, load_records
from ttvos.core.errors import UserError
from ttvos.plan.manifest import (
    Located,
    MaskEntry,
    Paths,
    PeerEntry,
    PublishedEntry,
    RowEntry,
    load_manifest,
)
from ttvos.records.schema import Failures, NotScored, Predictions, Scores, StressTest, Training
from ttvos.report.join import ReportInput
from ttvos.report.kept import load_kept
from ttvos.report.live import load_live
from ttvos.report.publication import form
from ttvos.report.results import (
    Cost,
    File,
    MaskResults,
    PeerResults,
    RowResults,
    Speed,
    T,
    load_file,
)


def load_inputs(
    plan_json: Path | str,
    rendered_by: dict[str, Any] | None = None,
    records: Path = PEERS_FOLDER,
    kept: Path | None = None,
) -> ReportInput:
    """Read the manifest and every JSON file it names.

    rendered_by: provenance of the rendering itself, in place of one that stands in the manifest.
    records: folder of what is known of each peer. kept: of the results that the repository keeps,
    None for results-published; it may be absent.
    Raises UserError for a file that the manifest names but that is missing or damaged, and for a
    peer without a record.
    """
    located = load_manifest(plan_json)
    if rendered_by is not None:
        located = replace(located, provenance=rendered_by)
    manifest, known = located.manifest, load_records(records)
    return ReportInput(
        located,
        tuple(_row(located, entry) for entry in manifest.rows),
        tuple(_masks(located, entry) for entry in manifest.references),
        tuple(_masks(located, entry) for entry in manifest.masks),
        tuple(_peer(located, entry, known) for entry in manifest.peers),
        tuple(_published(located, entry) for entry in manifest.published),
        known,
        load_kept(kept or form.FOLDER),
        tuple(load_live(located, entry) for entry in manifest.live),
        _failures(located),
        tuple((entry, load_file(located, entry.file, StressTest)) for entry in manifest.stress),
    )


def _failures(located: Located) -> dict[str, File[Failures]]:
    """Accounts of lost points; none of masks that could not be had."""
    named = located.manifest.failures.items()
    files = {scores: load_file(located, path, Failures | NotScored) for scores, path in named}
    return {name: file for name, file in files.items() if isinstance(file.record, Failures)}


def _scores(located: Located, names: Iterable[str | None]) -> tuple[File[Scores], ...]:
    loaded = (load_file(located, name, Scores) for name in names)
    return tuple(result for result in loaded if result is not None)


def _seeded(located: Located, entry: RowEntry, names: Paths, kind: type[T]) -> tuple[File[T], ...]:
    """A row's files, one a seed, each with its seed; a null stands for a seed without a file."""
    loaded = (load_file(located, name, kind, seed) for seed, name in _by_seed(entry, names))
    return tuple(result for result in loaded if result is not None)


def _by_seed(entry: RowEntry, names: Paths) -> list[tuple[int, str | None]]:
    """A row's seeds, each with its file. None at all is a row without such files."""
    if names and len(names) != len(entry.seeds):
        raise UserError(
            f"the manifest's row {entry.row} has {len(names)} files for {len(entry.seeds)} seeds "
            f"({', '.join(str(name) for name in names)}); it must name one a seed, in their order"
        )
    return list(zip(entry.seeds, names, strict=True)) if names else []


def _masks(located: Located, entry: MaskEntry) -> MaskResults:
    label = entry.label or entry.name
    return MaskResults(
        name=entry.name,
        label=label,
        evaluate={name: _scores(located, (path,)) for name, path in entry.evaluate.items()},
        source=label,
        fps=entry.fps,
        fps_device=entry.fps_device,
    )


def _published(located: Located, entry: PublishedEntry) -> MaskResults:
    """Scores, or a file that says why a dataset's masks could not be had."""
    files = {
        name: load_file(located, path, Scores | NotScored) for name, path in entry.evaluate.items()
    }
    found = {name: file for name, file in files.items() if file}
    lacking = {n: f.record.missing for n, f in found.items() if isinstance(f.record, NotScored)}
    return MaskResults(
        name=entry.method,
        label=entry.label,
        evaluate={name: (file,) for name, file in found.items() if name not in lacking},
        source=entry.source,
        lacking=lacking,
    )


def _peer(located: Located, entry: PeerEntry, records: dict[str, Peer]) -> PeerResults:
    if entry.name not in records:
        raise UserError(f"the manifest names the peer {entry.name}, which has no record")
    return PeerResults(
        name=entry.name,
        label=entry.name,
        evaluate={name: _scores(located, paths) for name, paths in entry.evaluate.items()},
        cost=load_file(located, entry.cost, Cost),
        speed=load_file(located, entry.speed, Speed),
        record=records[entry.name],
    )


def _row(located: Located, entry: RowEntry) -> RowResults:
    trains = _seeded(located, entry, entry.train, Training)
    for train in trains:
        if train.record.seed != train.seed:
            raise UserError(
                f"{train.name}: of seed {train.record.seed}, but the manifest names it as that of "
                f"seed {train.seed}; write the manifest anew"
            )
    by_seed = {train.seed: train for train in trains}
    losses = [
        (seed, located.path(name), by_seed.get(seed))
        for seed, name in _by_seed(entry, entry.loss)
        if name is not None
    ]
    return RowResults(
        name=entry.row,
        label=entry.label,
        evaluate={name: _seeded(located, entry, of, Scores) for name, of in entry.evaluate.items()},
        entry=entry,
        predict={
            name: _seeded(located, entry, of, Predictions) for name, of in entry.predict.items()
        },
        train=trains,
        losses=tuple(losses),
        cost=load_file(located, entry.cost, Cost),
        speed=load_file(located, entry.speed, Speed),
    )
