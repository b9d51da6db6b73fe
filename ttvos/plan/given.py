"""What a profile names that is not on disk: told before any job runs, not by the job that fails."""

from collections.abc import Iterator
from pathlib import Path

from ttvos.core.errors import UserError
from ttvos.plan.paths import Places


def check_given(plan: Places) -> None:
    """UserError for the first folder or file of a profile that is not there.

    Left out is what the workflow makes itself (below `results`) or fetches (`plan.sources`), and
    masks that are optional.
    """
    for key, folder in _folders(plan):
        if _is_expected(folder, plan) and not Path(folder).is_dir():
            raise UserError(_line(key, folder, "folder"))
    for key, file in _files(plan):
        if _is_expected(file, plan) and not Path(file).is_file():
            raise UserError(_line(key, file, "file"))


def _line(key: str, path: str, kind: str) -> str:
    return f"{key}: {path}: no such {kind}; correct the path in the profile or after --config"


def _is_expected(path: str, plan: Places) -> bool:
    return path not in plan.sources and not path.startswith(f"{plan.config.results}/")


def _folders(plan: Places) -> Iterator[tuple[str, str]]:
    config = plan.config
    yield from ((f"datasets.{name}.root", data.root) for name, data in config.datasets.items())
    yield from ((f"masks: {name}", masks.root) for name, masks in plan.masks.items())
    if config.train and not config.checkpoint and plan.rows_of("ttvos"):
        yield from (("train.stages", root) for root in config.train.all_roots())
    if config.frtm and plan.rows_of("frtm"):
        yield from (("frtm.stages", root) for root in config.frtm.all_roots())


def _files(plan: Places) -> Iterator[tuple[str, str]]:
    config = plan.config
    if config.checkpoint:
        yield "checkpoint", config.checkpoint
    for kind, section in (("ttvos", config.train), ("frtm", config.frtm)):
        if section and not (kind == "ttvos" and config.checkpoint):
            backbones = {row.backbone for row in plan.rows_of(kind)}
            name = "train" if kind == "ttvos" else kind
            for backbone, source in section.initial.items():
                if backbone in backbones and source not in (None, "imagenet"):
                    yield f"{name}.initial.{backbone}", source
    yield from ((f"peers.weights.{name}", file) for name, file in config.peers.weights.items())
