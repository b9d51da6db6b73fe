"""Figure 1: speed against accuracy, the paper's points and, marked apart, the measured ones.

Measured speeds are those of the streaming protocol, by the engine that `ttvos speed` timed.
"""

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from ttvos.render import figures
from ttvos.render.figures import Drawing, new_figure
from ttvos.render.inputs import ReportInput
from ttvos.render.manifest import data_label
from ttvos.render.measurements import frame_size
from ttvos.render.paper import read_paper
from ttvos.render.quantities import DAVIS16, DAVIS17, STREAMING, Quantity
from ttvos.render.results import timed_on
from ttvos.render.verdicts import size_obstacle, speed_obstacle

PANELS = (DAVIS16, DAVIS17)
OWN = "measured here"  # how the kind of a measured point begins
# Where a label may stand, seen from its point, in points: near ones first.
_PLACES = [
    (x, y, "left" if x > 0 else "right" if x < 0 else "center")
    for reach in (0, 10, 20, 30)
    for x, y in (
        (7, 3 + reach),
        (7, -10 - reach),
        (-7, 3 + reach),
        (-7, -10 - reach),
        (0, 9 + reach),
        (0, -16 - reach),
    )
]
NEAR = 6  # of these places; a name farther off gets a line to its point


@dataclass(frozen=True)
class Point:
    """fps: frames per second. score: J&F in points. kind: who says so, and on what.

    hollow: speed or accuracy is not the quantity that the other points show.
    """

    name: str
    fps: float
    score: float
    kind: str
    hollow: bool = False


def figure1(report: ReportInput) -> Drawing:
    """Two panels, DAVIS16 and DAVIS17; a measured point that is no DAVIS number is hollow."""
    points = {panel.key: paper_points(panel) + own_points(report, panel) for panel in PANELS}
    with figures.style():
        figure = new_figure(10, 4.6)
        for axes, panel in zip(figure.subplots(1, len(PANELS)), PANELS, strict=True):
            _panel(axes, panel, points[panel.key])
        handles, labels = _legend(figure.axes)
        figure.legend(handles, labels, loc="outside upper center", ncols=len(labels))
        for axes, panel in zip(figure.axes, PANELS, strict=True):
            _label_points(axes, points[panel.key])
    sources = [
        result.name
        for row in report.rows
        if row.speed
        for results in (*row.evaluate.values(), (row.speed,))
        for result in results
    ]
    return Drawing(
        "figure1",
        "Figure 1: speed against accuracy",
        "Frames per second (logarithmic) against J&F. Grey and red: the paper's figures, on the "
        "paper's device, by the released timing protocol. Blue: measured here frame by frame, from "
        f"host memory to the mask in host memory (streaming), {_devices(report)}, with the "
        f"accuracy on {data_label(report.manifest)}. A hollow star has another device or other "
        "data than the filled points and is not to be ranked among them.",
        figure,
        alt="Scatter plot of frame rate against J&F for the paper's methods and this run's rows.",
        sources=tuple(dict.fromkeys(sources)),
    )


def _devices(report: ReportInput) -> str:
    """Where the speeds were measured, and how."""
    found = dict.fromkeys(timed_on(row.speed) for row in report.rows if row.speed)
    return f"on {'; '.join(found)}" if found else "on no device yet"


def paper_points(panel: Quantity) -> list[Point]:
    """The peers of Table 3 and TTVOS with each backbone of Table 6."""
    points = [
        Point(line["method"], float(line["fps"]), float(line[panel.key]), "peers (paper)")
        for line in read_paper("table3")
        if line["method"] != "TTVOS" and line[panel.key]
    ]
    return points + [
        Point(line["backbone"], float(line["fps"]), float(line[panel.key]), "TTVOS (paper)")
        for line in read_paper("table6")
    ]


def own_points(report: ReportInput, panel: Quantity) -> list[Point]:
    """Rows with both a speed and an accuracy."""
    points = []
    for row in report.rows:
        fps, slow = STREAMING.take(row), speed_obstacle(report.manifest, row.speed)
        score, foreign = panel.take(report, row)
        if not (row.speed and fps and fps.values and score and score.values):
            continue
        where = f"{OWN} on {timed_on(row.speed)}"
        if size_obstacle(row.speed):
            where += f" at {frame_size(row, 'speed')}"
        kind = f"{where}, {data_label(report.manifest)}" if foreign else where
        points.append(Point(row.name, fps.mean, score.mean, kind, hollow=bool(foreign or slow)))
    return points


_MARKS = {
    "peers (paper)": {"marker": "o", "color": figures.GREY, "s": 28},
    "TTVOS (paper)": {"marker": "*", "color": figures.RED, "s": 110},
}
_OWN_MARK = {"marker": "*", "edgecolor": figures.BLUE, "s": 130, "linewidth": 1.3}


def _panel(axes: Axes, panel: Quantity, points: list[Point]) -> None:
    axes.set_xscale("log")
    for kind in dict.fromkeys(point.kind for point in points):
        chosen = [point for point in points if point.kind == kind]
        x, y = [point.fps for point in chosen], [point.score for point in chosen]
        own = {**_OWN_MARK, "facecolor": "white" if chosen[0].hollow else figures.BLUE}
        axes.scatter(x, y, label=kind, zorder=3, **_MARKS.get(kind, own))
    axes.set(title=panel.label, xlabel="frames per second", ylabel="J&F (points)")
    axes.margins(x=0.14, y=0.12)
    axes.xaxis.set_major_formatter("{x:g}")


def _legend(panels: list[Axes]) -> tuple[list, list[str]]:
    found = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    return list(found.values()), list(found)


def _label_points(axes: Axes, points: list[Point]) -> None:
    """Name each point where the name hides least of other points and names."""
    axes.figure.draw_without_rendering()
    room = axes.get_window_extent().padded(8)
    taken = [_around(axes, point) for point in points]
    for point in sorted(points, key=lambda point: point.score):
        tries = [_annotate(axes, point, place) for place in _PLACES]
        boxes = [text.get_window_extent() for text in tries]
        hidden = [sum(box.overlaps(other) for other in taken) for box in boxes]
        outside = [box.x0 < room.x0 or box.x1 > room.x1 for box in boxes]
        best = min(range(len(tries)), key=lambda index: (hidden[index] + outside[index], index))
        taken.append(boxes[best])
        for text in tries:
            text.remove()
        _annotate(axes, point, _PLACES[best], point_at_it=best >= NEAR)


def _annotate(
    axes: Axes, point: Point, place: tuple[int, int, str], point_at_it: bool = False
) -> Annotation:
    line = {"arrowstyle": "-", "linewidth": 0.5, "color": "#aaaaaa", "shrinkB": 4, "shrinkA": 0}
    return axes.annotate(
        point.name,
        (point.fps, point.score),
        xytext=place[:2],
        textcoords="offset points",
        ha=place[2],
        arrowprops=line if point_at_it else None,
        fontsize=7,
        color=figures.BLUE if point.kind.startswith(OWN) else "#444444",
    )


def _around(axes: Axes, point: Point) -> Bbox:
    x, y = axes.transData.transform((point.fps, point.score))
    return Bbox.from_bounds(x - 7, y - 5, 14, 10)
