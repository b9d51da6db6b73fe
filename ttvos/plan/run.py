"""Reading a run: its file checked, and its paths filled in with where published data lie."""

from pathlib import Path
from typing import Any

from ttvos.config.run import Config, parse_run
from ttvos.core.errors import UserError
from ttvos.core.files import read_yaml
from ttvos.data.published_masks import check_methods
from ttvos.data.sources import SOURCES


def load_config(path: Path | str) -> Config:
    """Read and check a run's file; raises UserError with file and key."""
    return parse_config(read_yaml(path), str(path))


def parse_config(values: Any, where: str = "config") -> Config:
    """Check a run given as plain data (what Snakemake has after --config)."""
    config = parse_run(values, where, _place)
    if config.published:
        try:
            check_methods([name for name in config.published.methods if name != "all"])
        except UserError as error:
            raise UserError(f"{where}.published: {error}") from None
    return config


def _place(name: str, root: Path) -> Path | None:
    if name not in SOURCES:
        return None
    from ttvos.data.places import place

    return place(SOURCES[name], root)
