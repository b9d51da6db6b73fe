"""Figure 1's second form: every built tracker's speed on this device, its accuracy as published."""

from dataclasses import dataclass

from ttvos.report.figures import Drawing
from ttvos.report.join import ReportInput, lacks_online_learning
from ttvos.report.paper import BACKBONES, is_backbone, plain, read_paper
from ttvos.report.quantities import STREAMING, Quantity
from ttvos.report.results import Entry, PeerResults, Result, RowResults, timed_on
from ttvos.report.scatter import PANELS, Point, scatter
from ttvos.report.verdicts import size_obstacle

SCORED = "published masks, scored here"
RECORD = "accuracy of the public record"
PAPER = "accuracy of the paper"
TTVOS = "TTVOS, accuracy of the paper"
DATASETS = {"davis16_jf": "davis16", "davis17_jf": "davis17"}


@dataclass(frozen=True)
class Published:
    """An accuracy as published: J&F in points, who says so, the mark, files it is from."""

    score: float
    kind: str
    mark: str
    files: tuple[Result, ...] = ()


def figure1_device(report: ReportInput) -> Drawing:
    """Speeds of one device, so that they compare; accuracies that training here has no part in."""
    title = "Figure 1, second form: speed on this device against published accuracy"
    points = {panel.key: device_points(report, panel) for panel in PANELS}
    if not any(points.values()):
        return Drawing("figure1-device", title, "", None, missing="No tracker was timed.")
    timed = [*_timed_rows(report), *_timed_peers(report)]
    how = dict.fromkeys(f"{timed_on(e.speed)}, {e.speed.frame_size}" for e in timed)
    return Drawing(
        "figure1-device",
        title,
        "Frames per second (logarithmic), frame by frame after frame 0 (streaming), of every "
        f"tracker that was built, one object; {'; '.join(how)}. J&F as published: of masks that "
        "the authors published, scored here, where they are at hand; else of the public record; "
        "else of the paper. Trackers with random weights count, since these take the same time. "
        "TTVOS has the paper's accuracy (Table 6). A hollow mark was timed without the learning "
        "on the clip that its accuracy needs, or at another frame size.",
        scatter(points),
        alt="Scatter plot of each tracker's frame rate on this device against its published J&F.",
        sources=tuple(dict.fromkeys(_sources(report, timed))),
    )


def device_points(report: ReportInput, panel: Quantity) -> list[Point]:
    """One point for each tracker with a speed here and an accuracy elsewhere."""
    points = []
    for entry in (*_timed_peers(report), *_timed_rows(report)):
        fps = STREAMING.take(entry)
        found = accuracy_of(report, entry, panel)
        if found is None or fps is None or fps.mean is None:
            continue
        other_size = bool(size_obstacle(entry.speed))
        kind = found.kind + (f", at {entry.speed.frame_size}" if other_size else "")
        partial = isinstance(entry, PeerResults) and lacks_online_learning(entry)
        kind += ", without its online learning" if partial else ""
        hollow = other_size or partial
        point = Point(name_of(entry), fps.mean, found.score, kind, found.mark, hollow=hollow)
        points.append(point)
    return points


def name_of(entry: Entry) -> str:
    """The method as printed, and the tracker's name where that is another."""
    if isinstance(entry, PeerResults):
        method = entry.record.method
        return method if plain(entry.name) == plain(method) else f"{method} ({entry.name})"
    return entry.label


def accuracy_of(report: ReportInput, entry: Entry, panel: Quantity) -> Published | None:
    """The published accuracy: of masks scored here, else the public record's, else the paper's."""
    if isinstance(entry, RowResults):
        for line in read_paper("table6"):
            if BACKBONES[line["backbone"]] == entry.entry.backbone:
                return Published(float(line[panel.key]), TTVOS, "ttvos")
        return None
    line = report.line_of(entry.record)
    if line is None:
        return _other_backbone(entry, panel)
    score, foreign = panel.take(report, line.masks) if line.masks else (None, None)
    if score and score.mean is not None and not foreign:
        return Published(score.mean, SCORED, "scored", score.sources)
    if record := line.public.get(f"{DATASETS[panel.key]}_site"):
        return Published(float(record), RECORD, "record")
    printed = line.printed[panel.key]
    return Published(float(printed), PAPER, "paper") if printed else None


def _other_backbone(entry: PeerResults, panel: Quantity) -> Published | None:
    """A backbone that only Table 5 has, without the transition loss."""
    for line in read_paper("table5"):
        same = plain(line["method"]) == plain(entry.record.method)
        if same and is_backbone(line["backbone"], entry.record.backbone):
            return Published(float(line[panel.key]), PAPER, "paper")
    return None


def _timed_peers(report: ReportInput) -> list[PeerResults]:
    return [peer for peer in report.peers if peer.speed and peer.speed.provenance]


def _timed_rows(report: ReportInput) -> list[RowResults]:
    rows = [row for row in report.rows if 6 in row.entry.tables]
    return [row for row in rows if row.speed and row.speed.provenance]


def _sources(report: ReportInput, timed: list[Entry]) -> list[str]:
    found = [accuracy_of(report, entry, panel) for entry in timed for panel in PANELS]
    scored = [file for accuracy in found if accuracy for file in accuracy.files]
    return [file.name for file in (*(entry.speed for entry in timed), *scored)]
