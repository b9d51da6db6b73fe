"""Loss curves of every training run, stage by stage."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ttvos.core.errors import UserError
from ttvos.report.figures import Drawing, new_figure, style, write_plainly
from ttvos.report.join import ReportInput

TITLE = "Training: loss curves"
WINDOW = 15  # steps that a drawn point is the mean of
COLUMNS = ("stage", "step", "total")
STYLES = ("-", "--", ":", "-.")  # of the seeds


@dataclass(frozen=True)
class Curve:
    """One loss.csv: stage (name), step (from 0 in each stage), total loss."""

    name: str
    seed: int
    table: pd.DataFrame


def losses(report: ReportInput) -> Drawing:
    """One panel a stage, one line a training; those without provenance are left out."""
    logs = [(row.name, *log) for row in report.rows for log in row.losses]
    known = [log for log in logs if log[3] is not None and log[3].provenance]
    if not known:
        why = "The runs have no provenance." if logs else "This run trained nothing."
        return Drawing("losses", TITLE, missing=why)
    return Drawing(
        "losses",
        TITLE,
        f"Sum of all loss terms, by stage, as a running mean of {WINDOW} steps. Experiments have "
        "different terms (Table 4), so heights compare within a run. One colour a row, one line "
        "style a seed.",
        draw_curves([Curve(name, seed, _read(path)) for name, seed, path, _ in known]),
        alt="Loss over training steps, one panel for each stage, one line for each run.",
        sources=tuple(training.name for *_, training in known),
    )


def _read(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not a readable loss table ({error}); train anew") from None
    if missing := [name for name in COLUMNS if name not in table]:
        raise UserError(f"{path}: no column {', '.join(missing)}; train anew")
    return table


@style()
def draw_curves(curves: list[Curve]) -> Figure:
    """A panel for each stage, in the order of the tables."""
    stages = list(dict.fromkeys(stage for curve in curves for stage in curve.table["stage"]))
    figure = new_figure(10, 3.6)
    panels = figure.subplots(1, len(stages), squeeze=False)[0]
    for axes, stage in zip(panels, stages, strict=True):
        _panel(axes, stage, curves)
    panels[0].set_ylabel(f"total loss, mean of {WINDOW} steps")
    handles, labels = panels[-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right upper")
    return figure


def _panel(axes: Axes, stage: str, curves: list[Curve]) -> None:
    names = list(dict.fromkeys(curve.name for curve in curves))
    seeds = list(dict.fromkeys(curve.seed for curve in curves))
    palette = colormaps["tab20"].colors
    colours = [*palette[::2], *palette[1::2]]
    for curve in curves:
        part = curve.table[curve.table["stage"] == stage]
        axes.plot(
            part["step"] + 1,
            part["total"].rolling(WINDOW, min_periods=1).mean(),
            label=curve.name if curve.seed == seeds[0] else None,
            color=colours[names.index(curve.name) % len(colours)],
            linestyle=STYLES[seeds.index(curve.seed) % len(STYLES)],
            linewidth=1,
        )
    axes.set(title=stage, xlabel="step", yscale="log")
    write_plainly(axes.yaxis)
    _add_ticks(axes)


def _add_ticks(axes: Axes) -> None:
    """Ticks between the powers of ten too: a loss seldom spans a whole one."""
    low, high = axes.get_ylim()
    powers = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    ticks = [factor * 10.0**power for power in powers for factor in (1, 1.5, 2, 3, 5, 7)]
    axes.set_yticks([tick for tick in ticks if low <= tick <= high])
    axes.set_ylim(low, high)
