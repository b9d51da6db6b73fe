"""What a run needs before any of its jobs starts: files on disk, data to bring, a device; and how
many jobs it has."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ttvos.config.run import Config
from ttvos.core.device import find_device
from ttvos.core.errors import UserError
from ttvos.data.published_masks import FOLDER
from ttvos.data.sources import SOURCES, Source
from ttvos.plan.manifest import benchmarks, other_benchmarks
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


def missing_device(config: Config) -> str:
    """A line that says that the run asks for CUDA where PyTorch sees none; "" otherwise, and where
    there is no PyTorch to ask, because the rules have an environment of their own."""
    if config.device != "cuda":
        return ""
    try:
        find_device(config.device)
    except ImportError:
        return ""
    except UserError:
        return (
            "device: cuda, but PyTorch sees no CUDA device on this machine: jobs that need one "
            "fail if they run here; --config device=cpu does without (`ttvos steptime`: how long)"
        )
    return ""


def run_needs(config: Config) -> dict[str, Any]:
    """Jobs and data of a run, for the record of `ttvos steptime`."""
    return {"data": data_needs(config), "jobs": planned_jobs(config)}


def planned_jobs(config: Config) -> dict[str, int]:
    """Jobs of a run from nothing, by the workflow's rules, as `snakemake -n` counts them."""
    plan = Plan(config)
    names = [*benchmarks(plan), *other_benchmarks(plan)]
    roots = [dataset.root for dataset in config.datasets.values()]
    roots += [root for section in plan.sections.values() for root in section.all_roots()]
    if not any(root.startswith(plan.path("data")) for root in roots):
        names.remove("mini_clips")
    names.append("show")  # which takes no time worth a benchmark
    return dict(Counter(name.split(" ")[0] for name in names))


def data_needs(config: Config) -> list[dict[str, Any]]:
    """Published data that a run's settings name: one entry each, in the registry's order.

    download_bytes and unpacked_bytes are rough and None where no size is known; by_hand: whether
    it cannot be downloaded without an account or a browser.
    """
    plan = Plan(config)
    names = set(plan.sources.values())
    needs = [_need(source) for name, source in SOURCES.items() if name in names]
    fetched = config.published and config.published.fetch
    return [*needs, _masks_need(plan)] if fetched else needs


def _need(source: Source) -> dict[str, Any]:
    """Weights are downloaded as they are; what else is unpacked comes in archives."""
    of_weights = source.unpacked if source.kind == "imagenet" else 0
    return {
        "name": source.name,
        "title": source.title,
        "download_bytes": sum(archive.size for archive in source.archives) or of_weights or None,
        "unpacked_bytes": source.unpacked or None,
        "by_hand": bool(source.manual),
        "page": source.page,
    }


def _masks_need(plan: Plan) -> dict[str, Any]:
    """Of the published masks, one archive for each method and year."""
    sets = {(m.method, m.year): m for of in plan.published.values() for m in of.values()}
    size = sum(masks.archives[0].archive.size for masks in sets.values())
    return _need(SOURCES[FOLDER]) | {"download_bytes": size or None}
