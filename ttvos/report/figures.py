"""What all figures share: style, footer, scales, and writing PNG and PDF."""

import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from matplotlib.axis import Axis
from matplotlib.figure import Figure

from ttvos.core.files import atomic_path
from ttvos.plan.manifest import Manifest

# Okabe and Ito's colours, which colour-blind readers can tell apart.
BLUE, RED, GREY = "#0072B2", "#D55E00", "#777777"

_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#999999",
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "pdf.fonttype": 42,
    "figure.facecolor": "white",
}
DPI = 150  # of the PNGs
_FOOTER = 0.3  # inches kept free below the drawing


@dataclass(frozen=True)
class Drawing:
    """One figure. figure: None when this run has nothing to draw; missing then says why.

    name: the files' stem. alt: what there is to see, for readers who cannot. sources: names of
    result files. finding: what follows from it for a claim of the paper, in sentences.
    """

    name: str
    title: str
    caption: str = ""
    figure: Figure | None = None
    alt: str = ""
    missing: str = ""
    sources: tuple[str, ...] = ()
    finding: str = ""


@contextmanager
def style() -> Iterator[None]:
    """The report's look, whatever a matplotlibrc says; nothing outside the block changes.

    Stands above functions that draw, too.
    """
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure, sizes in inches, with room for the footer."""
    figure = Figure(figsize=(width, height), layout="constrained")
    share = _FOOTER / height
    figure.get_layout_engine().set(rect=(0, share, 1, 1 - share))
    return figure


def write_plainly(axis: Axis) -> None:
    """Numbers on a logarithmic axis as "20", not as a power of ten."""
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter("")


def write_figure(drawing: Drawing, manifest: Manifest, out: Path) -> None:
    """Write out/NAME.png and out/NAME.pdf.

    A figure that cannot be drawn is written too, as a sheet that says why, so that nobody
    looks for a file in vain. The same input gives the same bytes: no dates inside.
    """
    with style():
        figure = drawing.figure or _sheet(drawing)
        _footer(figure, manifest)
        with atomic_path(out / f"{drawing.name}.png") as temporary:
            figure.savefig(temporary, format="png", dpi=DPI, metadata={"Software": None})
        with atomic_path(out / f"{drawing.name}.pdf") as temporary:
            figure.savefig(temporary, format="pdf", metadata={"CreationDate": None})


def _sheet(drawing: Drawing) -> Figure:
    figure = new_figure(6.0, 2.0)
    text = "\n".join(textwrap.wrap(f"{drawing.title}: not measured here. {drawing.missing}", 80))
    figure.text(0.5, 0.55, text, ha="center", va="center", color=GREY)
    return figure


def _footer(figure: Figure, manifest: Manifest) -> None:
    text = f"Run: {manifest.profile}. {manifest.caution}"
    width, height = figure.get_size_inches()
    lines = textwrap.wrap(text, int(width * 15), max_lines=2, placeholder=" ...")
    figure.text(0.01, 0.05 / height, "\n".join(lines), fontsize=6.5, color="#8a4b00", va="bottom")
