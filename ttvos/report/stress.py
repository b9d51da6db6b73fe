"""What trackers lose under stress: a table of slopes, and a figure of J&F against strength."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ttvos.config.stress import KINDS
from ttvos.plan.manifest import StressEntry
from ttvos.records.schema import StressTest
from ttvos.report.figures import BLUE, GREY, RED, Drawing, new_figure, style
from ttvos.report.join import ReportInput
from ttvos.report.results import File
from ttvos.report.table import Cell, Column, Table

COLOURS = (RED, BLUE, GREY, "#009E73", "#CC79A7", "#E69F00")
STYLES = ("-", "--", ":")  # of further trackers than there are colours
COLUMNS = 4  # of panels
MISSING = "This run stressed no tracker (its setting stress)."
Tests = dict[str, StressTest]  # by who is stressed


def stress(report: ReportInput) -> Table:
    """A line for each tracker and dataset: J&F, and what each stress takes of it."""
    found = _sourced(report)
    slopes = [
        Column(name, f"{name}, per {kind.per:g}", "extra", kind.what, signed=True)
        for name, kind in KINDS.items()
    ]
    return report.table(
        [
            Column("entry", "Tracker"),
            Column("dataset", "Protocol"),
            Column("jf", "J&F", "extra"),
            *slopes,
        ],
        [_row(entry, file.record) for entry, file in found],
        [file for _, file in found],
        name="stress",
        title="Stress: points lost per unit of strength",
        caption="J&F points that a tracker loses, by the slope of a line through no loss at no "
        "stress; + is a loss. The tracker sees the worse input; its masks are scored against the "
        "truth as it is, of frames left out (skip) only those that it saw, against what it scores "
        "on the same ones when it sees all.",
        sections="dataset",
        notes=tuple(f"{name}: {kind.does}." for name, kind in KINDS.items()) if found else (),
    )


def _sourced(report: ReportInput) -> list[tuple[StressEntry, File[StressTest]]]:
    return [pair for pair in report.stress if pair[1].provenance]


def _row(entry: StressEntry, test: StressTest) -> dict[str, Cell]:
    cells = {"entry": Cell(entry.label), "dataset": Cell(entry.dataset)}
    cells |= {"jf": Cell(100 * test.jf_mean)}
    # Added to nothing, so that no loss has no sign of its own.
    return cells | {slope.stress: Cell(round(100 * slope.lost, 1) + 0.0) for slope in test.slopes}


def stress_curves(report: ReportInput) -> Drawing:
    """J&F against strength, a panel for each stress, a line for each tracker."""
    title, found = "Stress: J&F against strength", _sourced(report)
    several = len({entry.dataset for entry, _ in found}) > 1
    tests = {f"{e.label}, {e.dataset}" if several else e.label: file.record for e, file in found}
    if not tests:
        return Drawing("stress-curves", title, missing=MISSING)
    return Drawing(
        "stress-curves",
        title,
        "At strength 0 stands the input as it is. Where frames are left out (skip), what is lost "
        "on those that are seen is taken from the J&F of all frames.",
        draw_curves(tests),
        alt="Small panels, one a stress: J&F of each tracker falls with the strength.",
        sources=tuple(file.name for _, file in found),
    )


@style()
def draw_curves(tests: Tests) -> Figure:
    """The panels in the order of the kinds, all with one scale of J&F."""
    lines = [line for test in tests.values() for line in test.lines]
    names = [name for name in KINDS if any(line.stress == name for line in lines)]
    rows = -(-len(names) // COLUMNS)
    figure = new_figure(10, 0.9 + 1.9 * rows)
    panels = figure.subplots(rows, COLUMNS, squeeze=False, sharey=True).ravel()
    for axes, name in zip(panels, names, strict=False):
        _panel(axes, name, tests)
    for axes in panels[len(names) :]:
        axes.set_axis_off()
    for axes in panels[::COLUMNS]:
        axes.set_ylabel("J&F (points)")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3)
    return figure


def _panel(axes: Axes, name: str, tests: Tests) -> None:
    for number, (who, test) in enumerate(tests.items()):
        own = [line for line in test.lines if line.stress == name]
        strengths = [0, *(line.strength for line in own)]
        lost = [0.0, *(line.untouched - line.jf_mean for line in own)]
        scores = [100 * (test.jf_mean - each) for each in lost]
        axes.plot(
            strengths,
            scores,
            label=who,
            color=COLOURS[number % len(COLOURS)],
            linestyle=STYLES[number // len(COLOURS) % len(STYLES)],
            marker="o",
            markersize=3,
        )
    axes.set(title=f"{name} ({KINDS[name].what})")
    axes.title.set_fontsize(8.5)
    axes.margins(x=0.08)
