"""Everything that the explorer shows of one data set, in a folder that the page loads from.

index.js                        the data set, its sequences, the methods and their curves
frames/<sequence>/<number>.webp the frames, small
truth/<sequence>.js             the true masks
masks/<who>/<sequence>.js       a method's masks
maps/<who>/<sequence>.js        what a model of TTVOS's saw
"""

from pathlib import Path
from typing import Any

from ttvos.core.errors import UserError
from ttvos.data.annotations import dataset_truth
from ttvos.data.davis import Sequence, load_sequences
from ttvos.data.site_record import ATTRIBUTES, read_attributes
from ttvos.plan.manifest import DatasetEntry, load_manifest
from ttvos.report.explorer.curves import method_entry, sequence_entry
from ttvos.report.explorer.methods import Method, find_methods
from ttvos.report.explorer.pictures import (
    Size,
    maps_data,
    masks_data,
    picture_size,
    write_frames,
    write_script,
)
from ttvos.tracking.strips import MAPS

INDEX = "index"


def explore(
    manifest: Path | str,
    dataset: str,
    out: Path,
    size: int = 432,
    quality: int = 45,
    record: Path | str | None = None,
) -> dict[str, int]:
    """Fill the folder `out`; returns the bytes of each part (frames, truth, masks, ...).

    manifest: names the scores. dataset: its name there. size: most pixels of a picture's longer
    side. quality: of the frames, 1 to 100. record: folder with DAVIS's db_info.yml; without it
    one in the data set is read. Raises UserError for a data set that the manifest does not have,
    and for files that cannot be read.
    """
    located = load_manifest(manifest)
    if dataset not in located.manifest.datasets:
        known = ", ".join(located.manifest.datasets)
        raise UserError(f"{manifest}: no data set {dataset!r}; it has: {known}")
    entry = located.manifest.datasets[dataset]
    root = located.path(entry.root)
    has_pictures = (root / "JPEGImages").is_dir()
    sequences = _sequences(root, entry, has_pictures)
    sizes = {one.name: picture_size(one.frames[0], size) for one in sequences}
    for one in sequences:
        if has_pictures:
            write_frames(one, sizes[one.name], quality, out / "frames" / one.name)
        data = masks_data(one.masks, entry.year, sizes[one.name])
        write_script(out, f"{dataset}/truth/{one.name}", data)
    methods = find_methods(located, dataset, list(sizes))
    shown = [
        _write_method(method, dataset, entry.year, sequences, sizes, out) for method in methods
    ]
    known = _attributes(root, record)
    about = [sequence_entry(one, sizes[one.name], known.get(one.name, ())) for one in sequences]
    index = {"name": dataset, "pictures": has_pictures, "sequences": about, "methods": shown}
    write_script(out, f"{dataset}/{INDEX}", index)
    return _bytes(out)


def _sequences(root: Path, entry: DatasetEntry, has_pictures: bool) -> list[Sequence]:
    """The sequences; where a data set has no frames, the masks stand for them."""
    if has_pictures:
        return load_sequences(root, entry.year, entry.split, only=entry.only)
    truth = dataset_truth(root, entry.year, entry.split, entry.only)
    return [Sequence(one.name, one.masks, one.masks) for one in truth.annotations]


def _write_method(
    method: Method,
    dataset: str,
    year: int,
    sequences: list[Sequence],
    sizes: dict[str, Size],
    out: Path,
) -> dict[str, Any]:
    """Write a method's masks and maps; returns its entry of the index."""
    mapped = []
    for one in sequences if method.masks else ():
        folder = method.masks / one.name
        data = masks_data(
            [folder / f"{path.stem}.png" for path in one.frames], year, sizes[one.name]
        )
        write_script(out, f"{dataset}/masks/{method.who}/{one.name}", data)
        if (folder / MAPS).is_file():
            mapped.append(one.name)
            write_script(out, f"{dataset}/maps/{method.who}/{one.name}", maps_data(folder / MAPS))
    return method_entry(method, sequences, mapped)


def _attributes(root: Path, given: Path | str | None) -> dict[str, tuple[str, ...]]:
    """The attributes of the sequences, where a file names them."""
    if given:
        return read_attributes(given)
    folders = [root, root / "Annotations"]
    return next((read_attributes(f) for f in folders if (f / ATTRIBUTES).is_file()), {})


def _bytes(out: Path) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for path in (path for path in out.rglob("*") if path.is_file()):
        part = path.relative_to(out).parts[0]
        sizes[part] = sizes.get(part, 0) + path.stat().st_size
    return sizes
