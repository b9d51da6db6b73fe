"""The manifest: a JSON file, written by the workflow, that names every file a report may read.

Nothing is searched for in folders, so nothing stale can enter. A path may be null (this run
has no such file); the report then says "not measured here".
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ttvos.config.run import Comparable
from ttvos.config.strict import build
from ttvos.core.files import read_json

Paths = tuple[str | None, ...]


@dataclass(frozen=True)
class DatasetEntry:
    """Where a DAVIS-layout dataset is and which part of it was used."""

    root: str
    year: int
    split: str = "val"
    only: tuple[str, ...] = ()
    input_scale: float = 1.0
    label: str = ""


@dataclass(frozen=True)
class RowEntry:
    """One row of variants.tsv (or a peer): its runs, one file per seed, and its cost.

    tables: numbers of the paper's tables that the row feeds. tracker: "ttvos", "frtm", or a
    user's class; variant and backbone are "" where the tracker has none.
    transition_loss: whether the row's training has it, where its table asks.
    """

    row: str
    variant: str
    backbone: str
    tracker: str = "ttvos"
    transition_loss: bool | None = None
    method: str = "TTVOS"
    tables: tuple[int, ...] = ()
    seeds: tuple[int, ...] = ()
    train: Paths = ()
    loss: Paths = ()
    evaluate: dict[str, Paths] = field(default_factory=dict)
    predict: dict[str, Paths] = field(default_factory=dict)
    cost: str | None = None
    speed: str | None = None


@dataclass(frozen=True)
class MaskEntry:
    """A reference (mask held still, carried by flow) or somebody's masks.

    fps: frames per second of what made the masks, as their owner gives it, on fps_device.
    """

    name: str
    label: str = ""
    evaluate: dict[str, str | None] = field(default_factory=dict)
    fps: float | None = None
    fps_device: str = ""


@dataclass(frozen=True)
class PeerEntry:
    """A built method of the paper's Table 3 (`ttvos.peers.record`): what it costs, how fast it is,
    and, where there are weights, how good."""

    name: str
    cost: str | None = None
    speed: str | None = None
    evaluate: dict[str, Paths] = field(default_factory=dict)


@dataclass(frozen=True)
class PublishedEntry:
    """Masks that a method's authors published, scored here. method: as Table 3 prints it."""

    method: str
    evaluate: dict[str, str | None] = field(default_factory=dict)
    source: str = ""


@dataclass(frozen=True)
class Manifest:
    """What one run measured. Relative paths start from `root`, itself relative to the file.

    data_label: the data in two or three words, e.g. "built-in clips", for column headings.
    notebook: HTML of the executed notebook (nbconvert's "basic" template).
    benchmarks: "rule job" or "rule" -> Snakemake's benchmark file. other_benchmarks: likewise, of
    jobs that make no result; shown where the files are there.
    """

    profile: str
    title: str
    caution: str
    datasets: dict[str, DatasetEntry]
    rows: tuple[RowEntry, ...]
    references: tuple[MaskEntry, ...] = ()
    masks: tuple[MaskEntry, ...] = ()
    peers: tuple[PeerEntry, ...] = ()
    published: tuple[PublishedEntry, ...] = ()
    data_label: str = ""
    comparable: Comparable = field(default_factory=Comparable)
    root: str = "."
    maps: str | None = None
    notebook: str | None = None
    benchmarks: dict[str, str | None] = field(default_factory=dict)
    other_benchmarks: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Located:
    """A manifest with the folder that its paths start from, and its own provenance."""

    manifest: Manifest
    folder: Path
    provenance: dict[str, Any]

    def path(self, name: str) -> Path:
        """A path of the manifest as one that can be opened."""
        return Path(os.path.normpath(self.folder / name))


def load_manifest(path: Path | str) -> Located:
    """Read and check a manifest without opening the files it names.

    Raises UserError for a missing or damaged file, an unknown key or a wrong type.
    """
    path = Path(path)
    values = read_json(path)
    found = values.pop("provenance", {}) if isinstance(values, dict) else {}
    manifest = build(Manifest, values, str(path))
    return Located(manifest, path.parent / manifest.root, found)


def data_label(manifest: Manifest) -> str:
    """The data in a few words, for headings such as "on built-in clips"."""
    if manifest.data_label:
        return manifest.data_label
    return "built-in clips" if manifest.profile == "mini" else f"profile {manifest.profile}"
