"""Whose number stands in a cell of the paper's tables.

In this order: what this run measured, what the repository keeps of earlier measurements of ours,
what the DAVIS site says of the authors' masks. A number of the paper's quantity goes before one of
another quantity, and of such others a kept one goes before this run's.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from ttvos.evaluation.judge import DIFFERS
from ttvos.report.intervals import interval, kept_sequences
from ttvos.report.kept import KeptScores
from ttvos.report.results import Measured
from ttvos.report.table import Cell
from ttvos.report.verdicts import NOT_COMPARED, Verdict, decide, weigh_record

RUN, KEPT, SITE, NONE = "run", "kept", "site", "none"
MEANING = {
    RUN: "measured in this run",
    KEPT: "measured by us before, and kept in the repository",
    SITE: "the DAVIS site's own average of the masks that the authors published",
    NONE: "no number at all",
}


@dataclass(frozen=True)
class Evidence:
    """A number for a cell. sort: RUN, KEPT or SITE. rule: of `ttvos.evaluation.judge.RULES`.

    obstacle: why it is not the paper's quantity, None where it is. origin: of a kept one: folder,
    data, device and date, in words. remark: said of a number that differs.
    """

    sort: str
    measured: Measured
    rule: str
    obstacle: str | None = None
    origin: str = ""
    remark: str = ""

    @property
    def place(self) -> str:
        """The column that shows it: the end of its key."""
        if not self.obstacle:
            return "measured"
        return "kept" if self.sort == KEPT else "not_comparable"

    @property
    def is_number(self) -> bool:
        """Whether there is one: a file that does not say where it is from gives none."""
        return bool(self.measured.values)

    @property
    def cell(self) -> Cell:
        """Mean, spread and interval, marked; or why there is no number."""
        found = self.measured
        if not self.is_number:
            return Cell(reason=found.refusal)
        origin = self.origin or MEANING[self.sort]
        return Cell(found.mean, found.spread, origin, interval=found.interval, mark=self.sort)

    def judged(self, paper: str) -> Verdict | None:
        """Whether the paper's number, as printed, holds; None where it has none."""
        if self.sort == SITE:
            return weigh_record(paper, f"{self.measured.mean:.1f}")
        verdict = decide(self.rule, paper, self.measured, self.obstacle)
        if verdict and verdict.status == NOT_COMPARED and self.sort == KEPT:
            return replace(verdict, reason=f"kept: {verdict.reason}")
        if verdict and verdict.status == DIFFERS and self.remark:
            return replace(verdict, reason=f"{verdict.reason}; {self.remark}")
        return verdict


def in_order(found: Iterable[Evidence]) -> list[Evidence]:
    """What a cell takes first comes first. found: as measured: this run's, kept, the site's."""

    def place(one: Evidence) -> int:
        if not one.is_number:
            return 3
        return 0 if not one.obstacle else 1 if one.sort == KEPT else 2

    return sorted(found, key=place)


def of_scores(scores: KeptScores) -> Evidence:
    """The J&F of a kept folder's row."""
    values = tuple(line.jf for line in scores.lines)
    parts = kept_sequences(scores.published, scores.row.row, scores.row.dataset)
    measured = Measured(values, interval=interval(parts))
    rule = "accuracy" if scores.is_trained else "masks"
    return Evidence(KEPT, measured, rule, scores.obstacle, scores.origin)


def of_record(printed: str) -> Evidence:
    """What the DAVIS site gives, as printed."""
    return Evidence(SITE, Measured((float(printed),)), "masks")


def legend(cells: Iterable[Cell]) -> list[str]:
    """What the marks of a table say, and whence each kept number is; one note a kind."""
    found = list(cells)
    marks = [mark for mark in MEANING if any(cell.mark == mark for cell in found)]
    kept = dict.fromkeys(cell.reason for cell in found if cell.mark == KEPT)
    notes = [f"{', '.join(f'{mark}: {MEANING[mark]}' for mark in marks)}."] if marks else []
    return notes + [f"Kept: {'; '.join(kept)}."] * bool(kept)
