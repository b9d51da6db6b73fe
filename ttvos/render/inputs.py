"""Result files as the report sees them; a file without provenance gives no number."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from ttvos.errors import UserError
from ttvos.files import read_json
from ttvos.render.manifest import Located, Manifest, MaskEntry, RowEntry, load_manifest

REQUIRED_PROVENANCE = ("source", "device", "time")


@dataclass(frozen=True)
class Result:
    """One JSON result file; name: its path as the manifest gives it."""

    name: str
    data: dict[str, Any]

    @property
    def provenance(self) -> dict[str, Any] | None:
        """Where the file's numbers come from; None if it does not say."""
        found = self.data.get("provenance")
        if isinstance(found, dict) and all(found.get(key) for key in REQUIRED_PROVENANCE):
            return found
        return None


@dataclass(frozen=True)
class Measured:
    """One quantity over the seeds. values is empty when no file may be believed.

    refused: the file is there, but says nothing about where its numbers come from.
    """

    values: tuple[float, ...]
    sources: tuple[Result, ...]
    refused: bool = False

    @property
    def mean(self) -> float | None:
        """Mean over the seeds."""
        return fmean(self.values) if self.values else None

    @property
    def spread(self) -> float | None:
        """Sample standard deviation over the seeds; None for one seed."""
        return stdev(self.values) if len(self.values) > 1 else None


@dataclass(frozen=True)
class Accuracy:
    """Anything with an accuracy: a row, a reference, somebody's masks."""

    name: str
    label: str
    evaluate: dict[str, tuple[Result, ...]]


@dataclass(frozen=True)
class RowResults(Accuracy):
    """A row with all that was measured of it. losses: path of loss.csv and its train.json."""

    entry: RowEntry
    predict: dict[str, tuple[Result, ...]]
    train: tuple[Result, ...]
    losses: tuple[tuple[int, Path, Result | None], ...]
    cost: Result | None
    speed: Result | None


@dataclass(frozen=True)
class ReportInput:
    """Everything a report is rendered from."""

    located: Located
    rows: tuple[RowResults, ...]
    references: tuple[Accuracy, ...]
    masks: tuple[Accuracy, ...]

    @property
    def manifest(self) -> Manifest:
        """The manifest that named the files."""
        return self.located.manifest

    def results(self) -> list[Result]:
        """Every result file once, in the manifest's order."""
        found: dict[str, Result] = {}
        for item in (*self.rows, *self.references, *self.masks):
            groups: list[Iterable[Result | None]] = list(item.evaluate.values())
            if isinstance(item, RowResults):
                groups += [item.train, *item.predict.values(), (item.cost, item.speed)]
            for result in (result for group in groups for result in group if result):
                found.setdefault(result.name, result)
        return list(found.values())


def load_inputs(plan_json: Path | str, rendered_by: dict[str, Any] | None = None) -> ReportInput:
    """Read the manifest and every JSON file it names.

    rendered_by: provenance of the rendering itself, in place of one that stands in the manifest.
    Raises UserError for a file that the manifest names but that is missing or damaged.
    """
    located = load_manifest(plan_json)
    if rendered_by is not None:
        located = replace(located, provenance=rendered_by)
    manifest = located.manifest
    return ReportInput(
        located,
        tuple(_row(located, entry) for entry in manifest.rows),
        tuple(_accuracy(located, entry) for entry in manifest.references),
        tuple(_accuracy(located, entry) for entry in manifest.masks),
    )


def load_result(located: Located, name: str | None) -> Result | None:
    """Read one JSON file of the manifest; None stays None."""
    if name is None:
        return None
    data = read_json(located.path(name))
    if not isinstance(data, dict):
        raise UserError(f"{located.path(name)}: a result file is a JSON object; make it anew")
    return Result(name, data)


def measure(
    results: Iterable[Result | None], getter: Callable[[dict[str, Any]], float | None]
) -> Measured | None:
    """Take one number from each file; None if there is none. Files without provenance refuse.

    getter: from a file's data to the number, or None where the file does not have it.
    """
    present = [result for result in results if result is not None]
    pairs = [(result, _get(result, getter)) for result in present]
    pairs = [(result, value) for result, value in pairs if value is not None]
    if not pairs:
        return None
    trusted = [(result, value) for result, value in pairs if result.provenance]
    return Measured(
        tuple(float(value) for _, value in trusted),
        tuple(result for result, _ in trusted),
        refused=len(trusted) < len(pairs),
    )


def device_of(result: Result) -> str:
    """Name of the device that a file's numbers were measured on."""
    named = (result.provenance or {}).get("device") or result.data.get("device")
    return str(named or "a device not recorded")


def timed_on(result: Result) -> str:
    """Device, precision and engine of a speed file's streaming figures, in words."""
    precision = result.data.get("precision") or "precision not recorded"
    parts = [device_of(result), str(precision)]
    if result.data.get("engine") != "fast":
        parts.append("plain PyTorch")
    if result.data.get("compiled"):
        parts.append("compiled")
    return ", ".join(parts)


def _get(result: Result, getter: Callable[[dict[str, Any]], float | None]) -> float | None:
    try:
        return getter(result.data)
    except (KeyError, TypeError, IndexError):
        return None


def _all(located: Located, names: Iterable[str | None]) -> tuple[Result, ...]:
    loaded = (load_result(located, name) for name in names)
    return tuple(result for result in loaded if result is not None)


def _accuracy(located: Located, entry: MaskEntry) -> Accuracy:
    evaluate = {name: _all(located, (path,)) for name, path in entry.evaluate.items()}
    return Accuracy(entry.name, entry.label or entry.name, evaluate)


def _row(located: Located, entry: RowEntry) -> RowResults:
    trains = [load_result(located, name) for name in entry.train]
    losses = []
    for index, name in enumerate(entry.loss):
        if name is not None:
            seed = entry.seeds[index] if index < len(entry.seeds) else index
            losses.append(
                (seed, located.path(name), trains[index] if index < len(trains) else None)
            )
    return RowResults(
        name=entry.row,
        label=f"{entry.method} {entry.row}",
        evaluate={name: _all(located, paths) for name, paths in entry.evaluate.items()},
        entry=entry,
        predict={name: _all(located, paths) for name, paths in entry.predict.items()},
        train=tuple(train for train in trains if train is not None),
        losses=tuple(losses),
        cost=load_result(located, entry.cost),
        speed=load_result(located, entry.speed),
    )
