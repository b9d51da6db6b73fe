"""A table of what single switches of a recipe do, each against the same base.

A switch's folder of published results holds one row, the base's folder that row too. Seeds and
sequences are matched by number and by name (`ttvos.evaluation.compare`).
"""

from pathlib import Path
from statistics import fmean

from ttvos.core.errors import UserError
from ttvos.core.text import markdown_table
from ttvos.evaluation.compare import Arms, Tested, judge_claims
from ttvos.report.intervals import kept_by_seed, paired
from ttvos.report.publication.form import Published, read_published


def switches(folders: list[Path]) -> str:
    """Markdown table: a line for each folder, the base first, a column for each of its data sets.

    Raises UserError for a switch with several rows, and for one that shares no seed or no sequence
    with the base.
    """
    base, *others = [_read(folder) for folder in folders]
    row = _row(others[0]) if others else _row(base)
    labels = {x.dataset: x.dataset_label for x in base.scores if x.row == row}
    places = [(other, dataset) for other in others for dataset in labels]
    tested = judge_claims([_arms(other, base, _row(other), dataset) for other, dataset in places])
    found = {(other.name, d): one for (other, d), one in zip(places, tested, strict=True)}
    rows = [[base.title, *(f"{_mean(base, row, dataset):.1f}" for dataset in labels)]]
    for other in others:
        cells = (_cell(_mean(other, row, name), found[other.name, name]) for name in labels)
        rows.append([other.title, *cells])
    heads = ["recipe", *(f"{label}: J&F, and difference" for label in labels.values())]
    return markdown_table(heads, rows)


def _read(folder: Path) -> Published:
    return next(one for one in read_published(folder.parent) if one.name == folder.name)


def _row(published: Published) -> str:
    rows = {line.row for line in published.scores if line.kind == "model"}
    if len(rows) != 1:
        raise UserError(f"{published.name}: a switch has one trained row, not {len(rows)}")
    return rows.pop()


def _arms(other: Published, base: Published, row: str, dataset: str) -> Arms:
    arms = paired(kept_by_seed(other, row, dataset), kept_by_seed(base, row, dataset))
    if arms is None:
        raise UserError(f"{other.name}: shares no seed of {row} on {dataset} with {base.name}")
    return arms


def _mean(published: Published, row: str, dataset: str) -> float:
    return fmean(scores.mean for scores in kept_by_seed(published, row, dataset).values())


def _cell(mean: float, tested: Tested) -> str:
    text = f"{mean:.1f}, {tested.mean:+.1f}"
    if tested.seeds > 1 and tested.difference:
        text += f" [{tested.difference.low:+.1f}, {tested.difference.high:+.1f}]"
    return f"{text} ({tested.seeds} seed{'s' * (tested.seeds != 1)})"
