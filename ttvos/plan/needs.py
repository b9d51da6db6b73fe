"""What a run needs before any of its jobs starts: folders and files on disk, data to bring."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ttvos.config.run import Config
from ttvos.core.errors import UserError
from ttvos.data.published_masks import FOLDER
from ttvos.data.sources import SOURCES, Source
from ttvos.plan.plan import Plan


def check_given(plan: Plan) -> None:
    """UserError for the first folder or file that the settings name and that is not there.

    Left out is what the workflow makes itself (below `results`) or fetches (`Plan.sources`), and
    masks that are optional.
    """
    for key, path, is_folder in _given(plan):
        is_made = path in plan.sources or path.startswith(f"{plan.config.results}/")
        if not is_made and not (Path(path).is_dir() if is_folder else Path(path).is_file()):
            raise UserError(
                f"{key}: {path}: no such {'folder' if is_folder else 'file'}; correct the path in "
                "the run's file or after --config"
            )


def _given(plan: Plan) -> Iterator[tuple[str, str, bool]]:
    """Key, path, and whether it is a folder, of all that the settings name."""
    config = plan.config
    for name, dataset in config.datasets.items():
        yield f"datasets.{name}.root", dataset.root, True
    for name, masks in plan.masks.items():
        yield f"masks: {name}", masks.root, True
    for key, section in plan.sections.items():
        for root in section.all_roots():
            yield f"{key}.stages", root, True
        for backbone, file in plan.initial_weights(key).items():
            yield f"{key}.initial.{backbone}", file, False
    if config.davis_record:
        yield "davis_record", config.davis_record, True
    if config.checkpoint:
        yield "checkpoint", config.checkpoint, False
    for name, file in config.peers.weights.items():
        yield f"peers.weights.{name}", file, False


def data_needs(config: Config) -> list[dict[str, Any]]:
    """Published data that a run's settings name: one entry each, in the registry's order.

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
