"""What the repository keeps in results-published, as evidence for the paper's tables: scores of
models and of published masks, what peers cost, how fast rows are.
"""

from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from ttvos.config.experiments import load_rows
from ttvos.config.peers import Peer
from ttvos.data.davis import VAL
from ttvos.plan.manifest import RowEntry, method_of
from ttvos.records.schema import Cost, Live, Speed
from ttvos.records.store import read
from ttvos.report.publication.form import Published, Score, read_published
from ttvos.report.results import Entry, File, PeerResults
from ttvos.report.verdicts import PAPER_SPLIT, PAPER_YEARS

# Of `ttvos cost`, `ttvos speed` and `ttvos live`.
COSTS, SPEEDS, LIVES = "peers/*.json", "performance/speed-*.json", "live/*.json"


@dataclass(frozen=True)
class KeptScores:
    """Scores of one row of a kept folder on one dataset. lines: one a seed."""

    published: Published
    lines: tuple[Score, ...]

    @property
    def row(self) -> Score:
        """Any of the lines: all are of the same row and dataset."""
        return self.lines[0]

    @property
    def data(self) -> dict[str, Any]:
        """What was scored: label, year, split, sequences, input scale, evaluator."""
        return self.published.record["datasets"][self.row.dataset]

    @property
    def is_trained(self) -> bool:
        """Whether weights of this project made the masks."""
        return self.row.kind == "model"

    @property
    def is_masks(self) -> bool:
        """Whether others made the masks; references are neither."""
        return self.row.kind in ("published", "masks")

    @property
    def protocol(self) -> str:
        """ "davis16" or "davis17", by year and split; "" where the paper has no such set."""
        year = self.data["year"] if self.data["split"] == PAPER_SPLIT else None
        return next((name for name, of in PAPER_YEARS.items() if of == year), "")

    @property
    def obstacle(self) -> str | None:
        """Why it is not the paper's quantity; None where it is."""
        whole = set(VAL.get(self.data["year"], ()))
        here = whole & set(self.data["sequences"])
        part = f"{len(here)} of the validation set's {len(whole)} sequences"
        reasons = [] if here == whole else [part]
        if self.is_trained:
            scale, claim = self.data["input_scale"], self.published.record.get("comparable") or {}
            reasons += [f"frames tracked at {scale:g} of their size"] if scale != 1 else []
            reason = claim.get("reason") or "not trained as in the paper"
            reasons += [] if claim.get("accuracy") else [reason]
        return "; ".join(reasons) or None

    @property
    def origin(self) -> str:
        """Folder, data, device and date, in words."""
        label = self.data["label"]
        return f"{self.published.where}: {label}, {self.published.devices}, {self.published.date}"

    def rank(self, number: int | None = None) -> tuple:
        """Larger for what says more: the paper's quantity, the longer split, frames at full size,
        the longer training, the later measurement.

        number: of a table of the paper's that compares its own lines; before the longer training
        goes the folder that has more of these lines, because all of them were trained alike.
        """
        size, steps = len(self.data["sequences"]), max(line.steps or 0 for line in self.lines)
        lines = _rows_in(self.published, number)
        quantity = (not self.obstacle, size, self.data["input_scale"] == 1)
        return (*quantity, lines, steps, self.published.date)


@dataclass(frozen=True)
class Kept:
    """All that is kept. costs: of peers, by name. speeds: of rows. lives: live accuracy."""

    published: tuple[Published, ...] = ()
    costs: dict[str, File[Cost]] = field(default_factory=dict)
    speeds: tuple[File[Speed], ...] = ()
    lives: tuple[File[Live], ...] = ()

    def scores(self) -> list[KeptScores]:
        """Every row's scores on every dataset; what says most comes first."""
        found = []
        for one in self.published:
            lines = sorted(one.scores, key=_row_and_dataset)
            groups = groupby(lines, key=_row_and_dataset)
            found += [KeptScores(one, tuple(of)) for _, of in groups]
        return sorted(found, key=KeptScores.rank, reverse=True)

    def cost(self, record: Peer | None) -> PeerResults | None:
        """A peer with the cost that is kept of it."""
        cost = self.costs.get(record.name) if record else None
        named = {"name": record.name, "label": record.name} if record else {}
        return PeerResults(**named, evaluate={}, cost=cost, record=record) if cost else None

    def speed(self, variant: str, backbone: str) -> Entry | None:
        """A model with the speed that is kept of it: of several on CUDA, then the latest."""
        wanted = {"variant": variant, "backbone": backbone}
        models = [f for f in self.speeds if wanted == {key: f.record.get(key) for key in wanted}]

        def rank(file: File) -> tuple[bool, str]:
            return file.record.device == "cuda", str(file.provenance.time)

        best = max(models, key=rank, default=None)
        return Entry(name=best.name, label=best.name, evaluate={}, speed=best) if best else None


def load_kept(folder: Path) -> Kept:
    """Read all that is kept; nothing where there is no such folder.

    Raises UserError for a damaged file, and for one that does not say where it comes from.
    """
    kinds = ((COSTS, Cost), (SPEEDS, Speed), (LIVES, Live))
    costs, *others = (_files(folder, *kind) for kind in kinds)
    return Kept(tuple(read_published(folder)), {Path(f.name).stem: f for f in costs}, *others)


def _files(folder: Path, pattern: str, kind: type) -> tuple[File, ...]:
    paths = sorted(folder.glob(pattern))
    names = [f"{folder.name}/{path.relative_to(folder)}" for path in paths]
    return tuple(
        File(name, read(path, kind, name, sourced=True))
        for path, name in zip(paths, names, strict=True)
    )


def _rows_in(published: Published, number: int | None) -> int:
    """How many rows of a table of the paper's a folder has scores of."""
    known = load_rows()
    models = {line.row for line in published.scores if line.kind == "model"}
    return sum(name in known and number in known[name].tables for name in models)


def _row_and_dataset(line: Score) -> tuple[str, str]:
    return line.row, line.dataset


def as_row(scores: KeptScores) -> RowEntry | None:
    """The row of experiments.tsv that a kept model is; None for masks, and where it has changed."""
    row, line = load_rows().get(scores.row.row), scores.row
    if row is None or not scores.is_trained:
        return None
    variant = row.variant.name if row.variant else ""
    if (variant, row.backbone) != (line.variant, line.backbone):
        return None
    parts = (row.name, variant, row.backbone, row.tracker, row.transition_loss)
    return RowEntry(*parts, method_of(row), row.tables)
