"""What a model card says, as data: every number read from the weights and their result files."""

from pathlib import Path
from typing import Any

import numpy as np

from ttvos import checkpoint
from ttvos.card.data import missing_of_the_paper, training_data
from ttvos.errors import UserError
from ttvos.files import read_json
from ttvos.provenance import file_hash
from ttvos.public import public
from ttvos.publication.checks import recipe, scoring
from ttvos.publication.runs import sequences
from ttvos.render.results import Result
from ttvos.weights import find_weights

KEPT = ("commit", "source", "config", "seed", "device", "precision", "cpus", "libraries", "time")
SHIPPED, ROUNDED, UNKNOWN = "shipped", "before rounding", "not recorded"


def load_training(path: Path | str, weights: Path) -> Result:
    """A train.json that must tell of the training behind `weights`."""
    result = load_result(path)
    if result.data.get("checkpoint_sha256") != file_hash(weights):
        raise UserError(f"{path}: tells of other weights than {weights}; give those it came with")
    if not isinstance(result.data.get("settings"), dict):
        raise UserError(f"{path}: does not hold the training's settings; train again")
    return result


def load_result(path: Path | str) -> Result:
    """A result file with provenance; UserError for any other."""
    data = read_json(path)
    result = Result(str(path), data if isinstance(data, dict) else {})
    if result.provenance is None:
        raise UserError(f"{path}: does not say where its numbers come from; make it anew")
    return result


def training_facts(train: Result) -> dict[str, Any]:
    """Recipe, data, start, seed, time and device of a training."""
    data, source = train.data, train.provenance
    return {
        "variant": data["variant"],
        "backbone": data["backbone"],
        "seed": data["seed"],
        "steps": data["steps"],
        "seconds": data["seconds"],
        "stages": data["stages"],
        "settings": recipe(train),
        "selection": public(data.get("selection")),
        "initial": initial_facts(source.get("initial")),
        "provenance": _kept(train),
    }


def data_facts(train: Result) -> dict[str, Any]:
    """The training data with their licences, and what the paper has besides."""
    data = training_data(train.data["settings"])
    return {"used": data, "missing_of_the_paper": missing_of_the_paper(data)}


def initial_facts(initial: dict[str, Any] | None) -> dict[str, Any] | None:
    """What the backbone started from; where the file is still there, also what that learnt from."""
    if not initial or not initial.get("source") or initial["source"] in ("random", "imagenet"):
        return initial
    try:
        path = find_weights(initial["source"])
        same = path.is_file() and file_hash(path) == initial.get("sha256")
        origin = checkpoint.metadata(path).get("provenance") if same else None
    except UserError:
        origin = None
    origin = (origin or {}).get("checkpoint_provenance") or origin
    return public({**initial, "trained_on": (origin or {}).get("data")})


def score_facts(result: Result, hashes: dict[str, str]) -> dict[str, Any]:
    """Scores of one set: over all, by sequence, and the weights that made the masks.

    hashes: SHA-256 of weights -> SHIPPED or ROUNDED. Raises UserError for masks of others.
    """
    return {
        **_scores(result),
        "data": scoring(result),
        "made_with": made_with(result, hashes),
        "input_scale": _tracker(result).get("input_scale", 1.0),
    }


def reference_facts(result: Result) -> dict[str, Any]:
    """Scores of a reference: over all and by sequence."""
    return _scores(result)


def made_with(result: Result, hashes: dict[str, str]) -> str:
    """Which weights made the masks that were scored, by the record beside the masks."""
    used = _masks(result).get("checkpoint")
    if used is None:
        return UNKNOWN
    if used not in hashes:
        raise UserError(f"{result.name}: scores of masks that other weights made")
    return hashes[used]


def _tracker(result: Result) -> dict[str, Any]:
    return _masks(result).get("tracker") or {}


def _masks(result: Result) -> dict[str, Any]:
    """Provenance of the masks; empty where their folder is not at hand."""
    record = Path(result.provenance.get("masks") or ".", "predict.json")
    return read_json(record).get("provenance") or {} if record.is_file() else {}


def _scores(result: Result) -> dict[str, Any]:
    """Points of 100."""
    parts = {}
    for name, objects in sequences(result):
        j, f = (100 * float(np.mean([o[key] for o in objects])) for key in ("J-Mean", "F-Mean"))
        parts[name] = {"J&F": round((j + f) / 2, 4), "J": round(j, 4), "F": round(f, 4)}
    means = {name: round(100 * value, 4) for name, value in result.data["global"].items()}
    return {"global": means, "sequences": parts, "provenance": _kept(result)}


def _kept(result: Result) -> dict[str, Any]:
    source = result.provenance
    return public({**{key: source.get(key) for key in KEPT}, "command": source.get("command")})
