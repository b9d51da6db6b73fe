"""From a profile's result files to a small folder that the repository keeps."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ttvos.core.errors import UserError
from ttvos.core.files import atomic_directory, write_json
from ttvos.core.provenance import git_commit, provenance, public
from ttvos.plan.manifest import Located, Manifest, data_label, load_manifest
from ttvos.report.publication.checks import check_commits, check_runs, is_a_commit, recipe, scoring
from ttvos.report.publication.form import (
    RECORD,
    SCORES,
    SEQUENCES,
    UNITS,
    Score,
    SequenceScore,
    to_csv,
)
from ttvos.report.publication.runs import Run, load_runs, sequences
from ttvos.report.results import Result

KEPT = ("commit", "source", "config", "seed", "device", "precision", "cpus", "time", "command")
POINTS = {
    "jf": "J&F-Mean",
    "j_mean": "J-Mean",
    "j_recall": "J-Recall",
    "j_decay": "J-Decay",
    "f_mean": "F-Mean",
    "f_recall": "F-Recall",
    "f_decay": "F-Decay",
}


def publish(manifest: Path | str, out: Path | str) -> dict[str, Any]:
    """Collect what a profile's run has made so far into the folder `out`; returns its record.

    manifest: results/PROFILE/manifest.json. out: takes the place of an earlier one as a whole.
    Files that the manifest names but that are not there yet are listed as missing.
    Raises UserError where nothing was scored yet, for a file without provenance, for results of
    changed code or of no commit, in a tree with changes, for runs of one backbone with different
    settings, for scores of other weights than the training's, and for scores under one dataset's
    name that are of different data.
    """
    located = load_manifest(manifest)
    runs = load_runs(located)
    if not any(run.scores for run in runs):
        raise UserError(f"{manifest}: none of the scores that it names is there yet")
    check_runs(runs)
    check_commits(result for run in runs for result in run.results)
    if not is_a_commit(git_commit()):
        text = "no commit of this project here, or uncommitted changes"
        raise UserError(f"{out}: not published: {text}; commit them, and publish again")
    record = _record(located, runs)
    scores = [line for run in runs for line in _scores(run, located.manifest)]
    parts = [line for run in runs for line in _sequence_scores(run)]
    with atomic_directory(out, marker=RECORD) as folder:
        (folder / SCORES).write_text(to_csv(Score, scores), encoding="utf-8")
        (folder / SEQUENCES).write_text(to_csv(SequenceScore, parts), encoding="utf-8")
        write_json(folder / RECORD, record)
    return record


def _scores(run: Run, manifest: Manifest) -> Iterator[Score]:
    """A line for each dataset that the run was scored on."""
    train = run.train
    for dataset, scored in run.scores.items():
        means, objects = scored.evaluation.data["global"], scored.evaluation.data["objects"]
        yield Score(
            row=run.name,
            kind=run.kind,
            label=run.label,
            variant=run.variant,
            backbone=run.backbone,
            seed=run.seed,
            dataset=dataset,
            dataset_label=dataset_label(manifest, dataset),
            sequences=len(list(sequences(scored.evaluation))),
            objects=len(objects),
            **{name: 100.0 * float(means[key]) for name, key in POINTS.items()},
            steps=train.data["steps"] if train else None,
            seconds=float(train.data["seconds"]) if train else None,
            device=str(train.provenance["device"]) if train else "",
        )


def _sequence_scores(run: Run) -> Iterator[SequenceScore]:
    """A line for each sequence of each dataset: means over the sequence's objects."""
    for dataset, scored in run.scores.items():
        for name, objects in sequences(scored.evaluation):
            j, f = (
                100.0 * float(np.mean([scores[key] for scores in objects]))
                for key in ("J-Mean", "F-Mean")
            )
            count = len(objects)
            yield SequenceScore(run.name, run.seed, dataset, name, count, (j + f) / 2, j, f)


def dataset_label(manifest: Manifest, dataset: str) -> str:
    """A dataset in a few words."""
    return manifest.datasets[dataset].label or dataset


def _record(located: Located, runs: list[Run]) -> dict[str, Any]:
    """published.json: what was done, with what, and where every number comes from."""
    manifest = located.manifest
    trains = [(run, run.train) for run in runs if run.train]
    first = {run.backbone: train for run, train in reversed(trains)}
    return {
        "profile": manifest.profile,
        "title": manifest.title,
        "caution": manifest.caution,
        "data_label": data_label(manifest),
        "units": UNITS,
        "datasets": _datasets(manifest, runs),
        "recipes": {backbone: recipe(first[backbone]) for backbone in sorted(first)},
        "trainings": [_training(run, train) for run, train in trains],
        "files": [_origin(result) for run in runs for result in run.results],
        "missing": [name for run in runs for name in run.missing],
        "provenance": public(provenance()),
    }


def _datasets(manifest: Manifest, runs: list[Run]) -> dict[str, Any]:
    """Each dataset that was scored: its label and what was scored of it, at which input scale."""
    found = {}
    for name, entry in manifest.datasets.items():
        scored = [run.scores[name].evaluation for run in runs if name in run.scores]
        if scored:
            found[name] = {"label": dataset_label(manifest, name), **scoring(scored[0])}
            found[name]["input_scale"] = entry.input_scale
    return found


def _training(run: Run, train: Result) -> dict[str, Any]:
    """What is a training's own: its seed, start, code and weights, and how these were selected."""
    selection = train.data.get("selection") or {}
    return {
        "row": run.name,
        "seed": run.seed,
        "initial": public(train.provenance.get("initial")),
        "selection": public({key: selection.get(key) for key in ("by", "data")}),
        "code": train.data["settings"].get("code"),
        "checkpoint_sha256": train.data.get("checkpoint_sha256"),
    }


def _origin(result: Result) -> dict[str, Any]:
    """A file's name and provenance, without a machine's folders."""
    kept = {key: result.provenance.get(key) for key in KEPT}
    return public({"name": result.name, "provenance": kept})
