"""The quantities of the tables: how each is taken from result files, and when it counts."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ttvos.plan.manifest import Manifest, data_label
from ttvos.records.schema import Record, RowSpeed, TrackerSpeed
from ttvos.report.evidence import (
    KEPT,
    NONE,
    RUN,
    Evidence,
    in_order,
    of_record,
    of_scores,
)
from ttvos.report.intervals import MEANS, interval, sequence_scores
from ttvos.report.join import Line, ReportInput
from ttvos.report.publication.form import FOLDER
from ttvos.report.results import (
    Entry,
    File,
    Getter,
    MaskResults,
    Measured,
    PeerResults,
    RowResults,
    Speed,
    measure,
)
from ttvos.report.table import Cell, Column
from ttvos.report.verdicts import (
    UNTRAINED,
    accuracy_obstacle,
    data_obstacle,
    decide,
    paper_set,
    size_obstacle,
    speed_obstacle,
    untrained,
    verdict_cell,
)

# What a table's cell needs: the measured number, and why it is not the paper's quantity.
Taken = tuple[Measured | None, str | None]
REBUILT = "network built from public facts"
NO_MASKS = "its authors published no masks"
KEPT_OTHERWISE = "kept, not compared"


@dataclass(frozen=True)
class Quantity:
    """One column of a paper's table. key: in the paper's CSV; rule: in
    `ttvos.evaluation.judge.RULES`.
    """

    key: str
    label: str
    rule: str
    digits: int
    take: Callable[[ReportInput, Entry], Taken]

    @property
    def protocol(self) -> str:
        """The data of an accuracy, "davis16" or "davis17"."""
        return self.key.removesuffix("_jf")

    def columns(self, report: ReportInput) -> tuple[Column, ...]:
        """Paper, measured, other quantities kept and of this run, whose it is, verdict: side by
        side under one heading.
        """
        other = {"accuracy": f"on {data_label(report.manifest)}", "speed": "on this device"}
        heading, is_mean = other.get(self.rule, "other size"), self.rule == "accuracy"
        key, shared = self.key, (self.label, self.digits, False, is_mean)
        return (
            Column(f"{key}_paper", "paper", "paper", self.label, self.digits),
            Column(f"{key}_measured", "measured", "measured", *shared),
            Column(f"{key}_kept", KEPT_OTHERWISE, "other", *shared),
            Column(f"{key}_not_comparable", heading, "other", *shared),
            Column(f"{key}_evidence", "evidence", "evidence", self.label),
            Column(f"{key}_verdict", "does it hold?", "verdict", self.label),
        )

    def cells(self, report: ReportInput, line: Line) -> dict[str, Cell]:
        """The cells of a line of the paper's."""
        key, printed, found = self.key, line.printed[self.key], self.evidence(report, line)
        cells = {f"{key}_{one.place}": one.cell for one in reversed(found)}
        number = next((one for one in found if one.is_number), None)
        if number or printed:
            origin = number.origin if number else ""
            cells[f"{key}_evidence"] = Cell(number.sort if number else NONE, reason=origin)
        verdict = found[0].judged(printed) if found else decide(self.rule, printed, None, None)
        if verdict and not number and (why := self._nowhere(line)):
            reasons = [verdict.reason] if found else []
            verdict = replace(verdict, reason="; ".join([*reasons, why]))
        return cells | {
            f"{key}_paper": Cell(printed or None),
            f"{key}_verdict": verdict_cell(verdict, line.printed, key, self.label),
        }

    def evidence(self, report: ReportInput, line: Line) -> list[Evidence]:
        """All that is known of a line's number, in the order in which a cell takes it."""
        found = [self._taken(report, who, RUN) for who in (line.entry, line.masks)]
        found += [self._taken(report, who, KEPT) for who in line.kept_entries]
        if self.rule == "accuracy":
            found += [of_scores(kept) for kept in line.kept if kept.protocol == self.protocol]
            record = line.public.get(f"{self.protocol}_site")
            found += [of_record(record)] if record else []
        return in_order(one for one in found if one)

    def masks(self, report: ReportInput, line: Line) -> Evidence | None:
        """What a method's published masks score: in this run, else as kept; None for neither."""
        found = [self._taken(report, line.masks, RUN)]
        found += [of_scores(k) for k in line.kept if k.is_masks and k.protocol == self.protocol]
        return next((one for one in in_order(filter(None, found)) if one.is_number), None)

    def _taken(self, report: ReportInput, entry: Entry | None, sort: str) -> Evidence | None:
        """What an entry's files give; a cost that the run took over from a kept file is kept."""
        measured, obstacle = self.take(report, entry) if entry else (None, None)
        if measured is None:
            return None
        file = next(iter(measured.sources), None)
        origin = ""
        if file and (sort == KEPT or file.provenance.kept):
            taken_over = file.provenance.kept
            name = f"{FOLDER.name}/{taken_over}" if taken_over else file.name
            origin, sort = f"{name}: {file.device}, {file.provenance.time[:10]}", KEPT
        remark = REBUILT if _is_rebuilt(entry) else ""
        return Evidence(sort, measured, self.judged_as(entry), obstacle, origin, remark)

    def _nowhere(self, line: Line) -> str:
        """Why nobody has measured an accuracy; "" where that is not known."""
        record = line.record if self.rule == "accuracy" else None
        return NO_MASKS if record and not record.masks else ""

    def own_cells(self, report: ReportInput, entry: Entry) -> dict[str, Cell]:
        """The cells of a row that the paper does not have: no number of its, no verdict."""
        found = self._taken(report, entry, RUN)
        return {f"{self.key}_{found.place}": found.cell} if found else {}

    def judged_as(self, entry: Entry | None) -> str:
        """The rule that judges an entry's number: no seed moves given masks and given weights."""
        is_given = isinstance(entry, MaskResults | PeerResults)
        return "masks" if self.rule == "accuracy" and is_given else self.rule


def _is_rebuilt(entry: Entry | None) -> bool:
    """Whether an entry's network was built here without weights that would prove it the same."""
    return isinstance(entry, PeerResults) and entry.record.status == "cost only"


@dataclass(frozen=True)
class Extra:
    """A measured column without a counterpart in the paper. is_speed: from the speed file."""

    key: str
    label: str
    digits: int
    take: Callable[[Any], Measured | None]
    group: str = "also measured"
    is_speed: bool = False

    @property
    def column(self) -> Column:
        """Its column."""
        return Column(self.key, self.label, "extra", self.group, self.digits)

    def cell(self, entry: Any) -> dict[str, Cell]:
        """Its cell by its key; an empty one for None."""
        return {self.key: measured_cell(self.take(entry) if entry else None)}


def measured_cell(measured: Measured | None) -> Cell:
    """Mean, spread and interval; a number whose origin is unknown is not shown."""
    if measured is None:
        return Cell()
    return Cell(measured.mean, measured.spread, measured.refusal, interval=measured.interval)


# Accuracy


def candidates(manifest: Manifest, protocol: str) -> list[str]:
    """The profile's datasets that stand for "davis16" or "davis17"; the nearest to it first.

    Year and split decide, a dataset's name does not. Frames at their own size come before smaller
    ones, whole splits before parts.
    """
    datasets = manifest.datasets
    found = [name for name, data in datasets.items() if paper_set(data) == protocol]
    return sorted(found, key=lambda n: (datasets[n].input_scale != 1, bool(datasets[n].only)))


def standing(manifest: Manifest, protocol: str, entry: Entry) -> str:
    """The dataset whose scores of the entry stand for the protocol; "" where there is none."""
    found = candidates(manifest, protocol)
    return next((name for name in found if entry.evaluate.get(name)), "")


def points(name: str) -> Getter:
    """A global score of an evaluation, in points (0 to 100)."""
    return lambda scores: 100.0 * scores["global"][name]


def measure_score(results: Iterable[File], name: str = "J&F-Mean") -> Measured | None:
    """A global score of evaluations in points; a mean with its interval over the sequences."""
    results = tuple(results)
    measured = measure(results, points(name))
    if measured is None or measured.refusal or name not in MEANS:
        return measured
    return replace(measured, interval=interval(sequence_scores(results, name)))


def take_accuracy(protocol: str, report: ReportInput, entry: Entry) -> Taken:
    """J&F of an entry on what stands for "davis16" or "davis17"; of an untrained row only that.

    What others trained or tracked is the paper's quantity wherever it is of the paper's data.
    """
    if why := untrained(entry):
        return Measured(refusal=why), UNTRAINED if entry.scores() else why
    dataset = standing(report.manifest, protocol, entry)
    measured = measure_score(entry.evaluate.get(dataset, ()))
    sources = measured.sources if measured else ()
    if isinstance(entry, RowResults):
        return measured, accuracy_obstacle(report.manifest, dataset, sources)
    tracked = not isinstance(entry, MaskResults)
    return measured, data_obstacle(report.manifest, dataset, sources, tracked)


def runs(entry: Entry) -> Measured | None:
    """How many runs an accuracy is the mean of."""
    results = max(entry.evaluate.values(), key=len, default=())
    sources = tuple(result for result in results if result.provenance)
    return Measured((float(len(sources)),), sources) if sources else None


# Cost and speed


def macs(key: str, label: str, digits: int, getter: Getter) -> Quantity:
    """A number of GMAC from the cost file."""
    return Quantity(
        key,
        label,
        "macs",
        digits,
        lambda _, entry: (measure((entry.cost,), getter), size_obstacle(entry.cost)),
    )


def gmac(part: str) -> Getter:
    """MACs of one of TTVOS's parts, or of the whole, in 1e9; a tracker has other parts."""
    return lambda cost: _count(cost.macs, part, 1e9)


def millions(part: str) -> Getter:
    """One of a cost file's parameter counts, in 1e6; a tracker has no more than the total."""
    return lambda cost: _count(cost.parameters, part, 1e6)


def _count(counts: Record, name: str, unit: float) -> float | None:
    """None where a tracker's file, which counts parts of its own, has no such count."""
    count = getattr(counts, name, None)
    return None if count is None else count / unit


def released_fps(speed: Speed) -> float | None:
    """Frames per second by the released timing protocol, which the paper's figures are.

    A tracker that is not TTVOS has none.
    """
    return speed.released.fps if isinstance(speed, RowSpeed) else None


def fps_with_initialisation(speed: Speed) -> float:
    """Frames per second with frame 0 counted, frame by frame."""
    if isinstance(speed, TrackerSpeed):
        return speed.with_initialisation.fps
    first, further = speed.streaming.init_ms, speed.streaming.repeats
    frames = sum(1 + len(clip) for clip in further)
    return 1000 * frames / (sum(first) + sum(sum(clip) for clip in further))


def peak_memory_mib(speed: Speed) -> float | None:
    """Peak memory of the streaming protocol, in 2**20 bytes."""
    found = speed.streaming.peak_memory_bytes
    return None if found is None else found / 2**20


def from_cost(key: str, label: str, digits: int, getter: Getter, *group: str) -> Extra:
    """A further column from the cost file."""
    return Extra(key, label, digits, lambda entry: measure((entry.cost,), getter), *group)


def from_speed(
    key: str, label: str, digits: int, getter: Getter, group: str = "also measured"
) -> Extra:
    """A further column from the speed file."""
    return Extra(key, label, digits, lambda entry: measure((entry.speed,), getter), group, True)


DAVIS17 = Quantity("davis17_jf", "DAVIS17 J&F", "accuracy", 1, partial(take_accuracy, "davis17"))
DAVIS16 = Quantity("davis16_jf", "DAVIS16 J&F", "accuracy", 1, partial(take_accuracy, "davis16"))
FPS = Quantity(
    "fps",
    "FPS",
    "speed",
    1,
    lambda report, entry: (
        measure((entry.speed,), released_fps),
        # What is kept was not timed on the device that the run speaks of.
        speed_obstacle(report.manifest.comparable.speed and type(entry) is not Entry, entry.speed),
    ),
)
# Training-only heads are counted, as in the paper.
PARAMETERS = Quantity(
    "params_m",
    "Parameters, M",
    "parameters",
    2,
    lambda _, entry: (measure((entry.cost,), millions("total")), None),
)
STREAMING = from_speed("streaming_fps", "streaming FPS", 1, lambda speed: speed.streaming.fps)
WITH_FRAME_0 = from_speed("with_frame_0_fps", "with frame 0", 1, fps_with_initialisation)
# Masks and the authors' weights have no seed.
SEEDS = Extra(
    "runs",
    "seeds in the mean",
    0,
    lambda entry: runs(entry) if isinstance(entry, RowResults) else None,
)
