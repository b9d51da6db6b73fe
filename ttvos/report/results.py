"""Result files, whose they are, and numbers taken from them.

A file that does not say where its numbers come from gives none.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from ttvos.config.peers import Peer
from ttvos.core.errors import UserError
from ttvos.core.files import read_json
from ttvos.plan.manifest import Located, RowEntry

REQUIRED_PROVENANCE = ("source", "device", "time")

Getter = Callable[[Any], float | None]  # from a file's data to a number


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

    @property
    def device(self) -> str:
        """Name of the device that the numbers were measured on."""
        named = (self.provenance or {}).get("device") or self.data.get("device")
        return str(named or "a device not recorded")

    @property
    def frame_size(self) -> str:
        """Height x width that a cost or speed is for, as the file says."""
        data = self.data
        return f"{data['height']}×{data['width']}" if data.get("height") else "not recorded"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Anything with an accuracy: a row, a reference, a peer, somebody's masks.

    evaluate: by dataset. cost, speed: of a tracker that ran here; masks have none.
    """

    name: str
    label: str
    evaluate: dict[str, tuple[Result, ...]]
    cost: Result | None = None
    speed: Result | None = None

    @property
    def is_scored(self) -> bool:
        """Whether there are scores on any dataset."""
        return any(self.evaluate.values())

    def scores(self) -> list[Result]:
        """The scores on all datasets."""
        return [result for results in self.evaluate.values() for result in results]

    def files(self) -> list[Result]:
        """All its result files."""
        return [*self.scores(), *(file for file in (self.cost, self.speed) if file)]


@dataclass(frozen=True, kw_only=True)
class RowResults(Entry):
    """A row with all that was measured of it. losses: path of loss.csv and its train.json."""

    entry: RowEntry
    predict: dict[str, tuple[Result, ...]]
    train: tuple[Result, ...]
    losses: tuple[tuple[int, Path, Result | None], ...]

    def files(self) -> list[Result]:
        """See `Entry.files`."""
        predicted = [result for results in self.predict.values() for result in results]
        measured = [file for file in (self.cost, self.speed) if file]
        return [*self.scores(), *self.train, *predicted, *measured]


@dataclass(frozen=True, kw_only=True)
class PeerResults(Entry):
    """A built peer. Its accuracy is that of its authors' weights, where a run has them."""

    record: Peer


@dataclass(frozen=True, kw_only=True)
class MaskResults(Entry):
    """Somebody's masks. source: whose, in words. fps: as their owner gave it, on fps_device.

    lacking: by dataset, why there are none to score.
    """

    source: str = ""
    fps: float | None = None
    fps_device: str = ""
    lacking: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Measured:
    """One quantity over the seeds.

    refusal: why there is no number, "" where there is one. With one file that does not say where
    its numbers come from there is none: a mean of the others would pass for that of all seeds.
    interval: of the mean, 95 % over the sequences, where it is an accuracy.
    """

    values: tuple[float, ...] = ()
    sources: tuple[Result, ...] = ()
    refusal: str = ""
    interval: tuple[float, float] | None = None

    @property
    def mean(self) -> float | None:
        """Mean over the seeds."""
        return fmean(self.values) if self.values else None

    @property
    def spread(self) -> float | None:
        """Sample standard deviation over the seeds; None for one seed."""
        return stdev(self.values) if len(self.values) > 1 else None


def load_result(located: Located, name: str | None, seed: int | None = None) -> Result | None:
    """Read one JSON file of the manifest; None stays None. seed: of the training it is of."""
    if name is None:
        return None
    data = read_json(located.path(name))
    if not isinstance(data, dict):
        raise UserError(f"{located.path(name)}: a result file is a JSON object; make it anew")
    return Result(name, data, seed)


def measure(results: Iterable[Result | None], getter: Getter) -> Measured | None:
    """Take one number from each file; None if there is none.

    getter: None, or a null on the way, says that the file's maker did not measure the number.
    Raises UserError for a file that lacks a key that the getter reads.
    """
    pairs = [(result, _get(result, getter)) for result in results if result is not None]
    pairs = [(result, value) for result, value in pairs if value is not None]
    if not pairs:
        return None
    if unsourced := [result.name for result, _ in pairs if not result.provenance]:
        return Measured(refusal=f"no provenance: {', '.join(unsourced)}")
    return Measured(tuple(float(value) for _, value in pairs), tuple(result for result, _ in pairs))


def _get(result: Result, getter: Getter) -> float | None:
    try:
        return getter(result.data)
    except (KeyError, IndexError) as error:
        lacking = f"has no {error}" if isinstance(error, KeyError) else f"is too short ({error})"
        raise UserError(f"{result.name}: {lacking}; make it anew with this version") from None
    except TypeError as error:
        if "NoneType" in str(error):  # a null where the numbers would be: not measured
            return None
        raise UserError(f"{result.name}: not as this version reads it ({error})") from None


def timed_on(result: Result) -> str:
    """Device, precision and engine of a speed file's streaming figures, in words."""
    precision = result.data.get("precision")  # none of a tracker that is not PyTorch's
    parts = [result.device, str(precision or "precision not recorded")]
    if precision and result.data.get("engine") != "fast":
        parts.append("plain PyTorch")
    if result.data.get("compiled"):
        parts.append("compiled")
    return ", ".join(parts)


def sequences(result: Result) -> list[str]:
    """Names of the sequences that an evaluation covers (its objects are `sequence_id`)."""
    return sorted({name.rpartition("_")[0] for name in result.data.get("objects", {})})
