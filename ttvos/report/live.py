"""Live accuracy: what the run's files say, as a table (docs/live.md)."""

from collections.abc import Iterator
from dataclasses import dataclass

from ttvos.measure.latency import doubts
from ttvos.measure.live_table import latency_text
from ttvos.plan.manifest import LiveEntry, Located
from ttvos.records.schema import Live, LiveRate
from ttvos.report.join import ReportInput
from ttvos.report.results import File, LiveResults, load_file
from ttvos.report.table import Cell, Column, Table

TITLE = "Live accuracy: J&F as the viewer sees it"
CAPTION = (
    "Points (0 to 100) of the mask that is on screen when a frame arrives, by the DAVIS protocol. "
    "Offline: the same tracker where the clip waits for it. Age: how much older than the frame its "
    "mask is. Taken: share of the frames after frame 0 that the tracker had time for; it saw no "
    "other. Latency: the median of those that were drawn from."
)
COLUMNS = (
    Column("entry", "Tracker"),
    Column("dataset", "Data"),
    Column("rate", "frames a second", "extra", "camera", 0),
    Column("jf", "J&F", "extra", "live"),
    Column("j", "J", "extra", "live"),
    Column("f", "F", "extra", "live"),
    Column("offline_jf", "J&F", "extra", "offline"),
    Column("change", "live less offline", "extra", "offline", signed=True),
    Column("age_frames", "mean, frames", "extra", "age of the mask", 2),
    Column("age_ms", "mean, ms", "extra", "age of the mask", 0),
    Column("age_p90_ms", "p90, ms", "extra", "age of the mask", 0),
    Column("taken_percent", "taken, %", "extra", "tracker", 0),
    Column("latency_ms", "latency, ms", "extra", "tracker"),
    Column("device", "Latency of", "remark"),
)


@dataclass(frozen=True)
class Shown:
    """One player on one dataset, of a file that says where its numbers come from."""

    player: LiveResults
    dataset: str
    file: File[Live]

    @property
    def live(self) -> Live:
        """The record."""
        return self.file.record

    @property
    def label(self) -> str:
        """Who it is; masks that were only held back say so."""
        return self.player.label + (" (upper bound)" if self.live.upper_bound else "")


def load_live(located: Located, entry: LiveEntry) -> LiveResults:
    """Read the files of one player."""
    files = {name: load_file(located, path, Live) for name, path in entry.results.items()}
    return LiveResults(entry.name, entry.label, files)


def shown(report: ReportInput) -> Iterator[Shown]:
    """All that can be shown, dataset by dataset."""
    for dataset in report.manifest.datasets:
        for player in report.live:
            file = player.results.get(dataset)
            if file and file.provenance:
                yield Shown(player, dataset, file)


def live_table(report: ReportInput) -> Table:
    """A line for each player, dataset and rate."""
    found = list(shown(report))
    several = len(report.manifest.datasets) > 1
    rows = [_row(one, rate) for one in found for rate in one.live.rates]
    notes = [f"{one.label}{f', {one.dataset}' if several else ''}: {_told(one)}" for one in found]
    files = [file for player in report.live for file in player.results.values()]
    notes += [f"Not shown, for want of provenance: {f.name}." for f in files if not f.provenance]
    return report.table(
        COLUMNS,
        rows,
        [one.file for one in found],
        name="live",
        title=TITLE,
        caption=CAPTION,
        notes=tuple(notes),
        sections="entry",
    )


def _row(one: Shown, rate: LiveRate) -> dict[str, Cell]:
    live, means, age = one.live, rate.means, rate.age
    offline = live.offline.jf_mean
    numbers = {
        **{"rate": rate.rate, "jf": 100 * means.jf_mean},
        **{"j": 100 * means.j_mean, "f": 100 * means.f_mean, "offline_jf": 100 * offline},
        **{"change": 100 * (means.jf_mean - offline), "taken_percent": 100 * rate.processed},
        **{"age_frames": age.mean, "age_ms": age.mean_ms, "age_p90_ms": age.p90_ms},
        "latency_ms": live.latency.p50_ms,
    }
    texts = {"entry": one.label, "dataset": one.dataset, "device": live.latency.device}
    return {key: Cell(value) for key, value in (texts | numbers).items()}


def _told(one: Shown) -> str:
    busy = doubts(one.live) if one.live.load else []
    return "; ".join([latency_text(one.live.latency), *one.live.notes, *busy]) + "."
