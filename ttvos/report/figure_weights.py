"""Figure 9: the adaptive update weight against the object's size, its drawings and what it shows.

The report and `notebooks/adaptive_weight.ipynb` both use these, so they cannot disagree.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ttvos.plan.manifest import Located, Manifest, data_label
from ttvos.records.schema import Predictions, Scores
from ttvos.report.correlation import (
    Correlation,
    describe_correlation,
    least_telling,
    pearson,
)
from ttvos.report.figures import BLUE, RED, Drawing, new_figure, style
from ttvos.report.results import File, load_file

VARIANT, BACKBONE, YEARS = "exp8", "hrnet", (2017, 2016)
FOLLOWED = 0.5  # J-Mean from which an object counts as followed
VARIES = 0.05  # range of weights, of the 0 to 1 that they may take, from which they count as varied
CLAIM = (  # docs/facts.md, section 2
    "The paper's Figure 9 finds the weight inversely proportional to the object's share of the "
    "frame: the larger the object, the smaller the weight."
)
TITLES = {
    "figure9a": "Figure 9a: first update weight and object size",
    "figure9b": "Figure 9b: a shrinking object",
    "figure9c": "Figure 9c: a growing object",
}


@dataclass(frozen=True)
class ObjectCurve:
    """One object over one clip.

    ratio: (T,) share of the frame that is foreground, 0 to 1; [0] is the given mask, the
    others are predicted. weight: (T-1,) update weight w_t in 0 to 1 of frames 1 to T-1.
    """

    sequence: str
    object: int
    ratio: np.ndarray
    weight: np.ndarray

    @property
    def name(self) -> str:
        """Sequence and object id, as the evaluation names them."""
        return f"{self.sequence}_{self.object}"


def curves(sequences: dict[str, Any]) -> list[ObjectCurve]:
    """All objects of a predict.json's "sequences" that have update weights, in file order."""
    found = []
    for name, entry in sequences.items():
        if not entry.get("update_weights"):
            continue
        ratio = np.array(entry["foreground_ratio"], dtype=float)
        weight = np.array(entry["update_weights"], dtype=float)
        for index, number in enumerate(entry["objects"]):
            found.append(ObjectCurve(name, int(number), ratio[:, index], weight[:, index]))
    return found


def first_frame_points(objects: Iterable[ObjectCurve]) -> tuple[np.ndarray, np.ndarray]:
    """Figure 9a: per object, the given mask's foreground ratio and the first update weight."""
    pairs = [(curve.ratio[0], curve.weight[0]) for curve in objects]
    values = np.array(pairs, dtype=float).reshape(-1, 2)
    return values[:, 0], values[:, 1]


def relative_change(ratio: np.ndarray) -> float:
    """Change over the whole clip as a share of the mean: slope of a straight line / mean.

    -1 means that the line falls by one mean ratio from the first frame to the last; 0 for an
    object that is never there.
    """
    ratio = np.asarray(ratio, dtype=float)
    if len(ratio) < 2 or ratio.mean() == 0:
        return 0.0
    time = np.linspace(0.0, 1.0, len(ratio))
    return float(np.polyfit(time, ratio, 1)[0] / ratio.mean())


def pick_changing(
    objects: Iterable[ObjectCurve], followed: Collection[str] | None = None
) -> tuple[ObjectCurve | None, ObjectCurve | None]:
    """Figure 9b, c: the object that shrinks most and the one that grows most, or None.

    followed: names of the objects that the tracker did not lose; a lost object's mask shrinks
    too, but shows nothing about size. None takes all objects.
    """
    known = [curve for curve in objects if followed is None or curve.name in followed]
    ordered = sorted(known, key=lambda curve: relative_change(curve.ratio))
    shrinking = next((c for c in ordered if relative_change(c.ratio) < 0), None)
    growing = next((c for c in reversed(ordered) if relative_change(c.ratio) > 0), None)
    return shrinking, growing


@dataclass(frozen=True)
class WeightData:
    """Material of Figure 9: one run of the full model on one dataset.

    followed: objects with a J-Mean of at least `FOLLOWED`; None if the run was not evaluated.
    """

    dataset: str
    seed: int
    objects: tuple[ObjectCurve, ...]
    followed: frozenset[str] | None
    sources: tuple[str, ...]


def load_weights(located: Located) -> WeightData | str:
    """Read the run that Figure 9 shows, or say why there is none.

    The full model with HRNet, its first seed, on the first dataset with predictions, those of
    `YEARS` first: a dataset's name decides nothing.
    Only these files are opened, so the notebook can run before the rest is measured.
    """
    for row in located.manifest.rows:
        if (row.variant, row.backbone) != (VARIANT, BACKBONE):
            continue
        for dataset in sorted(row.predict, key=lambda name: _place(located.manifest, name)):
            paths = row.predict[dataset]
            index = next((index for index, path in enumerate(paths) if path), None)
            if index is None:
                continue
            predicted, evaluated = (
                load_file(located, found[index] if index < len(found) else None, kind)
                for found, kind in (
                    (paths, Predictions),
                    (row.evaluate.get(dataset, ()), Scores),
                )
            )
            seed = row.seeds[index] if index < len(row.seeds) else index
            return _weight_data(dataset, seed, predicted, evaluated)
    return f"This run has no predictions of {VARIANT} with {BACKBONE}."


def _place(manifest: Manifest, dataset: str) -> int:
    """Where a dataset stands in the order of `YEARS`; after them where it is of none."""
    entry = manifest.datasets.get(dataset)
    return YEARS.index(entry.year) if entry and entry.year in YEARS else len(YEARS)


def _weight_data(
    dataset: str, seed: int, predicted: File[Predictions] | None, evaluated: File[Scores] | None
) -> WeightData | str:
    if predicted is None or predicted.provenance is None:
        return "The predictions have no provenance."
    objects = curves(predicted.record.sequences)
    if not objects:
        return "The predictions have no update weights."
    followed, sources = None, [predicted.name]
    if evaluated is not None and evaluated.provenance is not None:
        scores = evaluated.record.objects
        followed = frozenset(name for name, s in scores.items() if s.j_mean >= FOLLOWED)
        sources.append(evaluated.name)
    return WeightData(dataset, seed, tuple(objects), followed, tuple(sources))


def figure9(located: Located) -> tuple[Drawing, Drawing, Drawing]:
    """The three parts of Figure 9."""
    data = load_weights(located)
    finding = conclusion(data, located.manifest)
    if isinstance(data, str):
        a, b, c = (
            Drawing(name, title, missing=data, finding=finding) for name, title in TITLES.items()
        )
        return a, b, c
    shrinking, growing = pick_changing(data.objects, data.followed)
    return (
        scatter_drawing(data, data_label(located.manifest), finding),
        curve_drawing("figure9b", "shrinks", shrinking, data),
        curve_drawing("figure9c", "grows", growing, data),
    )


def conclusion(data: WeightData | str, manifest: Manifest) -> str:
    """What the paper finds, and whether the run supports it, contradicts it or cannot tell.

    data: as `load_weights` returns it. It is decided by the points of Figure 9a: weights that
    hardly vary (`VARIES`) show nothing, whatever r is; else by whether the interval of r lies on
    one side of 0.
    """
    if isinstance(data, str):
        return f"{CLAIM} {data}"
    label = data_label(manifest)
    other = "" if manifest.comparable.accuracy else "; its data or its training are not the paper's"
    run = f"This run ({data.dataset}, {label}, seed {data.seed}{other})"
    return f"{CLAIM} {run} {_verdict(*first_frame_points(data.objects))}"


def _verdict(ratio: np.ndarray, weight: np.ndarray) -> str:
    found = pearson(ratio, weight)
    words = describe_correlation(found)
    if found.n > 1 and np.ptp(weight) < VARIES:
        return (
            f"shows nothing of it: over its {found.n} objects {describe_range(weight)}, whatever "
            "their size."
        )
    if found.low is None or found.high is None:
        return f"cannot tell: {words}."
    if found.low <= 0 <= found.high:
        least = least_telling(found.n, found.confidence)
        return f"cannot tell: {words}; of so many objects only an r beyond ±{least:.2f} would tell."
    if found.high < 0:
        return f"supports its sign: {words}; the whole interval lies below 0."
    return f"contradicts it: {words}; the whole interval lies above 0."


def describe_range(weight: np.ndarray) -> str:
    """Between which values update weights lie, and whether that counts as varied."""
    text = f"the weight lies between {weight.min():.3g} and {weight.max():.3g}"
    return text if np.ptp(weight) >= VARIES else f"{text} and so hardly varies"


def scatter_drawing(data: WeightData, label: str, finding: str) -> Drawing:
    """Figure 9a."""
    ratio, weight = first_frame_points(data.objects)
    correlation = pearson(ratio, weight)
    words = describe_correlation(correlation)
    return Drawing(
        "figure9a",
        TITLES["figure9a"],
        f"One point an object of {data.dataset} ({label}), seed {data.seed}: the share of the "
        f"frame that the given first mask covers, and the weight of the first update. {words}.",
        draw_scatter(ratio, weight, correlation),
        alt=f"Scatter plot of first update weight against foreground ratio. {words}.",
        sources=data.sources,
        finding=finding,
    )


@style()
def draw_scatter(ratio: np.ndarray, weight: np.ndarray, correlation: Correlation) -> Figure:
    """Weight against foreground ratio (percent), with the least-squares line."""
    figure = new_figure(4.6, 3.6)
    axes = figure.subplots()
    axes.scatter(100 * ratio, weight, s=26, color=BLUE, alpha=0.8, zorder=3)
    if correlation.r is not None:
        ends = np.array([ratio.min(), ratio.max()])
        line = np.polyval(np.polyfit(ratio, weight, 1), ends)
        axes.plot(100 * ends, line, color=RED, linewidth=1.2)
    axes.set(xlabel="foreground of the first mask (% of the frame)", ylabel="update weight w₁")
    axes.set_title(describe_correlation(correlation), fontsize=8, fontweight="normal")
    return figure


def curve_drawing(name: str, verb: str, curve: ObjectCurve | None, data: WeightData) -> Drawing:
    """Figure 9b or c: one object over time, or why none is shown."""
    if curve is None:
        who = "object" if data.followed is None else f"object with J of at least {FOLLOWED}"
        return Drawing(name, TITLES[name], missing=f"No {who} {verb} in this data.")
    chosen = "of all objects" if data.followed is None else f"of those with J ≥ {FOLLOWED}"
    return Drawing(
        name,
        TITLES[name],
        f"{curve.name}, the object that {verb} most by a straight line, {chosen} ({data.dataset}, "
        f"seed {data.seed}): its share of the frame goes from {curve.ratio[0]:.1%} in the first "
        f"frame to {curve.ratio[-1]:.1%} as predicted in the last; {describe_range(curve.weight)}.",
        draw_curve(curve),
        alt=f"Foreground ratio and update weight of {curve.name} over the clip.",
        sources=data.sources,
    )


@style()
def draw_curve(curve: ObjectCurve) -> Figure:
    """Foreground ratio (left axis, from the given frame 0 on) and update weight (right axis)."""
    figure = new_figure(4.6, 3.6)
    left = figure.subplots()
    right = left.twinx()
    frames = np.arange(len(curve.ratio))
    left.plot(frames, 100 * curve.ratio, color=BLUE)
    right.plot(frames[1:], curve.weight, color=RED, linestyle="--")
    _colour_axis(left, "left", BLUE, "foreground (% of the frame), solid")
    _colour_axis(right, "right", RED, "update weight w, dashed")
    right.grid(visible=False)
    left.set(xlabel="frame", title=curve.name)
    left.xaxis.get_major_locator().set_params(integer=True)
    return figure


def _colour_axis(axes: Axes, side: str, colour: str, label: str) -> None:
    axes.set_ylabel(label, color=colour)
    axes.tick_params(axis="y", labelcolor=colour)
    axes.spines[side].set(color=colour, visible=True)
