"""Live accuracy against the camera's rate: a line for each tracker and device."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ttvos.plan.manifest import data_label
from ttvos.report.figures import Drawing, new_figure, style, write_plainly
from ttvos.report.join import ReportInput
from ttvos.report.live import TITLE, Shown, shown

NAME = "live-curve"
# Okabe and Ito's, without the yellow that is too light for a line.
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
CAPTION = (
    "J&F of the mask on screen against the rate at which a camera delivers the frames of the clips "
    "(logarithmic). Dashed: offline, where the clip waits for the tracker. Every clip has the same "
    "frames at every rate, so what moves moves faster at a higher one. In brackets: the median "
    "latency, and the device that it is of."
)


def figure_live(report: ReportInput) -> Drawing:
    """One panel for each dataset."""
    found = list(shown(report))
    if not found:
        return Drawing(NAME, TITLE, missing="This run played no tracker live (section `live`).")
    return Drawing(
        NAME,
        TITLE,
        CAPTION,
        draw_live(found, {name: _label(report, name) for name in report.manifest.datasets}),
        alt="J&F of the mask on screen against the camera's rate, one line for each tracker.",
        sources=tuple(one.file.name for one in found),
        finding=finding(found),
    )


def _label(report: ReportInput, dataset: str) -> str:
    entry = report.manifest.datasets[dataset]
    return f"{entry.label or data_label(report.manifest)}, {dataset}"


def finding(found: list[Shown]) -> str:
    """What lateness costs each tracker, at the rate that is nearest to 30 frames a second."""
    sentences = []
    for one in found:
        rate = min(one.live.rates, key=lambda rate: abs(rate.rate - 30))
        live, offline = 100 * rate.means.jf_mean, 100 * one.live.offline.jf_mean
        age = f"a mask that is {rate.age.mean:.1f} frames ({rate.age.mean_ms:.0f} ms) old"
        sentences.append(
            f"{one.label}, {one.dataset}: at {rate.rate:g} frames a second a viewer sees {age} in "
            f"the mean, J&F {live:.1f}; offline {offline:.1f}."
        )
    return " ".join(sentences)


@style()
def draw_live(found: list[Shown], labels: dict[str, str]) -> Figure:
    """labels: of the datasets; those on which nobody was played have no panel."""
    datasets = list(dict.fromkeys(one.dataset for one in found))
    figure = new_figure(9, 4.4 if len(datasets) < 3 else 4)
    panels = figure.subplots(1, len(datasets), sharey=True, squeeze=False)[0]
    players = list(dict.fromkeys(one.label for one in found))
    for axes, dataset in zip(panels, datasets, strict=True):
        own = [one for one in found if one.dataset == dataset]
        for one in own:
            _draw(axes, one, COLOURS[players.index(one.label) % len(COLOURS)])
        axes.set(title=labels[dataset], xlabel="camera, frames a second", xscale="log")
        axes.set_xticks(sorted({rate.rate for one in own for rate in one.live.rates}))
        axes.minorticks_off()
        write_plainly(axes.xaxis)
        axes.legend(loc="best")
    panels[0].set_ylabel("live J&F (points)")
    return figure


def _draw(axes: Axes, one: Shown, colour: str) -> None:
    latency, bound = one.live.latency, one.live.upper_bound
    scores = [100 * rate.means.jf_mean for rate in one.live.rates]
    axes.plot(
        [rate.rate for rate in one.live.rates],
        scores,
        color=colour,
        marker="o",
        markersize=4.5,
        markerfacecolor="white" if bound else colour,
        label=f"{one.label} ({latency.p50_ms:.1f} ms, {latency.device})",
    )
    offline = 100 * one.live.offline.jf_mean
    axes.axhline(offline, color=colour, linestyle="--", linewidth=0.9, alpha=0.7)
