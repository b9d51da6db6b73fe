"""Where published data lies below the data root, or will lie once it is fetched.

A run says `{davis2017}` (any name of `ttvos data fetch`) for that place; so data that lies
there already under another name is used as it is.
"""

from collections.abc import Iterable
from pathlib import Path

from ttvos.data.fetch import best_match, is_whole, manual
from ttvos.data.sources import SET_NAMES, SOURCES, Source


def place(source: Source, root: Path) -> Path:
    """Folder (of weights: file) of `source`: where the whole set lies, else where it would go."""
    target = root / source.folder
    found = best_match(source, root) if source.name in SET_NAMES else None
    return found.folder if found and is_whole(source, found) else target


def named_sources(paths: Iterable[str], root: Path) -> dict[str, str]:
    """Those of `paths` that `ttvos data fetch --root root` brings, each with its name there."""
    below = [path for path in paths if Path(path).is_relative_to(root)]
    if not below:
        return {}
    names: dict[Path, str] = {}
    for source in SOURCES.values():
        names.setdefault(place(source, root), source.name)
    return {path: names[Path(path)] for path in below if Path(path) in names}


def to_fetch_by_hand(source: Source, root: Path) -> str | None:
    """What to fetch by hand, and where to put it; None if it is there or can be downloaded."""
    downloads = [root / "downloads" / source.name / archive.name for archive in source.archives]
    reachable = source.kind in ("imagenet", "record") or any(
        archive.urls for archive in source.archives
    )
    if reachable or place(source, root).exists() or any(path.exists() for path in downloads):
        return None
    return manual(source, root)
