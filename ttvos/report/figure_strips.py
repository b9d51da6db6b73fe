"""Figure 7-style strips: frame with ground truth, transition map, attention map, prediction."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ttvos.core.errors import UserError
from ttvos.core.video import VOID, davis_palette, overlay
from ttvos.report import figures
from ttvos.report.figures import Drawing, new_figure
from ttvos.report.join import ReportInput
from ttvos.report.results import Result

TITLES = ("frame, ground truth outlined", "transition map", "attention map", "prediction")
ARRAYS = ("frame", "truth", "transition", "attention", "prediction", "names", "numbers")


@dataclass(frozen=True)
class Maps:
    """N frames: frame (N,H,W,3), truth and prediction (N,H,W), uint8; transition and attention
    (N,h,w) float, transition NaN without its head; names and numbers (N,). result: provenance.
    """

    arrays: dict[str, np.ndarray]
    result: Result


def load_maps(report: ReportInput) -> Maps | None:
    """The .npz that the manifest names, or None; UserError when it is damaged."""
    name = report.manifest.maps
    if name is None:
        return None
    path = report.located.path(name)
    return read_maps(path, name)


def read_maps(path: Path, name: str) -> Maps:
    """Read one .npz; no pickled content is ever loaded."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in ARRAYS}
            provenance: Any = json.loads(str(file["provenance"])) if "provenance" in file else None
    except (OSError, KeyError, ValueError, BadZipFile) as error:
        raise UserError(f"{path}: not a readable file of maps ({error}); predict anew") from None
    return Maps(arrays, Result(name, {"provenance": provenance}))


def figure7(report: ReportInput) -> Drawing:
    """One line a frame; a run without maps, or maps of unknown origin, gives no figure."""
    maps = load_maps(report)
    title = "Figure 7: what the model sees"
    if maps is None:
        return Drawing("figure7", title, "", None, missing="This run kept no maps.")
    if maps.result.provenance is None:
        return Drawing("figure7", title, "", None, missing="The maps have no provenance.")
    return Drawing(
        "figure7",
        title,
        "Transition map: foreground minus background, red where the object is expected to enter, "
        "blue where it leaves, one scale for all frames; grey: the model has no such head. "
        "Attention map: channels averaged, each frame on its own scale. Maps are at one eighth of "
        "the frame's size. With several objects, each pixel shows the object whose value is "
        "farthest from zero.",
        draw_strips(maps.arrays),
        alt="Frames of one clip with ground truth, transition map, attention map and prediction.",
        sources=(maps.result.name,),
    )


def draw_strips(arrays: dict[str, np.ndarray]) -> Figure:
    """One line of four pictures a frame."""
    count, height, width = arrays["frame"].shape[:3]
    with figures.style():
        figure = new_figure(10, 0.55 + count * (2.45 * height / width + 0.05))
        grid = figure.subplots(count, len(TITLES), squeeze=False)
        limit = float(np.nan_to_num(np.abs(arrays["transition"])).max()) or 1.0
        for index, line in enumerate(grid):
            _strip(line, arrays, index, limit)
        for axes, title in zip(grid[0], TITLES, strict=True):
            axes.set_title(title, fontsize=9)
        figure.colorbar(
            grid[0][1].images[0],
            ax=grid[:, 1],
            location="bottom",
            shrink=0.7,
            aspect=30,
            pad=0.01,
        ).ax.tick_params(labelsize=7)
    return figure


def _strip(line: np.ndarray, arrays: dict[str, np.ndarray], index: int, limit: float) -> None:
    frame, truth = arrays["frame"][index], arrays["truth"][index]
    prediction = arrays["prediction"][index]
    height, width = truth.shape
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    pictures = (
        {"X": outlined(frame, truth)},
        {"X": arrays["transition"][index], "cmap": "RdBu_r", "vmin": -limit, "vmax": limit},
        {"X": arrays["attention"][index], "cmap": "magma"},
        {"X": overlay(frame, prediction)},
    )
    for axes, picture in zip(line, pictures, strict=True):
        axes.set_facecolor("#dddddd")  # shows where a map is NaN
        axes.imshow(**picture, extent=extent, interpolation="nearest")
        _bare(axes)
    label = f"{arrays['names'][index]}\nframe {int(arrays['numbers'][index])}"
    line[0].set_ylabel(label, fontsize=8)


def _bare(axes: Axes) -> None:
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def outlined(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """frame (H,W,3) with the border of each object of mask (H,W) drawn in its palette colour.

    The line lies inside the object, about 1 pixel in 160 of the frame's width, on a thin white
    rim that keeps it visible on any background. Void is no object.
    """
    ids = np.where(mask == VOID, 0, mask)
    width = max(1, round(mask.shape[1] / 160))
    colours = np.frombuffer(davis_palette(), dtype=np.uint8).reshape(256, 3)
    picture = frame.copy()
    inner = _border(ids, width)
    rim = _border(ids, width + max(1, width // 2)) & ~inner
    picture[rim] = 255
    picture[inner] = colours[ids[inner]]
    return picture


def _border(ids: np.ndarray, width: int) -> np.ndarray:
    """Object pixels with another id at most `width` pixels up, down, left or right."""
    padded = np.pad(ids, width, mode="edge")
    height, columns = ids.shape
    differs = np.zeros(ids.shape, dtype=bool)
    for step in range(1, width + 1):
        for row, column in ((step, 0), (-step, 0), (0, step), (0, -step)):
            top, left = width + row, width + column
            differs |= padded[top : top + height, left : left + columns] != ids
    return differs & (ids > 0)
