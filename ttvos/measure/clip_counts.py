"""Clips of a training stage's epoch: counted on disk, or as the published sets hold them."""

from pathlib import Path

from ttvos.config.run import Stage
from ttvos.core.errors import UserError
from ttvos.data.places import named_sources
from ttvos.data.sources import SOURCES, Source

ON_DISK = "counted on disk"


def count_clips(stage: Stage, data: Path, heldout: tuple[str, ...] = ()) -> tuple[int, str]:
    """Clips of an epoch of the stage, and where the number is from.

    Counted on disk where all of the stage's folders are there; otherwise what the published sets
    below `data` hold (`ttvos.data.sources`), without the sequences held out.
    Raises UserError for a folder that is neither there nor a published set's.
    """
    if all(Path(root).is_dir() for root in stage.all_roots()):
        from ttvos.data.clips import make_clips

        return len(make_clips(stage, 0, heldout)), ON_DISK
    counts, pages = 0, []
    for root in stage.roots:
        for source in _published(stage, root, data):
            counts += _holds(stage, source) - (len(heldout) if stage.source == "davis" else 0)
            pages.append(source.page)
    return counts, f"as published: {', '.join(dict.fromkeys(pages))}"


def _published(stage: Stage, root: str, data: Path) -> list[Source]:
    """The published sets that a folder stands for: of DAVIS one for each year it is read as."""
    name = named_sources([root], data).get(root)
    if name is None:
        raise UserError(
            f"stage {stage.name}: {root}: no such folder, and no published set below {data}, so "
            "its clips cannot be counted"
        )
    names = [f"davis{year}" for year in stage.years] if stage.source == "davis" else [name]
    return [SOURCES[name] for name in names]


def _holds(stage: Stage, source: Source) -> int:
    what = {"stills": "images", "ytvos": "videos", "davis": stage.split}[stage.source]
    if what not in source.contents:
        raise UserError(f"stage {stage.name}: {source.title} is not known to hold {what}")
    return source.contents[what]
