"""From a run's result files to a small folder that the repository keeps."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ttvos.config.run import as_plain
from ttvos.core.errors import UserError
from ttvos.core.files import atomic_directory
from ttvos.core.provenance import git_commit, provenance, public
from ttvos.data.published_masks import MASK_SETS
from ttvos.plan.manifest import Located, Manifest, data_label, load_manifest
from ttvos.report.paper import plain, read_paper
from ttvos.report.publication import form
from ttvos.report.publication.form import Score, SequenceScore
from ttvos.report.publication.runs import (
    Contribution,
    check_commits,
    check_contributions,
    files_of,
    is_a_commit,
    load_contributions,
    scoring,
    sequence_means,
    settings_of,
    sourced,
    tracking,
)
from ttvos.report.publication.site import Checks, load_site_checks, write_site
from ttvos.report.recipe import recipe

STATISTICS = ("j_mean", "j_recall", "j_decay", "f_mean", "f_recall", "f_decay")


def publish(manifest: Path | str, out: Path | str) -> dict[str, Any]:
    """Collect what a run has made so far into the folder `out`; returns its record.

    manifest: results/RUN/manifest.json. out: takes the place of an earlier one as a whole.
    Files that the manifest names but that are not there yet are listed as missing.
    Raises UserError where nothing was scored yet, for a file without provenance, for results of
    changed code or of no commit, in a tree with changes, for trainings of one backbone with
    different settings, for scores of other weights than the training's, and for scores under one
    dataset's name that are of different data.
    """
    located = load_manifest(manifest)
    entries = load_contributions(located)
    if not any(entry.scores for entry in entries):
        raise UserError(f"{manifest}: none of the scores that it names is there yet")
    check_contributions(entries)
    checks = load_site_checks(located)
    check_commits([*files_of(entries), *checks.values()])
    check_tree(out)
    record = _record(located, entries, checks)
    scores = [line for entry in entries for line in _scores(entry, located.manifest)]
    parts = [line for entry in entries for line in _sequence_scores(entry)]
    with atomic_directory(out, marker=form.RECORD) as folder:
        form.write_tables(folder, record, scores, parts)
        write_site(folder, checks, {entry.name: entry.label for entry in entries})
    return record


def check_tree(out: Path | str) -> None:
    """Raise UserError where nobody could make the published folder again: in changed code."""
    if not is_a_commit(git_commit()):
        text = "no commit of this project here, or uncommitted changes"
        raise UserError(f"{out}: not published: {text}; commit them, and publish again")


def _scores(entry: Contribution, manifest: Manifest) -> Iterator[Score]:
    """A line for each dataset that the entry was scored on."""
    training = entry.training.record if entry.training else None
    for dataset, file in entry.scores.items():
        means = file.record.means
        yield Score(
            row=entry.name,
            kind=entry.kind,
            label=entry.label,
            variant=entry.variant,
            backbone=entry.backbone,
            seed=entry.seed,
            dataset=dataset,
            dataset_label=_label(manifest, dataset),
            sequences=len(file.record.sequences()),
            objects=len(file.record.objects),
            jf=100.0 * means.jf_mean,
            **{name: 100.0 * getattr(means, name) for name in STATISTICS},
            steps=training.steps if training else None,
            seconds=float(training.seconds) if training else None,
            device=training.provenance.device if training else "",
        )


def _sequence_scores(entry: Contribution) -> Iterator[SequenceScore]:
    """A line for each sequence of each dataset: means over the sequence's objects."""
    for dataset, file in entry.scores.items():
        for name, *figures in sequence_means(file.record):
            yield SequenceScore(entry.name, entry.seed, dataset, name, *figures)


def _label(manifest: Manifest, dataset: str) -> str:
    """A dataset in a few words."""
    return manifest.datasets[dataset].label or dataset


def _record(located: Located, entries: list[Contribution], checks: Checks) -> dict[str, Any]:
    """published.json: what was done, with what, and where every number comes from."""
    manifest = located.manifest
    trained = [entry for entry in entries if entry.training]
    first = {entry.backbone: settings_of(entry.training) for entry in reversed(trained)}
    return {
        "profile": manifest.profile,
        "title": manifest.title,
        "caution": manifest.caution,
        "data_label": data_label(manifest),
        "comparable": as_plain(manifest.comparable),
        "units": form.UNITS,
        "datasets": _datasets(manifest, entries),
        "recipes": {backbone: recipe(first[backbone]) for backbone in sorted(first)},
        "trainings": [_training(entry) for entry in trained],
        "tracked": [line for entry in entries for line in _tracked(entry)],
        **_published_masks(entries),
        "files": [sourced(file) for file in (*files_of(entries), *checks.values())],
        "missing": [name for entry in entries for name in entry.missing]
        + [name for dataset, name in manifest.site.items() if dataset not in checks],
        "provenance": public(provenance()),
    }


def _datasets(manifest: Manifest, entries: list[Contribution]) -> dict[str, Any]:
    """Each dataset that was scored: its label and what was scored of it, at which input scale."""
    found = {}
    for name, dataset in manifest.datasets.items():
        scored = next((entry.scores[name] for entry in entries if name in entry.scores), None)
        if scored:
            found[name] = {"label": _label(manifest, name), **scoring(scored.record)}
            found[name]["input_scale"] = dataset.input_scale
    return found


def _training(entry: Contribution) -> dict[str, Any]:
    """What is a training's own: its seed, start, code and weights, and how these were selected."""
    training = entry.training.record
    selection = training.selection
    return {
        "row": entry.name,
        "seed": entry.seed,
        "initial": public(training.provenance.initial),
        "selection": public({k: selection and selection.get(k) for k in ("by", "data")}),
        "code": training.settings.get("code"),
        "checkpoint_sha256": training.checkpoint_sha256,
    }


def _tracked(entry: Contribution) -> Iterator[dict[str, Any]]:
    """With which weights and settings each dataset was tracked: what `merge` goes by."""
    for dataset, file in entry.predictions.items():
        source = file.record.provenance
        settings = {**tracking(file), "precision": source.precision}
        named = {"row": entry.name, "seed": entry.seed, "dataset": dataset}
        yield {**named, "checkpoint": source.checkpoint, "tracker": public(settings)}


def _published_masks(entries: list[Contribution]) -> dict[str, Any]:
    """Of a run with masks of Table 3's methods: their archives, why one could not be had, and which
    methods published none."""
    published = [entry for entry in entries if entry.kind == "published"]
    if not published:
        return {}
    labels = {plain(masks.label) for masks in MASK_SETS.values()}
    named = (line["method"] for line in read_paper("table3"))
    return {
        "archives": [_archive(entry, name) for entry in published for name in entry.scores],
        "not_scored": {
            entry.name: public(entry.not_scored) for entry in published if entry.not_scored
        },
        "without_masks": [name for name in named if plain(name) not in {*labels, "ttvos"}],
    }


def _archive(entry: Contribution, dataset: str) -> dict[str, Any]:
    """The archive of a method's masks: its name, where it came from, its checksum and its date;
    fetched: when it was unpacked here."""
    origin = entry.scores[dataset].record.provenance.masks_origin or {}
    kept = {key: origin.get(key) for key in ("archive", "from", "checksum", "dated")}
    fetched = (origin.get("provenance") or {}).get("time")
    return {"row": entry.name, "dataset": dataset, **public(kept), "fetched": fetched}
