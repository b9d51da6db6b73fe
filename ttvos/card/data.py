"""What the training data are and what their licences say, by the stages that used them."""

from pathlib import Path
from typing import Any

from ttvos.data.sources import SOURCES
from ttvos.public import public

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
