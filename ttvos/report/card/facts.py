"""What a model card says, as data: every number read from the weights and their result files."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ttvos.core.errors import UserError
from ttvos.core.files import read_json
from ttvos.core.provenance import file_hash, public
from ttvos.core.shipped_weights import find_weights
from ttvos.data.sources import SOURCES
from ttvos.model import weights as checkpoint
from ttvos.records.schema import Result, Scores, Training
from ttvos.records.store import read
from ttvos.report.publication.runs import scoring, sequence_means, settings_of
from ttvos.report.recipe import recipe
from ttvos.report.results import File

Named = Sequence[tuple[str, str]]  # label, path of an evaluate.json
KEPT = ("commit", "source", "config", "seed", "device", "precision", "cpus", "libraries", "time")
SHIPPED, ROUNDED, UNKNOWN = "shipped", "before rounding", "not recorded"  # weights behind masks
OWN_LICENCE = "MIT"  # of clips that this repository draws
DRAWN = "mini.json"  # in the folder that `ttvos data mini` makes
STILLS = {"ecssd": "ecssd", "msra": "msra10k", "hku": "hku-is"}  # in a folder's name -> data set
# docs/facts.md, section 4:
PAPER = ("msra10k", "ecssd", "hku-is", "ytvos2018", "davis2016", "davis2017")


def load_training(path: Path | str, weights: Path) -> Training:
    """A train.json that must tell of the training behind `weights`, with its settings."""
    training = read(path, Training, sourced=True)
    if training.checkpoint_sha256 != file_hash(weights):
        raise UserError(f"{path}: tells of other weights than {weights}; give those it came with")
    settings_of(File(str(path), training))
    return training


def training_facts(training: Training) -> dict[str, Any]:
    """Recipe, data, start, seed, time and device of a training."""
    return {
        "variant": training.variant,
        "backbone": training.backbone,
        "seed": training.seed,
        "steps": training.steps,
        "seconds": training.seconds,
        "stages": [stage.plain() for stage in training.stages],
        "settings": recipe(training.settings),
        "selection": public(training.selection and training.selection.plain()),
        "initial": _initial(training.provenance.initial),
        "provenance": _kept(training),
    }


def _initial(initial: dict[str, Any] | None) -> dict[str, Any] | None:
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


def score_facts(scores: Named, references: Named, hashes: dict[str, str]) -> dict[str, Any]:
    """Scores by label, each with the references that were scored on the same data.

    hashes: SHA-256 of weights -> SHIPPED or ROUNDED. Raises UserError for masks of other weights,
    for two labels that are the same, and for a reference on none of the data.
    """
    results = {label: read(path, Scores, sourced=True) for label, path in scores}
    if len(results) < len(scores):
        raise UserError("--scores: two have the same name")
    paths = dict(scores)
    found = {
        label: {
            **_scores(result),
            "data": scoring(result),
            "made_with": _made_with(paths[label], result, hashes),
            "input_scale": (_masks(result).get("tracker") or {}).get("input_scale", 1.0),
        }
        for label, result in results.items()
    }
    for label, path in references:
        reference = read(path, Scores, sourced=True)
        sets = [name for name, result in results.items() if scoring(result) == scoring(reference)]
        if not sets:
            raise UserError(f"{path}: scored on none of the data that --scores are of")
        for name in sets:
            found[name].setdefault("references", {})[label] = _scores(reference)
    return found


def _made_with(path: str, scores: Scores, hashes: dict[str, str]) -> str:
    """Which weights made the masks that were scored, by the record beside the masks."""
    used = _masks(scores).get("checkpoint")
    if used is None:
        return UNKNOWN
    if used not in hashes:
        raise UserError(f"{path}: scores of masks that other weights made")
    return hashes[used]


def _masks(scores: Scores) -> dict[str, Any]:
    """Provenance of the masks; empty where their folder is not at hand."""
    record = Path(scores.provenance.masks or ".", "predict.json")
    return read_json(record).get("provenance") or {} if record.is_file() else {}


def _scores(scores: Scores) -> dict[str, Any]:
    """Over all and by sequence, in points of 100."""
    parts = {
        name: {"J&F": round(jf, 4), "J": round(j, 4), "F": round(f, 4)}
        for name, _, jf, j, f in sequence_means(scores)
    }
    means = {name: round(100 * value, 4) for name, value in scores.means.items()}
    return {"global": means, "sequences": parts, "provenance": _kept(scores)}


def _kept(result: Result) -> dict[str, Any]:
    return public({key: result.provenance.get(key) for key in (*KEPT, "command")})


def data_facts(settings: dict[str, Any]) -> dict[str, Any]:
    """The training data with their licences, and what the paper has besides."""
    data = training_data(settings)
    return {"used": data, "missing_of_the_paper": missing_of_the_paper(data)}


def training_data(settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Each folder that a training's settings name, once: name, data set, licence, stages, listing.

    The data set is told by the stage's layout and years and, of stills, by the folder's name;
    source is None for one that is not known. listing: hash over names and sizes of the files.
    """
    found: dict[str, tuple[list[str | None], list[str]]] = {}
    for stage in settings["stages"]:
        for root, source in _sources(stage):
            sources, stages = found.setdefault(root, ([], []))
            sources += [source] if source not in sources else []
            stages.append(stage["name"])
    return [
        {
            "folder": public(root),
            "listing": settings.get("data", {}).get(root),
            "stages": stages,
            "sources": [_described(source) for source in sources],
        }
        for root, (sources, stages) in found.items()
    ]


def _sources(stage: dict[str, Any]) -> list[tuple[str, str | None]]:
    """(folder, name of the data set) of a stage."""
    videos = {"davis": [f"davis{year}" for year in stage.get("years", ())], "ytvos": ["ytvos2018"]}
    stills = [*stage["roots"]] if stage["source"] == "stills" else []
    pairs = [
        (root, name)
        for root in stage["roots"]
        if not stills
        for name in videos.get(stage["source"], [None])
    ]
    pairs += [(root, _stills(root)) for root in (*stills, *stage.get("stills_roots", ()))]
    return [(root, "drawn" if _is_drawn(root) else name) for root, name in pairs]


def _stills(root: str) -> str | None:
    name = Path(root).name.casefold()
    return next((source for part, source in STILLS.items() if part in name), None)


def _is_drawn(root: str) -> bool:
    """Whether the folder holds built-in clips, as far as it is still there."""
    return any((parent / DRAWN).is_file() for parent in Path(root).parents)


def _described(source: str | None) -> dict[str, str | None]:
    if source == "drawn":
        title = "clips drawn by `ttvos data mini`"
        return {"name": "drawn", "title": title, "licence": OWN_LICENCE}
    if source is None:
        licence = "not known to this program: see where the data come from"
        return {"name": None, "title": "other data", "licence": licence}
    known = SOURCES[source]
    return {key: getattr(known, key) for key in ("name", "title", "licence", "page")}


def missing_of_the_paper(data: list[dict[str, Any]]) -> list[str]:
    """Titles of the sets that the paper trains on and this training did not."""
    used = {source["name"] for entry in data for source in entry["sources"]}
    return [SOURCES[name].title for name in PAPER if name not in used]
