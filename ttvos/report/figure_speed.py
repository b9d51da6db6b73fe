"""Figure 1: speed against accuracy, the paper's points and, marked apart, the measured ones.

Measured speeds are those of the streaming protocol, by the engine that `ttvos speed` timed.
"""

from ttvos.plan.manifest import data_label
from ttvos.report.figures import Drawing
from ttvos.report.join import ReportInput
from ttvos.report.paper import read_paper
from ttvos.report.quantities import STREAMING, Quantity
from ttvos.report.results import MaskResults, timed_on
from ttvos.report.scatter import PANELS, Point, scatter
from ttvos.report.verdicts import size_obstacle, speed_obstacle, untrained

OWN = "measured here"  # how the kind of a measured point begins


def figure1(report: ReportInput) -> Drawing:
    """Two panels, DAVIS16 and DAVIS17; a measured point that is no DAVIS number is hollow."""
    points = {
        panel.key: paper_points(panel)
        + published_points(report, panel)
        + mask_points(report, panel)
        + own_points(report, panel)
        for panel in PANELS
    }
    return Drawing(
        "figure1",
        "Figure 1: speed against accuracy",
        "Frames per second (logarithmic) against J&F. Grey and red: the paper's figures, on the "
        "paper's device, by the released timing protocol; a small mark is what a method's "
        "published masks score here, at the paper's speed, on a line to the paper's score where "
        "both are of the same sequences. Blue: measured here frame by "
        "frame, from host memory to the mask in host memory (streaming), "
        f"{_devices(report)}, with the accuracy on {data_label(report.manifest)}; diamonds are "
        "masks with a speed as their owner gives it. A hollow mark has another device or other "
        "data than the filled ones and is not to be ranked among them."
        f"{_without_speed(report)}{_left_out(report)}",
        scatter(points),
        alt="Scatter plot of frame rate against J&F for the paper's methods and this run's rows.",
        sources=tuple(dict.fromkeys(_sources(report))),
    )


def _sources(report: ReportInput) -> list[str]:
    files = [
        result
        for row in report.rows
        if row.speed
        for results in (*row.evaluate.values(), (row.speed,))
        for result in results
    ]
    timed = [masks for masks in report.masks if masks.fps]
    for masks in (*report.published, *timed):
        files += [result for results in masks.evaluate.values() for result in results]
    return [file.name for file in files]


def _devices(report: ReportInput) -> str:
    """Where the speeds were measured, and how."""
    found = dict.fromkeys(timed_on(row.speed) for row in report.rows if row.speed)
    return f"on {'; '.join(found)}" if found else "on no device yet"


def _without_speed(report: ReportInput) -> str:
    names = [m.label for m in report.masks if any(m.evaluate.values()) and not m.fps]
    return f" Not drawn, since no speed is known: {', '.join(names)}." if names else ""


def _left_out(report: ReportInput) -> str:
    """Rows that have a speed and yet no point, and why."""
    timed = [row for row in report.rows if row.speed]
    names = [f"{row.name} {why}" for row in timed if (why := untrained(row))]
    return f" Not drawn, since no mask comes of them: {', '.join(names)}." if names else ""


def paper_points(panel: Quantity) -> list[Point]:
    """The peers of Table 3 and TTVOS with each backbone of Table 6."""
    points = [
        Point(line["method"], float(line["fps"]), float(line[panel.key]), "peers (paper)", "paper")
        for line in read_paper("table3")
        if line["method"] != "TTVOS" and line[panel.key]
    ]
    for line in read_paper("table6"):
        fps, score = float(line["fps"]), float(line[panel.key])
        points.append(Point(line["backbone"], fps, score, "TTVOS (paper)", "ttvos"))
    return points


def published_points(report: ReportInput, panel: Quantity) -> list[Point]:
    """Published masks as scored here, at the paper's speed.

    A line leads to the paper's score where both are of the same sequences, and only there.
    """
    points = []
    for line in report.lines[3]:
        printed = line.printed
        score, foreign = panel.take(report, line.masks) if line.masks else (None, None)
        if printed[panel.key] and score and score.mean is not None:
            where = f", {data_label(report.manifest)}" if foreign else ""
            kind = f"published masks, scored here{where}"
            paper = None if foreign else float(printed[panel.key])
            name, fps = printed["method"] + (", masks" if foreign else ""), float(printed["fps"])
            points.append(Point(name, fps, score.mean, kind, "published", True, origin=paper))
    return points


def mask_points(report: ReportInput, panel: Quantity) -> list[Point]:
    """Folders of masks whose owner gives a speed."""
    return [point for masks in report.masks for point in _mask_point(report, panel, masks)]


def _mask_point(report: ReportInput, panel: Quantity, masks: MaskResults) -> list[Point]:
    score, foreign = panel.take(report, masks)
    if not masks.fps or score is None or score.mean is None:
        return []
    where = f", {data_label(report.manifest)}" if foreign else ""
    kind = f"masks, speed as given on {masks.fps_device or 'a device not named'}{where}"
    return [Point(masks.label, masks.fps, score.mean, kind, "masks", hollow=True)]


def own_points(report: ReportInput, panel: Quantity) -> list[Point]:
    """Rows with both a speed and an accuracy; untrained rows have none."""
    points = []
    for row in (row for row in report.rows if not untrained(row)):
        fps, slow = STREAMING.take(row), speed_obstacle(report.manifest, row.speed)
        score, foreign = panel.take(report, row)
        if not (row.speed and fps and fps.values and score and score.values):
            continue
        where = f"{OWN} on {timed_on(row.speed)}"
        if size_obstacle(row.speed):
            where += f" at {row.speed.frame_size}"
        kind = f"{where}, {data_label(report.manifest)}" if foreign else where
        hollow = bool(foreign or slow)
        points.append(Point(row.name, fps.mean, score.mean, kind, hollow=hollow))
    return points
