"""Figure 7-style strips: frame with ground truth, transition map, attention map, prediction."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy import ndimage

from ttvos.core.errors import UserError
from ttvos.core.video import VOID, davis_palette, overlay
from ttvos.records.schema import Result
from ttvos.records.store import parse
from ttvos.report.figures import Drawing, new_figure, style
from ttvos.report.join import ReportInput
from ttvos.report.results import File

TITLE = "Figure 7: what the model sees"
HEADS = ("frame, ground truth outlined", "transition map", "attention map", "prediction")
ARRAYS = ("frame", "truth", "transition", "attention", "prediction", "names", "numbers")


@dataclass(frozen=True)
class Maps:
    """N frames: frame (N,H,W,3), truth and prediction (N,H,W), uint8; transition and attention
    (N,h,w) float, transition NaN without its head; names and numbers (N,). result: provenance.
    """

    arrays: dict[str, np.ndarray]
    result: File


def load_maps(report: ReportInput) -> Maps | None:
    """The .npz that the manifest names, or None; UserError when it is damaged."""
    name = report.manifest.maps
    return None if name is None else read_maps(report.located.path(name), name)


def read_maps(path: Path, name: str) -> Maps:
    """Read one .npz; no pickled content is ever loaded."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in ARRAYS}
            provenance: Any = json.loads(str(file["provenance"])) if "provenance" in file else None
    except (OSError, KeyError, ValueError, BadZipFile) as error:
        raise UserError(f"{path}: not a readable file of maps ({error}); predict anew") from None
    return Maps(arrays, File(name, parse({"provenance": provenance}, Result, name)))


def figure7(report: ReportInput) -> Drawing:
    """One line a frame; a run without maps, or maps of unknown origin, gives no figure."""
    maps = load_maps(report)
    if maps is None:
        return Drawing("figure7", TITLE, missing="This run kept no maps.")
    if maps.result.provenance is None:
        return Drawing("figure7", TITLE, missing="The maps have no provenance.")
    return Drawing(
        "figure7",
        TITLE,
        "Transition map: foreground minus background, red where the object is expected to enter, "
        "blue where it leaves, one scale for all frames; grey: the model has no such head. "
        "Attention map: channels averaged, each frame on its own scale. Maps are at one eighth of "
        "the frame's size. With several objects, each pixel shows the object whose value is "
        "farthest from zero.",
        draw_strips(maps.arrays),
        alt="Frames of one clip with ground truth, transition map, attention map and prediction.",
        sources=(maps.result.name,),
    )


@style()
def draw_strips(arrays: dict[str, np.ndarray]) -> Figure:
    """One line of four pictures a frame; arrays: see `Maps`."""
    count, height, width = arrays["frame"].shape[:3]
    figure = new_figure(10, 0.55 + count * (2.45 * height / width + 0.05))
    grid = figure.subplots(count, len(HEADS), squeeze=False)
    limit = float(np.nan_to_num(np.abs(arrays["transition"])).max()) or 1.0
    for index, line in enumerate(grid):
        _strip(line, {key: array[index] for key, array in arrays.items()}, limit)
    for axes, head in zip(grid[0], HEADS, strict=True):
        axes.set_title(head, fontsize=9)
    place = {"location": "bottom", "shrink": 0.7, "aspect": 30, "pad": 0.01}
    bar = figure.colorbar(grid[0][1].images[0], ax=grid[:, 1], **place)
    bar.ax.tick_params(labelsize=7)
    return figure


def _strip(line: np.ndarray, frame: dict[str, np.ndarray], limit: float) -> None:
    """The pictures of one frame. limit: of the transition map's scale."""
    height, width = frame["truth"].shape
    extent = (-0.5, width - 0.5, height - 0.5, -0.5)
    pictures = (
        {"X": outlined(frame["frame"], frame["truth"])},
        {"X": frame["transition"], "cmap": "RdBu_r", "vmin": -limit, "vmax": limit},
        {"X": frame["attention"], "cmap": "magma"},
        {"X": overlay(frame["frame"], frame["prediction"])},
    )
    for axes, picture in zip(line, pictures, strict=True):
        axes.set_facecolor("#dddddd")  # shows where a map is NaN
        axes.imshow(**picture, extent=extent, interpolation="nearest")
        _bare(axes)
    line[0].set_ylabel(f"{frame['names']}\nframe {int(frame['numbers'])}", fontsize=8)


def _bare(axes: Axes) -> None:
    axes.set(xticks=[], yticks=[])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


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
    picture[_border(ids, width + max(1, width // 2)) & ~inner] = 255
    picture[inner] = colours[ids[inner]]
    return picture


def _border(ids: np.ndarray, width: int) -> np.ndarray:
    """Object pixels with another id at most `width` pixels up, down, left or right."""
    cross = np.zeros((2 * width + 1, 2 * width + 1), dtype=bool)
    cross[width], cross[:, width] = True, True
    lowest = ndimage.minimum_filter(ids, footprint=cross, mode="nearest")
    highest = ndimage.maximum_filter(ids, footprint=cross, mode="nearest")
    return (lowest != highest) & (ids > 0)
