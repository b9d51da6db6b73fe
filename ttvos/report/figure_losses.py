"""Loss curves of every training run, stage by stage."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes

from ttvos.core.errors import UserError
from ttvos.report import figures
from ttvos.report.figures import Drawing, new_figure
from ttvos.report.join import ReportInput

WINDOW = 15  # steps that a drawn point is the mean of
COLUMNS = ("stage", "step", "total")


@dataclass(frozen=True)
class Run:
    """One loss.csv: stage (name), step (from 0 in each stage), total loss."""

    name: str
    seed: int
    table: pd.DataFrame


def losses(report: ReportInput) -> Drawing:
    """One panel a stage, one line a run; runs whose train.json has no provenance are left out."""
    title = "Training: loss curves"
    runs, sources, refused = _runs(report)
    if not runs:
        why = "The runs have no provenance." if refused else "This run trained nothing."
        return Drawing("losses", title, "", None, missing=why)
    stages = list(dict.fromkeys(stage for run in runs for stage in run.table["stage"].unique()))
    with figures.style():
        figure = new_figure(10, 3.6)
        panels = figure.subplots(1, len(stages), squeeze=False)[0]
        for axes, stage in zip(panels, stages, strict=True):
            _panel(axes, stage, runs)
        panels[0].set_ylabel(f"total loss, mean of {WINDOW} steps")
        handles, labels = panels[-1].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right upper")
    return Drawing(
        "losses",
        title,
        f"Sum of all loss terms, by stage, as a running mean of {WINDOW} steps. Experiments have "
        "different terms (Table 4), so heights compare within a run. One colour a row, one line "
        "style a seed.",
        figure,
        alt="Loss over training steps, one panel for each stage, one line for each run.",
        sources=tuple(sources),
    )


def _runs(report: ReportInput) -> tuple[list[Run], list[str], bool]:
    runs, sources, refused = [], [], False
    for row in report.rows:
        for seed, path, train in row.losses:
            if train is None or train.provenance is None:
                refused = True
                continue
            runs.append(Run(row.name, seed, _read(path)))
            sources.append(train.name)
    return runs, sources, refused


def _read(path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise UserError(f"{path}: not a readable loss table ({error}); train anew") from None
    if missing := [name for name in COLUMNS if name not in table]:
        raise UserError(f"{path}: no column {', '.join(missing)}; train anew")
    return table


def _keys(runs: list[Run]) -> list[tuple[str, int]]:
    return [(run.name, run.seed) for run in runs]


def _panel(axes: Axes, stage: str, runs: list[Run]) -> None:
    names, seeds = ([*dict.fromkeys(values)] for values in zip(*_keys(runs), strict=True))
    palette = colormaps["tab20"].colors
    colours = [*palette[::2], *palette[1::2]]
    for run in runs:
        part = run.table[run.table["stage"] == stage]
        smooth = part["total"].rolling(WINDOW, min_periods=1).mean()
        axes.plot(
            part["step"] + 1,
            smooth,
            label=run.name if run.seed == seeds[0] else None,
            color=colours[names.index(run.name) % len(colours)],
            linestyle=("-", "--", ":", "-.")[seeds.index(run.seed) % 4],
            linewidth=1,
        )
    axes.set(title=stage, xlabel="step")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("")
    _few_ticks(axes)


def _few_ticks(axes: Axes) -> None:
    """Ticks between the powers of ten too: a loss seldom spans a whole one."""
    low, high = axes.get_ylim()
    powers = np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    ticks = [factor * 10.0**power for power in powers for factor in (1, 1.5, 2, 3, 5, 7)]
    axes.set_yticks([tick for tick in ticks if low <= tick <= high])
    axes.set_ylim(low, high)
