"""Result files, and numbers taken from them; a file without provenance gives no number."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from ttvos.core.errors import UserError
from ttvos.core.files import read_json
from ttvos.plan.manifest import Located

REQUIRED_PROVENANCE = ("source", "device", "time")


@dataclass(frozen=True)
class Result:
    """One JSON result file; name: its path as the manifest gives it.

    seed: of the training that it is of, where the manifest gives one.
    """

    name: str
    data: dict[str, Any]
    seed: int | None = None

    @property
    def provenance(self) -> dict[str, Any] | None:
        """Where the file's numbers come from; None if it does not say."""
        found = self.data.get("provenance")
        if isinstance(found, dict) and all(found.get(key) for key in REQUIRED_PROVENANCE):
            return found
        return None


@dataclass(frozen=True)
class Measured:
    """One quantity over the seeds.

    unsourced: names of files that say nothing about where their numbers come from. With one of
    them there is no mean, and values and sources are empty: a mean of the others would pass for
    that of all seeds. interval: of the mean, 95 % over the sequences, where it is an accuracy.
    """

    values: tuple[float, ...]
    sources: tuple[Result, ...]
    unsourced: tuple[str, ...] = ()
    interval: tuple[float, float] | None = None

    @property
    def mean(self) -> float | None:
        """Mean over the seeds."""
        return fmean(self.values) if self.values else None

    @property
    def spread(self) -> float | None:
        """Sample standard deviation over the seeds; None for one seed."""
        return stdev(self.values) if len(self.values) > 1 else None

    @property
    def refusal(self) -> str:
        """Why there is no mean, with the files' names; "" where there is one."""
        return f"no provenance: {', '.join(self.unsourced)}" if self.unsourced else ""


def load_result(located: Located, name: str | None, seed: int | None = None) -> Result | None:
    """Read one JSON file of the manifest; None stays None. seed: of the training it is of."""
    if name is None:
        return None
    data = read_json(located.path(name))
    if not isinstance(data, dict):
        raise UserError(f"{located.path(name)}: a result file is a JSON object; make it anew")
    return Result(name, data, seed)


def measure(
    results: Iterable[Result | None], getter: Callable[[dict[str, Any]], float | None]
) -> Measured | None:
    """Take one number from each file; None if there is none.

    getter: from a file's data to the number; None, or a null on the way, says that the file's
    maker did not measure it. Raises UserError for a file that lacks a key that the getter reads.
    """
    pairs = [(result, _get(result, getter)) for result in results if result is not None]
    pairs = [(result, value) for result, value in pairs if value is not None]
    if not pairs:
        return None
    if unsourced := tuple(result.name for result, _ in pairs if not result.provenance):
        return Measured((), (), unsourced)
    values = tuple(float(value) for _, value in pairs)
    return Measured(values, tuple(result for result, _ in pairs))


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
    except (KeyError, IndexError) as error:
        lacking = f"has no {error}" if isinstance(error, KeyError) else f"is too short ({error})"
        raise UserError(f"{result.name}: {lacking}; make it anew with this version") from None
    except TypeError as error:
        if "NoneType" in str(error):  # a null where the numbers would be: not measured
            return None
        raise UserError(f"{result.name}: not as this version reads it ({error})") from None
