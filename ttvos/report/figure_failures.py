"""Figures of why methods fail: what was lost to what, and how long objects survive."""

from collections.abc import Iterable

from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ttvos.evaluation.failures import CATEGORIES
from ttvos.evaluation.survival import BELOW, survival
from ttvos.report.failures import LABELS, accounts, object_series
from ttvos.report.figures import Drawing, new_figure, style
from ttvos.report.join import ReportInput
from ttvos.report.results import Entry

# From the worst kind of error to the least, Okabe and Ito's; what was kept is grey.
COLOURS = dict(
    zip(CATEGORIES, ("#CC79A7", "#000000", "#D55E00", "#E69F00", "#0072B2", "#56B4E9"), strict=True)
)
KEPT = "#dddddd"
MISSING = "This run accounted for no lost points (its setting failures is off, or nothing scored)."
Bars = list[tuple[str, float, dict[str, float]]]  # name, J&F, lost points by category


def lost_points(report: ReportInput) -> Drawing:
    """A stacked bar for each method, one panel a dataset."""
    title, found = "Where J&F is lost", accounts(report)
    if not found:
        return Drawing("lost-points", title, missing=MISSING)
    panels: dict[str, Bars] = {}
    for one in found:
        means = [record.means for record in one.records]
        share = 100 / len(means)
        points = {key: share * sum(m.lost_points[key] for m in means) for key in CATEGORIES}
        bar = (one.entry.label, share * sum(m.jf_mean for m in means), points)
        panels.setdefault(one.dataset, []).append(bar)
    return Drawing(
        "lost-points",
        title,
        "J&F (grey) and the points lost, by category, which add up to 100. A category may be "
        "slightly below nothing where a fix makes the contour worse before the next one mends it; "
        "such a piece is not drawn.",
        draw_bars(panels),
        alt="Stacked bars of J&F and lost points by category, one bar a method.",
        sources=tuple(file.name for one in found for file in one.files),
    )


@style()
def draw_bars(panels: dict[str, Bars]) -> Figure:
    """Panels side by side, their first method on top."""
    longest = max(map(len, panels.values()))
    figure = new_figure(10, 1.5 + 0.24 * longest)
    for axes, (name, bars) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True
    ):
        _stack(axes, bars)
        axes.set(title=name, xlabel="points", xlim=(0, 100))
        axes.grid(axis="y", visible=False)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside upper center", ncols=7)
    return figure


def _stack(axes: Axes, bars: Bars) -> None:
    names, left = [name for name, _, _ in bars], [0.0] * len(bars)
    pieces = {"J&F": ([jf for _, jf, _ in bars], KEPT)}
    # What is told first in the table stands last here: next to J&F is what is least wrong.
    for key in reversed(CATEGORIES):
        pieces[LABELS[key]] = ([max(0.0, p[key]) for _, _, p in bars], COLOURS[key])
    places = range(len(bars))
    for label, (widths, colour) in pieces.items():
        axes.barh(places, widths, left=left, label=label, color=colour, height=0.7, zorder=3)
        left = [a + b for a, b in zip(left, widths, strict=True)]
    axes.set_yticks(places, names, fontsize=7)
    axes.invert_yaxis()


def survival_curves(report: ReportInput) -> Drawing:
    """The share of objects never yet below J 0.5, one panel a dataset."""
    title, panels, sources = f"Survival: objects never yet below J {BELOW:g}", {}, []
    for dataset in report.manifest.datasets:
        curves = {}
        for entry in _entries(report):
            files = [file for file in entry.evaluate.get(dataset, ()) if file.provenance]
            if series := object_series(files):
                curves[entry.label] = survival(series)
                sources += files
        if curves:
            panels[dataset] = curves
    if not panels:
        return Drawing("survival", title, missing="No scores of frames with provenance.")
    return Drawing(
        "survival",
        title,
        "By frame, from the given mask on (frame 0). An object whose sequence ends has not failed "
        "and leaves the count (Kaplan and Meier's estimate): where few are still followed, the end "
        "of a curve hangs on each of them. Objects are those of all seeds together.",
        draw_survival(panels),
        alt="Step curves of the share of objects never yet below J 0.5 against the frame.",
        sources=tuple(dict.fromkeys(file.name for file in sources)),
    )


def _entries(report: ReportInput) -> Iterable[Entry]:
    return (*report.rows, *report.references, *report.masks, *report.published, *report.peers)


@style()
def draw_survival(panels: dict[str, dict[str, list[tuple[float, int]]]]) -> Figure:
    """Step curves; names in the order of the curves' ends in the first panel, the best first."""
    figure = new_figure(10, 3.8)
    names = list(dict.fromkeys(name for curves in panels.values() for name in curves))
    palette = colormaps["tab20"].colors
    colours = dict(zip(names, [*palette[::2], *palette[1::2]] * len(names), strict=False))
    for axes, (dataset, curves) in zip(
        figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True
    ):
        for name, curve in sorted(curves.items(), key=lambda pair: -pair[1][-1][0]):
            shares = [100 * share for share, _ in curve]
            axes.step(range(len(shares)), shares, where="post", label=name, color=colours[name])
        axes.set(title=dataset, xlabel="frame", ylabel="objects, %", ylim=(-2, 102))
        axes.xaxis.get_major_locator().set_params(integer=True)
    labelled = [pair for axes in figure.axes for pair in _legend(axes)]
    handles = {label: handle for handle, label in reversed(labelled)}
    names = list(dict.fromkeys(label for _, label in labelled))
    figure.legend([handles[n] for n in names], names, loc="outside right upper", fontsize=6.5)
    return figure


def _legend(axes: Axes) -> list[tuple]:
    """Handles and labels, in pairs."""
    return list(zip(*axes.get_legend_handles_labels(), strict=True))
