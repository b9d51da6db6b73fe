"""What a profile's training needs before any of it runs: clips of an epoch, data to bring."""

from pathlib import Path
from typing import Any

from ttvos.config.run import Config, Stage
from ttvos.core.errors import UserError
from ttvos.data.places import named_sources
from ttvos.data.published_masks import FOLDER
from ttvos.data.sources import SOURCES, Source
from ttvos.plan.plan import Plan

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


def data_needs(config: Config) -> list[dict[str, Any]]:
    """Published data that the profile names: one entry each, in the registry's order.

    download_bytes and unpacked_bytes are rough and None where no size is known; by_hand: whether
    it cannot be downloaded without an account or a browser.
    """
    names = set(Plan(config).sources.values())
    names |= {FOLDER} if config.published and config.published.fetch else set()
    return [_need(source) for name, source in SOURCES.items() if name in names]


def _need(source: Source) -> dict[str, Any]:
    return {
        "name": source.name,
        "title": source.title,
        "download_bytes": sum(archive.size for archive in source.archives) or None,
        "unpacked_bytes": source.unpacked or None,
        "by_hand": bool(source.manual),
        "page": source.page,
    }
