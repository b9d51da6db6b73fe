"""Figure 1: speed against accuracy, in two forms.

The first has the paper's points and, marked apart, this run's. The second has every tracker that
was built, at its speed on this device and with its accuracy as published. Measured speeds are
those of the streaming protocol, by the engine that `ttvos speed` timed.
"""

from dataclasses import dataclass

from ttvos.plan.manifest import data_label
from ttvos.report.evidence import KEPT, RUN
from ttvos.report.figures import Drawing
from ttvos.report.join import ReportInput, lacks_online_learning
from ttvos.report.paper import BACKBONES, is_backbone, plain, read_paper
from ttvos.report.quantities import STREAMING, Quantity
from ttvos.report.results import Entry, File, MaskResults, PeerResults, RowResults, timed_on
from ttvos.report.scatter import PANELS, Point, scatter
from ttvos.report.verdicts import size_obstacle, speed_obstacle, untrained

OWN = "measured here"  # how the kind of a measured point begins
CAPTION = (
    "Frames per second (logarithmic) against J&F. Grey and orange: the paper's figures, on the "
    "paper's device, by the released timing protocol; a small mark is what a method's published "
    "masks score, here or when they were scored for the repository, at the paper's speed, on a "
    "line to the paper's score where both are of the same sequences. Blue: measured here frame by "
    "frame, from host memory to the mask in host memory (streaming), {devices}, with the accuracy "
    "on {data}; diamonds are masks with a speed as their owner gives it. A hollow mark has another "
    "device or other data than the filled ones and is not to be ranked among them."
)
SECOND = "Figure 1, second form: speed on this device against published accuracy"
SECOND_CAPTION = (
    "Frames per second (logarithmic), frame by frame after frame 0 (streaming), of every tracker "
    "that was built, one object; {devices}. J&F as published: of masks that the authors "
    "published, scored by us; else of the public record; else of the paper. Trackers with random "
    "weights count, since these take the same time. TTVOS has the paper's accuracy (Table 6). A "
    "hollow mark was timed without the learning on the clip that its accuracy needs, or at another "
    "frame size."
)
SCORED_BY_US = {
    RUN: "published masks, scored here",
    KEPT: "published masks, scored by us before (kept)",
}


def figure1(report: ReportInput) -> Drawing:
    """Two panels, DAVIS16 and DAVIS17; a measured point that is no DAVIS number is hollow."""
    kinds = (paper_points, published_points, mask_points, own_points)
    timed = [row for row in report.rows if row.speed]
    found = dict.fromkeys(timed_on(row.speed) for row in timed)
    devices = f"on {'; '.join(found)}" if found else "on no device yet"
    files = [file for row in timed for file in (*row.scores(), row.speed)]
    masks = (*report.published, *(masks for masks in report.masks if masks.fps))
    files += [file for entry in masks for file in entry.scores()]
    return Drawing(
        "figure1",
        "Figure 1: speed against accuracy",
        CAPTION.format(devices=devices, data=data_label(report.manifest)) + _not_drawn(report),
        scatter({p.key: [x for points in kinds for x in points(report, p)] for p in PANELS}),
        alt="Scatter plot of frame rate against J&F for the paper's methods and this run's rows.",
        sources=tuple(dict.fromkeys(file.name for file in files)),
    )


def _not_drawn(report: ReportInput) -> str:
    """Masks whose speed nobody knows, and rows that have a speed and yet no point."""
    masks = [masks.label for masks in report.masks if masks.is_scored and not masks.fps]
    rows = [f"{r.name} {why}" for r in report.rows if r.speed and (why := untrained(r))]
    reasons = (("since no speed is known", masks), ("since no mask comes of them", rows))
    return "".join(f" Not drawn, {why}: {', '.join(names)}." for why, names in reasons if names)


def paper_points(report: ReportInput, panel: Quantity) -> list[Point]:
    """The peers of Table 3 and TTVOS with each backbone of Table 6."""
    printed = [(line.printed, "method", "peers (paper)", "paper") for line in report.lines[3]]
    printed += [(line.printed, "backbone", "TTVOS (paper)", "ttvos") for line in report.lines[6]]
    return [
        Point(line[name], float(line["fps"]), float(line[panel.key]), kind, mark)
        for line, name, kind, mark in printed
        if line[panel.key] and line.get("method") != "TTVOS"
    ]


def published_points(report: ReportInput, panel: Quantity) -> list[Point]:
    """Published masks as scored by us, here or before, at the paper's speed.

    A line leads to the paper's score where both are of the same sequences, and only there.
    """
    points = []
    for line in report.lines[3]:
        printed, found = line.printed, panel.masks(report, line)
        if printed[panel.key] and found:
            foreign = found.obstacle
            data = f", {foreign}" if found.sort == KEPT and foreign else _on_data(report, foreign)
            kind = SCORED_BY_US[found.sort] + data
            paper = None if foreign else float(printed[panel.key])
            name, fps = printed["method"] + (", masks" if foreign else ""), float(printed["fps"])
            mean = found.measured.mean
            points.append(Point(name, fps, mean, kind, "published", True, origin=paper))
    return points


def mask_points(report: ReportInput, panel: Quantity) -> list[Point]:
    """Folders of masks whose owner gives a speed."""
    found = (_mask_point(report, panel, masks) for masks in report.masks)
    return [point for point in found if point]


def _mask_point(report: ReportInput, panel: Quantity, masks: MaskResults) -> Point | None:
    score, foreign = panel.take(report, masks)
    if not masks.fps or score is None or score.mean is None:
        return None
    device = masks.fps_device or "a device not named"
    kind = f"masks, speed as given on {device}{_on_data(report, foreign)}"
    return Point(masks.label, masks.fps, score.mean, kind, "masks", hollow=True)


def own_points(report: ReportInput, panel: Quantity) -> list[Point]:
    """Rows with both a speed and an accuracy; untrained rows have none."""
    points = []
    for row in (row for row in report.rows if row.speed and not untrained(row)):
        fps, slow = STREAMING.take(row), speed_obstacle(report.manifest.comparable.speed, row.speed)
        score, foreign = panel.take(report, row)
        if fps and fps.values and score and score.values:
            size = f" at {row.speed.frame_size}" if size_obstacle(row.speed) else ""
            kind = f"{OWN} on {timed_on(row.speed)}{size}{_on_data(report, foreign)}"
            hollow = bool(foreign or slow)
            points.append(Point(row.name, fps.mean, score.mean, kind, hollow=hollow))
    return points


def _on_data(report: ReportInput, foreign: str | None) -> str:
    return f", {data_label(report.manifest)}" if foreign else ""


@dataclass(frozen=True)
class KnownAccuracy:
    """An accuracy as published: J&F in points, who says so, the mark, files it is from."""

    score: float
    kind: str
    mark: str
    files: tuple[File, ...] = ()


def figure1_device(report: ReportInput) -> Drawing:
    """Speeds of one device, so that they compare; accuracies that training here has no part in."""
    points = {panel.key: device_points(report, panel) for panel in PANELS}
    if not any(points.values()):
        return Drawing("figure1-device", SECOND, missing="No tracker was timed.")
    peers, rows = _timed(report)
    timed = [*rows, *peers]
    how = dict.fromkeys(f"{timed_on(e.speed)}, {e.speed.frame_size}" for e in timed)
    known = [accuracy_of(report, entry, panel) for entry in timed for panel in PANELS]
    scored = [file for accuracy in known if accuracy for file in accuracy.files]
    files = (*(entry.speed for entry in timed), *scored)
    return Drawing(
        "figure1-device",
        SECOND,
        SECOND_CAPTION.format(devices="; ".join(how)),
        scatter(points),
        alt="Scatter plot of each tracker's frame rate on this device against its published J&F.",
        sources=tuple(dict.fromkeys(file.name for file in files)),
    )


def _timed(report: ReportInput) -> tuple[list[PeerResults], list[RowResults]]:
    """The peers and the rows of Table 6 with a speed that says where it is from."""
    peers = [peer for peer in report.peers if peer.speed and peer.speed.provenance]
    rows = [row for row in report.rows if row.speed and row.speed.provenance]
    return peers, [row for row in rows if 6 in row.entry.tables]


def device_points(report: ReportInput, panel: Quantity) -> list[Point]:
    """One point for each tracker with a speed here and an accuracy elsewhere."""
    points = []
    peers, rows = _timed(report)
    for entry in (*peers, *rows):
        fps, known = STREAMING.take(entry), accuracy_of(report, entry, panel)
        if known and fps and fps.mean is not None:
            other_size = bool(size_obstacle(entry.speed))
            partial = isinstance(entry, PeerResults) and lacks_online_learning(entry)
            kind = known.kind + (f", at {entry.speed.frame_size}" if other_size else "")
            kind += ", without its online learning" if partial else ""
            hollow = other_size or partial
            points.append(Point(name_of(entry), fps.mean, known.score, kind, known.mark, hollow))
    return points


def name_of(entry: Entry) -> str:
    """The method as printed, and the tracker's name where that is another."""
    if not isinstance(entry, PeerResults):
        return entry.label
    method = entry.record.method
    return method if plain(entry.name) == plain(method) else f"{method} ({entry.name})"


def accuracy_of(report: ReportInput, entry: Entry, panel: Quantity) -> KnownAccuracy | None:
    """The published accuracy: of masks scored by us, else the public record's, else the paper's."""
    if isinstance(entry, RowResults):
        of = {BACKBONES[line["backbone"]]: line[panel.key] for line in read_paper("table6")}
        found = of.get(entry.entry.backbone)
        kind = "TTVOS, accuracy of the paper"
        return KnownAccuracy(float(found), kind, "ttvos") if found else None
    line = report.methods[entry.record.name].line
    masks = panel.masks(report, line) if line else None
    if masks and not masks.obstacle:
        found = masks.measured
        return KnownAccuracy(found.mean, SCORED_BY_US[masks.sort], "scored", found.sources)
    if line and (recorded := line.public.get(f"{panel.protocol}_site")):
        return KnownAccuracy(float(recorded), "accuracy of the public record", "record")
    printed = line.printed if line else _other_backbone(entry)
    found = printed.get(panel.key)
    return KnownAccuracy(float(found), "accuracy of the paper", "paper") if found else None


def _other_backbone(entry: PeerResults) -> dict[str, str]:
    """The line of a backbone that only Table 5 has, without the transition loss."""
    of = [x for x in read_paper("table5") if plain(x["method"]) == plain(entry.record.method)]
    return next((x for x in of if is_backbone(x["backbone"], entry.record.backbone)), {})
