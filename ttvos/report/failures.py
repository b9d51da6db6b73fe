"""Tables of why methods fail: what J&F was lost to, and when objects were lost."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import fmean, median

from ttvos.evaluation.failures import CATEGORIES
from ttvos.evaluation.survival import survival
from ttvos.records.schema import Failures, Loss, MeanFailures, Scores
from ttvos.report.attributes import NAMES
from ttvos.report.join import ReportInput
from ttvos.report.results import Entry, File
from ttvos.report.table import Cell, Column, Table

LABELS = {
    "wrong_object": "wrong object",
    "lost": "lost",
    "drift": "drift",
    "spill": "spill",
    "missed": "missed part",
    "contour": "contour",
}
MEANING = (
    "Lost points: what J&F gains when one kind of error is set right by the truth, after those to "
    "the left of it; they and J&F add up to 100, up to rounding. Wrong object: pixels given to "
    "another object; lost: frames of a loss; drift: frames whose mask lies off the object; spill "
    "and missed part: beyond the tolerance of the contour; contour: within it."
)


@dataclass(frozen=True)
class Accounts:
    """The accounts of one entry on one dataset, one file a seed."""

    entry: Entry
    dataset: str
    files: tuple[File[Failures], ...]

    @property
    def records(self) -> list[Failures]:
        """What the files hold."""
        return [file.record for file in self.files]

    @property
    def has_several(self) -> bool:
        """Whether a sequence has several objects, so that one can be taken for another."""
        names = list(self.records[0].objects)
        return len({name.rpartition("_")[0] for name in names}) < len(names)

    @property
    def series(self) -> list[list[float]]:
        """J of all objects of all seeds, by scored frame."""
        return object_series(self.entry.evaluate[self.dataset])

    @property
    def losses(self) -> list[Loss]:
        """All losses of all objects and seeds."""
        own = (one.losses for record in self.records for one in record.objects.values())
        return [loss for losses in own for loss in losses]


def object_series(scores: Iterable[File[Scores]]) -> list[list[float]]:
    """J of each object of each file, by scored frame."""
    return [frames.j for file in scores for frames in file.record.frames.values()]


def accounts(report: ReportInput) -> list[Accounts]:
    """Those of all that was scored, by dataset; nothing of a file without provenance."""
    entries = (*report.rows, *report.references, *report.masks, *report.published, *report.peers)
    found = []
    for dataset in report.manifest.datasets:
        for entry in entries:
            named = [report.failures.get(file.name) for file in entry.evaluate.get(dataset, ())]
            files = tuple(file for file in named if file and file.provenance)
            if files:
                found.append(Accounts(entry, dataset, files))
    return found


def failures(report: ReportInput) -> Table:
    """A line for each method and dataset: J&F, what the rest was lost to, and losses."""
    found = accounts(report)
    return report.table(
        [
            Column("entry", "Entry"),
            Column("dataset", "Protocol"),
            *_point_columns(),
            Column("objects", "objects", "extra", "Losses", 0),
            Column("losses", "losses", "extra", "Losses", 0),
            Column("when", "median frame", "extra", "Losses", 0),
            Column("back", "came back, %", "extra", "Losses", 0),
            Column("survive", "never below J 0.5, %", "extra", digits=0),
        ],
        [_line(one) for one in found],
        [file for one in found for file in one.files],
        name="failures",
        title="Why methods fail: the account of lost points",
        caption=f"{MEANING} A loss: J below 0.2 in 10 frames or more, one after another; its frame "
        "is the first of them (the given mask is frame 0); the object came back if J reached 0.5 "
        "later. Never below J 0.5: the end of the survival curve below. Objects and losses are of "
        "all seeds together.",
        sections="dataset",
    )


def _point_columns() -> list[Column]:
    points = [Column(key, LABELS[key], "extra", "Lost points") for key in CATEGORIES]
    return [Column("jf", "J&F", "extra"), *points]


def _line(one: Accounts) -> dict[str, Cell]:
    losses = one.losses
    cells = {"entry": Cell(one.entry.label), "dataset": Cell(one.dataset)}
    cells |= _points([record.means for record in one.records], one.has_several)
    cells |= {"objects": Cell(sum(len(record.objects) for record in one.records))}
    cells |= {"losses": Cell(len(losses))}
    if series := one.series:
        cells |= {"survive": Cell(100 * survival(series)[-1][0])}
    if not losses:
        return cells
    back = fmean(loss.back is not None for loss in losses)
    when = median(loss.frame for loss in losses)
    return cells | {"when": Cell(when), "back": Cell(100 * back)}


def _points(means: list[MeanFailures], has_several: bool) -> dict[str, Cell]:
    """J&F and lost points, means over the seeds; no wrong object where there is but one."""
    cells = {"jf": Cell(100 * fmean(one.jf_mean for one in means))}
    keys = [key for key in CATEGORIES if has_several or key != "wrong_object"]
    return cells | {key: Cell(100 * fmean(one.lost_points[key] for one in means)) for key in keys}


def failures_by_attribute(report: ReportInput) -> Table:
    """The account over the sequences with an attribute, where attributes are known."""
    found = [one for one in accounts(report) if any(r.attributes for r in one.records)]
    return report.table(
        [
            Column("attribute", "Attribute"),
            Column("entry", "Entry"),
            Column("dataset", "Protocol"),
            Column("sequences", "sequences", "extra", digits=0),
            *_point_columns(),
        ],
        sorted(
            (line for one in found for line in _attribute_lines(one)),
            key=lambda line: str(line["attribute"].value),
        ),
        [file for one in found for file in one.files],
        name="failures-attributes",
        title="The account by attribute",
        caption="Over the objects of the sequences that have an attribute of DAVIS-2016's, of "
        "which five or more were scored.",
        sections="attribute",
    )


def _attribute_lines(one: Accounts) -> Iterator[dict[str, Cell]]:
    lines = [line for record in one.records for line in record.attributes]
    for attribute in dict.fromkeys(line.attribute for line in lines):
        own = [line for line in lines if line.attribute == attribute]
        name = f"{attribute}, {NAMES[attribute]}" if attribute in NAMES else attribute
        cells = {"attribute": Cell(name), "entry": Cell(one.entry.label)}
        cells |= {"dataset": Cell(one.dataset), "sequences": Cell(own[0].sequences)}
        yield cells | _points(own, one.has_several)
