"""What a model card says, as data: every number read from the weights and their result files.

What the training data are and what their licences say, by the stages that used them.
"""

from pathlib import Path
from typing import Any

import numpy as np

from ttvos.core.errors import UserError
from ttvos.core.files import read_json
from ttvos.core.provenance import file_hash, public
from ttvos.core.shipped_weights import find_weights
from ttvos.data.sources import SOURCES
from ttvos.model import weights as checkpoint
from ttvos.report.publication.checks import recipe, scoring
from ttvos.report.publication.runs import sequences
from ttvos.report.results import Result

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


OWN_LICENCE = "MIT"  # of clips that this repository draws
DRAWN = "mini.json"  # in the folder that `ttvos data mini` makes
STILLS = {"ecssd": "ecssd", "msra": "msra10k", "hku": "hku-is"}  # in a folder's name -> data set
# docs/facts.md, section 4:
PAPER = ("msra10k", "ecssd", "hku-is", "ytvos2018", "davis2016", "davis2017")


def training_data(settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Each folder that a training's settings name, once: name, data set, licence, stages, listing.

    The data set is told by the stage's layout and years and, of stills, by the folder's name;
    source is None for one that is not known. listing: hash over names and sizes of the files.
    """
    found: dict[str, dict[str, Any]] = {}
    for stage in settings["stages"]:
        for root, source in _sources(stage):
            entry = found.setdefault(root, {"sources": [], "stages": []})
            entry["sources"] += [source] if source not in entry["sources"] else []
            entry["stages"].append(stage["name"])
    listings = settings.get("data", {})
    return [
        {
            "folder": public(root),
            "listing": listings.get(root),
            "stages": entry["stages"],
            "sources": [_described(source) for source in entry["sources"]],
        }
        for root, entry in found.items()
    ]


def _sources(stage: dict[str, Any]) -> list[tuple[str, str | None]]:
    """(folder, name of the data set) of a stage."""
    if stage["source"] == "davis":
        videos = [f"davis{year}" for year in stage["years"]]
    else:
        videos = ["ytvos2018"] if stage["source"] == "ytvos" else [None]
    pairs = []
    for root in stage["roots"]:
        names = [_stills(root)] if stage["source"] == "stills" else videos
        pairs += [(root, "drawn" if _is_drawn(root) else name) for name in names]
    for root in stage.get("stills_roots", ()):
        pairs.append((root, "drawn" if _is_drawn(root) else _stills(root)))
    return pairs


def _stills(root: str) -> str | None:
    name = Path(root).name.casefold()
    return next((source for part, source in STILLS.items() if part in name), None)


def _is_drawn(root: str) -> bool:
    """Whether the folder holds built-in clips, as far as it is still there."""
    return any((parent / DRAWN).is_file() for parent in Path(root).parents)


def _described(source: str | None) -> dict[str, str | None]:
    if source == "drawn":
        return {
            "name": "drawn",
            "title": "clips drawn by `ttvos data mini`",
            "licence": OWN_LICENCE,
        }
    if source is None:
        licence = "not known to this program: see where the data come from"
        return {"name": None, "title": "other data", "licence": licence}
    known = SOURCES[source]
    facts = {"name": known.name, "title": known.title, "licence": known.licence}
    return {**facts, "page": known.page}


def missing_of_the_paper(data: list[dict[str, Any]]) -> list[str]:
    """Titles of the sets that the paper trains on and this training did not."""
    used = {source["name"] for entry in data for source in entry["sources"]}
    return [SOURCES[name].title for name in PAPER if name not in used]
