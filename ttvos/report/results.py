"""Result files, whose they are, and numbers taken from them.

A file that does not say where its numbers come from gives none.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Generic, TypeVar

from ttvos.config.peers import Peer
from ttvos.core.errors import UserError
from ttvos.plan.manifest import Located, RowEntry
from ttvos.records.schema import Cost, Live, Origin, Predictions, Result, Scores, Speed, Training
from ttvos.records.store import read

T = TypeVar("T", bound=Result)
Getter = Callable[[Any], float | None]  # from a record to a number


@dataclass(frozen=True)
class File(Generic[T]):
    """A result file. name: its path as the manifest gives it.

    seed: of the training that it is of, where the manifest gives one.
    """

    name: str
    record: T
    seed: int | None = None

    @property
    def provenance(self) -> Origin | None:
        """Where the file's numbers come from; None if it does not say."""
        return self.record.origin

    @property
    def device(self) -> str:
        """Name of the device that a cost or speed was measured on."""
        named = (self.provenance and self.provenance.device) or self.record.get("device")
        return str(named or "a device not recorded")

    @property
    def frame_size(self) -> str:
        """Height x width that a cost or speed is for, as the file says."""
        record = self.record
        return f"{record.height}×{record.width}" if record.height else "not recorded"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Anything with an accuracy: a row, a reference, a peer, somebody's masks.

    evaluate: by dataset. cost, speed: of a tracker that ran here; masks have none.
    """

    name: str
    label: str
    evaluate: dict[str, tuple[File[Scores], ...]]
    cost: File[Cost] | None = None
    speed: File[Speed] | None = None

    @property
    def is_scored(self) -> bool:
        """Whether there are scores on any dataset."""
        return any(self.evaluate.values())

    def scores(self) -> list[File[Scores]]:
        """The scores on all datasets."""
        return [result for results in self.evaluate.values() for result in results]

    def files(self) -> list[File]:
        """All its result files."""
        return [*self.scores(), *(file for file in (self.cost, self.speed) if file)]


@dataclass(frozen=True, kw_only=True)
class RowResults(Entry):
    """A row with all that was measured of it. losses: path of loss.csv and its train.json."""

    entry: RowEntry
    predict: dict[str, tuple[File[Predictions], ...]]
    train: tuple[File[Training], ...]
    losses: tuple[tuple[int, Path, File[Training] | None], ...]

    def files(self) -> list[File]:
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
class LiveResults:
    """Who was played live; results: by dataset."""

    name: str
    label: str
    results: dict[str, File[Live]]


@dataclass(frozen=True)
class Measured:
    """One quantity over the seeds.

    refusal: why there is no number, "" where there is one. With one file that does not say where
    its numbers come from there is none: a mean of the others would pass for that of all seeds.
    interval: of the mean, 95 % over the sequences, where it is an accuracy.
    """

    values: tuple[float, ...] = ()
    sources: tuple[File, ...] = ()
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


def load_file(
    located: Located, name: str | None, kind: type[T], seed: int | None = None
) -> File[T] | None:
    """Read one file of the manifest; None stays None. seed: of the training it is of."""
    return None if name is None else File(name, read(located.path(name), kind, name), seed)


def measure(results: Iterable[File | None], getter: Getter) -> Measured | None:
    """Take one number from each file; None if there is none.

    getter: from a file's record; None says that its maker did not measure the number. Raises
    UserError for a record that lacks what the getter looks up by name or place.
    """
    pairs = [(result, _get(result, getter)) for result in results if result is not None]
    pairs = [(result, value) for result, value in pairs if value is not None]
    if not pairs:
        return None
    if unsourced := [result.name for result, _ in pairs if not result.provenance]:
        return Measured(refusal=f"no provenance: {', '.join(unsourced)}")
    return Measured(tuple(float(value) for _, value in pairs), tuple(result for result, _ in pairs))


def _get(result: File, getter: Getter) -> float | None:
    try:
        return getter(result.record)
    except (KeyError, IndexError) as error:
        lacking = f"has no {error}" if isinstance(error, KeyError) else f"is too short ({error})"
        raise UserError(f"{result.name}: {lacking}; make it anew with this version") from None


def timed_on(result: File[Speed]) -> str:
    """Device, precision and engine of a speed file's streaming figures, in words."""
    precision = result.record.precision  # none of a tracker that is not PyTorch's
    parts = [result.device, precision or "precision not recorded"]
    parts += ["plain PyTorch"] if precision and result.record.engine != "fast" else []
    parts += ["compiled"] if result.record.compiled else []
    return ", ".join(parts)
