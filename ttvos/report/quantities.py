"""The quantities of the paper's tables: how each is taken from result files, and when it counts."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ttvos.evaluation.judge import DIFFERS
from ttvos.plan.manifest import data_label
from ttvos.report.inputs import Accuracy, MaskResults, PeerResults, ReportInput, Tracked
from ttvos.report.intervals import MEANS, interval, sequence_scores
from ttvos.report.results import Measured, Result, measure
from ttvos.report.standing import standing
from ttvos.report.table import Cell, Column, Kind
from ttvos.report.untrained import UNTRAINED, untrained
from ttvos.report.verdicts import (
    NOT_MEASURED,
    Verdict,
    accuracy_obstacle,
    data_obstacle,
    decide,
    size_obstacle,
    speed_obstacle,
    verdict_cell,
)

Getter = Callable[[dict[str, Any]], float | None]
# What a table's cell needs: the measured number, and why it is not the paper's quantity.
Taken = tuple[Measured | None, str | None]


@dataclass(frozen=True)
class Quantity:
    """One column of a paper's table. key: in the paper's CSV; rule: in
    `ttvos.evaluation.judge.RULES`.

    other: heading for a number that is not the paper's quantity.
    """

    key: str
    label: str
    rule: str
    digits: int
    take: Callable[[ReportInput, Accuracy], Taken]
    other: str = "other size"

    def columns(self, report: ReportInput) -> tuple[Column, ...]:
        """Paper, measured, measured otherwise, verdict: side by side under one heading."""
        other = {"accuracy": f"on {data_label(report.manifest)}", "speed": "on this device"}
        heading, is_mean = other.get(self.rule, self.other), self.rule == "accuracy"
        numbers = (("measured", "measured"), ("not_comparable", heading))
        kinds: dict[str, Kind] = {"measured": "measured", "not_comparable": "other"}
        return (
            Column(f"{self.key}_paper", "paper", "paper", self.label, self.digits),
            *(
                Column(
                    f"{self.key}_{place}",
                    label,
                    kinds[place],
                    self.label,
                    self.digits,
                    interval=is_mean,
                )
                for place, label in numbers
            ),
            Column(f"{self.key}_verdict", "does it hold?", "verdict", self.label),
        )

    def cells(
        self, report: ReportInput, line: dict[str, str], entry: Accuracy | None
    ) -> dict[str, Cell]:
        """The cells of one row. line: the paper's row as printed; entry: who measured."""
        printed = line[self.key]
        if self.rule == "accuracy" and (why := untrained(entry)):
            verdict = Verdict(NOT_MEASURED, UNTRAINED) if printed else None
            return {
                f"{self.key}_paper": Cell(printed or None),
                f"{self.key}_not_comparable": Cell(reason=why),
                f"{self.key}_verdict": verdict_cell(verdict, line, self.key, self.label),
            }
        measured, obstacle = self.take(report, entry) if entry else (None, None)
        verdict = decide(self.kind(entry), printed, measured, obstacle)
        if verdict and verdict.status == DIFFERS and is_rebuilt(entry):
            verdict = replace(verdict, reason=f"{verdict.reason}; {REBUILT}")
        place = "not_comparable" if obstacle else "measured"
        return {
            f"{self.key}_paper": Cell(printed or None),
            f"{self.key}_{place}": measured_cell(measured),
            f"{self.key}_verdict": verdict_cell(verdict, line, self.key, self.label),
        }

    def kind(self, entry: Accuracy | None) -> str:
        """The rule that judges an entry's number: no seed moves given masks and given weights."""
        is_given = isinstance(entry, MaskResults | PeerResults)
        return "masks" if self.rule == "accuracy" and is_given else self.rule


REBUILT = "network built from public facts"


def is_rebuilt(entry: Accuracy | None) -> bool:
    """Whether an entry's network was built here without weights that would prove it the same."""
    return isinstance(entry, PeerResults) and entry.record.status == "cost only"


@dataclass(frozen=True)
class Extra:
    """A measured column without a counterpart in the paper."""

    key: str
    label: str
    digits: int
    take: Callable[[Accuracy], Measured | None]

    @property
    def column(self) -> Column:
        """Its column, under the heading of the further measurements."""
        return Column(self.key, self.label, "extra", "also measured", self.digits)


def measured_cell(measured: Measured | None) -> Cell:
    """Mean, spread and interval; a number whose origin is unknown is not shown."""
    if measured is None:
        return Cell()
    if measured.refusal:
        return Cell(reason=measured.refusal)
    return Cell(measured.mean, measured.spread, interval=measured.interval)


def accuracy(key: str, label: str, dataset: str) -> Quantity:
    """J&F in points on one DAVIS validation set."""
    return Quantity(key, label, "accuracy", 1, partial(take_accuracy, dataset))


def measure_score(results: Iterable[Result], name: str) -> Measured | None:
    """A global score of evaluations in points; a mean with its interval over the sequences."""
    results = tuple(results)
    measured = measure(results, score(name))
    if measured is None or measured.refusal or name not in MEANS:
        return measured
    return replace(measured, interval=interval(sequence_scores(results, name)))


def take_accuracy(dataset: str, report: ReportInput, entry: Accuracy) -> Taken:
    """J&F of an entry. What others trained or tracked is the paper's quantity on its data.

    dataset: "davis16" or "davis17"; the profile's dataset of that year and split is taken.
    """
    dataset = standing(report.manifest, dataset, entry)
    measured = measure_score(entry.evaluate.get(dataset, ()), "J&F-Mean")
    sources = measured.sources if measured else ()
    if isinstance(entry, MaskResults):
        return measured, data_obstacle(report.manifest, dataset, sources, tracked=False)
    if isinstance(entry, PeerResults):
        return measured, data_obstacle(report.manifest, dataset, sources)
    return measured, accuracy_obstacle(report.manifest, dataset, sources)


def runs(entry: Accuracy) -> Measured | None:
    """How many runs an accuracy is the mean of; None for a single one."""
    results = max(entry.evaluate.values(), key=len, default=())
    sources = tuple(result for result in results if result.provenance)
    return Measured((float(len(sources)),), sources) if len(sources) > 1 else None


def score(name: str) -> Getter:
    """A global score of an evaluation, in points (0 to 100)."""
    return lambda data: 100.0 * data["global"][name]


def macs(key: str, label: str, digits: int, getter: Getter) -> Quantity:
    """A number of GMAC from the cost file."""

    def take(report: ReportInput, entry: Accuracy) -> Taken:
        result = cost_file(entry)
        return measure((result,), getter), size_obstacle(result)

    return Quantity(key, label, "macs", digits, take)


def gmac(part: str) -> Getter:
    """MACs of one of TTVOS's parts, or of the whole, in 1e9; a tracker has other parts."""
    return lambda data: _count(data["macs"], part, 1e9)


def parameters(key: str, label: str) -> Quantity:
    """All parameters, training-only heads included as in the paper, in millions."""

    def take(report: ReportInput, entry: Accuracy) -> Taken:
        return measure((cost_file(entry),), millions("total")), None

    return Quantity(key, label, "parameters", 2, take)


def millions(part: str) -> Getter:
    """One of a cost file's parameter counts, in 1e6; a tracker has no more than the total."""
    return lambda data: _count(data["parameters"], part, 1e6)


def _count(counts: dict[str, Any], name: str, unit: float) -> float | None:
    """None where a tracker's file, which counts parts of its own, has no such count."""
    if name not in counts and "parts" in counts:
        return None
    return counts[name] / unit


def speed(key: str, label: str) -> Quantity:
    """Frames per second by the released timing protocol, which the paper's figures are."""

    def take(report: ReportInput, entry: Accuracy) -> Taken:
        result = speed_file(entry)
        measured = measure((result,), released_fps)
        return measured, speed_obstacle(report.manifest, result)

    return Quantity(key, label, "speed", 1, take)


def released_fps(data: dict[str, Any]) -> float | None:
    """Frames per second by the released protocol; a tracker that is not TTVOS has none."""
    return None if is_trackers(data) else data["released"]["fps"]


def is_trackers(data: dict[str, Any]) -> bool:
    """Whether a speed file is of any tracker, frame by frame, and not of TTVOS's engine."""
    return data.get("engine") == "own"


def cost_file(entry: Accuracy) -> Result | None:
    """The cost result of a tracker; masks have none."""
    return entry.cost if isinstance(entry, Tracked) else None


def speed_file(entry: Accuracy) -> Result | None:
    """The speed result of a tracker; masks have none."""
    return entry.speed if isinstance(entry, Tracked) else None


def from_cost(key: str, label: str, digits: int, getter: Getter) -> Extra:
    """A further column from the cost file."""
    return Extra(key, label, digits, lambda entry: measure((cost_file(entry),), getter))


def from_speed(key: str, label: str, digits: int, getter: Getter) -> Extra:
    """A further column from the speed file."""
    return Extra(key, label, digits, lambda entry: measure((speed_file(entry),), getter))


def fps_with_initialisation(data: dict[str, Any]) -> float:
    """Frames per second with frame 0 counted, frame by frame."""
    if "with_initialisation" in data:
        return data["with_initialisation"]["fps"]
    first, further = data["streaming"]["init_ms"], data["streaming"]["repeats"]
    frames = sum(1 + len(clip) for clip in further)
    return 1000 * frames / (sum(first) + sum(sum(clip) for clip in further))


def peak_memory_mib(data: dict[str, Any]) -> float:
    """Peak memory of the streaming protocol, in 2**20 bytes."""
    return data["streaming"]["peak_memory_bytes"] / 2**20


DAVIS17 = accuracy("davis17_jf", "DAVIS17 J&F", "davis17")
DAVIS16 = accuracy("davis16_jf", "DAVIS16 J&F", "davis16")
FPS = speed("fps", "FPS")
PARAMETERS = parameters("params_m", "Parameters, M")
STREAMING = from_speed("streaming_fps", "streaming FPS", 1, lambda data: data["streaming"]["fps"])
FRAME = from_cost("frame_gmac", "GMAC a frame", 2, gmac("frame"))
WITH_FRAME_0 = from_speed("with_frame_0_fps", "with frame 0", 1, fps_with_initialisation)
