"""Live accuracy against the camera's rate: a line for each tracker and device."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ttvos.plan.manifest import data_label
from ttvos.report.figures import Drawing, new_figure, style, write_plainly
from ttvos.report.join import ReportInput
from ttvos.report.live import TITLE, Shown, shown

NAME = "live-curve"
USUAL = 30  # frames a second; what the sentences are about
# Okabe and Ito's, without the yellow that is too light for a line.
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
CAPTION = (
    "J&F of the mask on screen against the rate at which a camera delivers the frames of the "
    "clips (logarithmic); a line for each tracker and the device whose latencies it has. Dashed: "
    "offline, where the clip waits for the tracker. Hollow: masks that were made with every frame "
    "seen, and are only held back. The clips are the same at every rate, so that what moves in "
    "them moves faster at a higher one."
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
    """What a viewer sees at the rate nearest to 30 a second, a sentence a dataset."""
    by_dataset: dict[str, list[str]] = {}
    for one in found:
        rate = min(one.live.rates, key=lambda rate: abs(rate.rate - USUAL))
        scores = f"{100 * rate.means.jf_mean:.1f} ({100 * one.live.offline.jf_mean:.1f})"
        age = f"its mask {rate.age.mean:.1f} frames old in the mean"
        texts = by_dataset.setdefault(f"{one.dataset} at {rate.rate:g} frames a second", [])
        texts.append(f"{one.label} {scores}, {age}")
    return " ".join(
        f"On {where}, J&F live (offline): {'; '.join(texts)}."
        for where, texts in by_dataset.items()
    )


@style()
def draw_live(found: list[Shown], labels: dict[str, str]) -> Figure:
    """labels: of the datasets; those on which nobody was played have no panel."""
    datasets = list(dict.fromkeys(one.dataset for one in found))
    lines = list(dict.fromkeys(map(_line, found)))
    figure = new_figure(9, 4.6)
    panels = figure.subplots(1, len(datasets), sharey=True, squeeze=False)[0]
    for axes, dataset in zip(panels, datasets, strict=True):
        own = [one for one in found if one.dataset == dataset]
        for one in own:
            _draw(axes, one, COLOURS[lines.index(_line(one)) % len(COLOURS)])
        axes.set(title=labels[dataset], xlabel="camera, frames a second", xscale="log")
        axes.set_xticks(sorted({rate.rate for one in own for rate in one.live.rates}))
        axes.minorticks_off()
        write_plainly(axes.xaxis)
    panels[0].set_ylabel("live J&F (points)")
    handles = {h.get_label(): h for axes in panels for h in axes.get_legend_handles_labels()[0]}
    figure.legend(handles=list(handles.values()), loc="outside upper center", ncols=2)
    return figure


def _line(one: Shown) -> tuple[str, str]:
    """What has a line of its own: a tracker on a device."""
    return one.label, one.live.latency.device


def _draw(axes: Axes, one: Shown, colour: str) -> None:
    axes.plot(
        [rate.rate for rate in one.live.rates],
        [100 * rate.means.jf_mean for rate in one.live.rates],
        color=colour,
        marker="o",
        markersize=4.5,
        markerfacecolor="white" if one.live.upper_bound else colour,
        label=f"{one.label}, {one.live.latency.device}",
    )
    offline = 100 * one.live.offline.jf_mean
    axes.axhline(offline, color=colour, linestyle="--", linewidth=0.9, alpha=0.7)
