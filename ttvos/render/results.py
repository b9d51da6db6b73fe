"""Result files, and numbers taken from them; a file without provenance gives no number."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from ttvos.errors import UserError
from ttvos.files import read_json
from ttvos.render.manifest import Located

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
    precision = result.data.get("precision")  # none of a tracker that is not PyTorch's
    parts = [device_of(result), str(precision or "precision not recorded")]
    if precision and result.data.get("engine") != "fast":
        parts.append("plain PyTorch")
    if result.data.get("compiled"):
        parts.append("compiled")
    return ", ".join(parts)


def _get(result: Result, getter: Callable[[dict[str, Any]], float | None]) -> float | None:
    try:
        return getter(result.data)
    except (KeyError, TypeError, IndexError):
        return None
