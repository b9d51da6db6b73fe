"""Speed against accuracy as a scatter plot: points of several kinds, their names beside them."""

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.ticker import LogLocator
from matplotlib.transforms import Bbox

from ttvos.report.figures import BLUE, GREY, RED, new_figure, style, write_plainly
from ttvos.report.quantities import DAVIS16, DAVIS17, Quantity

PANELS = (DAVIS16, DAVIS17)
# How a point looks: its marker, colour, size in square points; "line" is an outline's width.
MARKS = {
    "paper": {"marker": "o", "color": GREY, "s": 28},
    "ttvos": {"marker": "*", "color": RED, "s": 110},
    "own": {"marker": "*", "color": BLUE, "s": 130},
    "masks": {"marker": "D", "color": BLUE, "s": 42},
    "scored": {"marker": "o", "color": BLUE, "s": 36},
    "record": {"marker": "s", "color": GREY, "s": 34},
    "published": {"marker": "o", "color": "#222222", "s": 16},
}
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

    mark: of MARKS. hollow: speed or accuracy is not the quantity that the other points show.
    origin: a score at the same speed that a line leads to; such a point has no name of its own.
    """

    name: str
    fps: float
    score: float
    kind: str
    mark: str = "own"
    hollow: bool = False
    origin: float | None = None


@style()
def scatter(points: dict[str, list[Point]]) -> Figure:
    """Two panels, DAVIS16 and DAVIS17. points: by the key of the panel's quantity."""
    figure = new_figure(10, 4.8)
    for axes, panel in zip(figure.subplots(1, len(PANELS)), PANELS, strict=True):
        _panel(axes, panel, points[panel.key])
    _add_legend(figure)
    for axes, panel in zip(figure.axes, PANELS, strict=True):
        _label_points(axes, points[panel.key])
    return figure


def _add_legend(figure: Figure) -> None:
    """Above the panels, in as many columns as the figure is wide enough for."""
    found = {}
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    for columns in range(len(found), 0, -1):
        entries = (found.values(), found)
        legend = figure.legend(*entries, loc="outside upper center", ncols=columns)
        if columns == 1 or legend.get_window_extent().width <= figure.bbox.width:
            return
        legend.remove()


def _panel(axes: Axes, panel: Quantity, points: list[Point]) -> None:
    axes.set_xscale("log")
    for kind in dict.fromkeys(point.kind for point in points):
        chosen = [point for point in points if point.kind == kind]
        mark = dict(MARKS[chosen[0].mark])
        colour = mark.pop("color")
        mark |= {"edgecolor": colour, "facecolor": colour, "linewidth": 1}
        if chosen[0].hollow:
            mark |= {"facecolor": "white", "linewidth": 1.3}
        x, y = [point.fps for point in chosen], [point.score for point in chosen]
        axes.scatter(x, y, label=kind, zorder=3, **mark)
        for point in chosen:
            if point.origin is not None:
                ends = (point.origin, point.score)
                axes.plot((point.fps, point.fps), ends, color=colour, linewidth=0.6, zorder=2)
    axes.set(title=panel.label, xlabel="frames per second", ylabel="J&F (points)")
    axes.margins(x=0.14, y=0.12)
    decades = np.ptp(np.log10(axes.get_xlim()))
    axes.xaxis.set_major_locator(LogLocator(subs=(1,) if decades > 2 else (1, 2, 5)))
    write_plainly(axes.xaxis)


def _label_points(axes: Axes, points: list[Point]) -> None:
    """Name each point where the name hides least of other points and names."""
    axes.figure.draw_without_rendering()
    room, top = axes.get_window_extent().padded(8), axes.get_window_extent().y1
    taken = [_around(axes, point) for point in points]
    named = [point for point in points if point.origin is None]
    for point in sorted(named, key=lambda point: point.score):
        text = _annotate(axes, point, (0, 0, "left"))
        box = text.get_window_extent()
        text.remove()
        boxes = [_moved(box, place, axes.figure.dpi / 72) for place in _PLACES]
        hidden = [sum(box.overlaps(other) for other in taken) for box in boxes]
        outside = [box.x0 < room.x0 or box.x1 > room.x1 or box.y1 > top for box in boxes]
        misleads = [_is_nearer_another(axes, box, point, points) for box in boxes]
        faults = [sum(all_of) for all_of in zip(hidden, outside, misleads, strict=True)]
        best = min(range(len(boxes)), key=lambda index: (faults[index], index))
        taken.append(boxes[best])
        _annotate(axes, point, _PLACES[best], point_at_it=best >= NEAR)


def _is_nearer_another(axes: Axes, box: Bbox, own: Point, points: list[Point]) -> bool:
    """Whether a name there would stand nearer to another method's point than to its own."""

    def distance(point: Point) -> float:
        x, y = axes.transData.transform((point.fps, point.score))
        return np.hypot(max(box.x0 - x, 0, x - box.x1), max(box.y0 - y, 0, y - box.y1))

    others = [point for point in points if point.fps != own.fps]  # a method's points share a speed
    return any(distance(other) < distance(own) for other in others)


def _moved(box: Bbox, place: tuple[int, int, str], pixels: float) -> Bbox:
    """Where a text is in another place, whose box begins at its point. pixels: in a point."""
    x, y, side = place
    share = {"left": 0.0, "center": 0.5, "right": 1.0}[side]
    return box.translated(pixels * x - share * box.width, pixels * y)


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
        color=BLUE if MARKS[point.mark]["color"] == BLUE else "#444444",
    )


def _around(axes: Axes, point: Point) -> Bbox:
    x, y = axes.transData.transform((point.fps, point.score))
    return Bbox.from_bounds(x - 7, y - 5, 14, 10)
