"""What may stand in one folder of published results: runs of one recipe, scored alike."""

from collections.abc import Callable, Iterable
from typing import Any

from ttvos.core.errors import UserError
from ttvos.core.provenance import CHANGES, public
from ttvos.report.publication.runs import Run, Scored, sequences
from ttvos.report.results import Result

# Of a training's settings: what may differ between the runs of one recipe. The code's hash may
# too, because a training of days outlives a comment's change; the record lists all that there are.
OWN = ("variant", "backbone", "transition_loss", "seed", "code")


def recipe(train: Result) -> dict[str, Any]:
    """A training's settings without what is the run's own, and without a machine's folders.

    data: [{"root", "listing"}]: the folder's name and a hash over names and sizes of its files.
    """
    settings = train.data.get("settings")
    if not isinstance(settings, dict):
        raise UserError(f"{train.name}: does not hold its settings; train again")
    kept = {key: value for key, value in settings.items() if key not in OWN}
    data = [{"root": root, "listing": hash_} for root, hash_ in kept.pop("data", {}).items()]
    return public({**kept, "data": sorted(data, key=lambda entry: entry["listing"])})


def check_runs(runs: Iterable[Run]) -> None:
    """Raise UserError for runs that do not belong together, and say which files differ in what."""
    runs = list(runs)
    for run in runs:
        _check_weights(run)
    for backbone in dict.fromkeys(run.backbone for run in runs):
        trains = [run.train for run in runs if run.backbone == backbone and run.train]
        _check_same(trains, recipe, "trained with other settings")
    for dataset in dict.fromkeys(name for run in runs for name in run.scores):
        scored = [run.scores[dataset] for run in runs if dataset in run.scores]
        _check_same([one.evaluation for one in scored], scoring, "scored in another way")
        predictions = [one.prediction for one in scored if one.prediction]
        _check_same(predictions, _tracking, "tracked in another way")


def check_commits(results: Iterable[Result]) -> None:
    """Raise UserError for results that nobody can make again: of changed code, of no commit."""
    commits = {result.name: (result.provenance or {}).get("commit") for result in results}
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


def scoring(evaluation: Result) -> dict[str, Any]:
    """What makes two evaluations the same measurement: the data and the evaluator."""
    source = evaluation.provenance or {}
    data = source.get("data") or {}
    return {
        **public({key: data.get(key) for key in ("root", "year", "split")}),
        "sequences": [name for name, _ in sequences(evaluation)],
        "evaluator": source.get("evaluator"),
        "evaluator_version": source.get("evaluator_version"),
    }


def _tracking(prediction: Result) -> dict[str, Any]:
    tracker = (prediction.provenance or {}).get("tracker") or {}
    return {key: value for key, value in tracker.items() if key != "name"}


def _check_same(results: list[Result], facts: Callable[[Result], dict], trouble: str) -> None:
    """All results must have the facts of the first one."""
    for result in results[1:]:
        first, other = facts(results[0]), facts(result)
        differing = [key for key in {**first, **other} if first.get(key) != other.get(key)]
        if differing:
            raise UserError(
                f"{result.name}: {trouble} than {results[0].name} ({', '.join(differing)}); "
                "publish runs of the same settings only"
            )


def _check_weights(run: Run) -> None:
    """The masks must come from the weights of the run's training."""
    if run.train is None:
        return
    trained = run.train.data.get("checkpoint_sha256")
    for scored in run.scores.values():
        used = _weights(scored)
        if used and used != trained:
            raise UserError(
                f"{scored.prediction.name}: made with other weights than {run.train.name} "
                "tells of; predict and evaluate again"
            )


def _weights(scored: Scored) -> str | None:
    """Hash of the checkpoint that made the masks, where their record is there."""
    return (scored.prediction.provenance or {}).get("checkpoint") if scored.prediction else None
