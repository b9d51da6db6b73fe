"""Table 3: the paper's figures beside published masks, the public record, and what ran here."""

from dataclasses import dataclass, replace

from ttvos.plan.manifest import data_label
from ttvos.report import quantities as q
from ttvos.report.accuracy_notes import accuracy_notes
from ttvos.report.comparisons import Comparison, streamed
from ttvos.report.inputs import Accuracy, MaskResults, PeerResults, ReportInput, RowResults
from ttvos.report.methods import (
    is_backbone,
    lacks_online_learning,
    masks_of,
    own_entries,
    plain,
    public_record,
    record_of,
    recorded,
    timed_by,
    tracked_by,
)
from ttvos.report.paper import read_paper
from ttvos.report.quantities import Quantity
from ttvos.report.results import Measured
from ttvos.report.table import Cell, Column, Table
from ttvos.report.trained import SEEDS
from ttvos.report.untrained import UNTRAINED, untrained
from ttvos.report.verdicts import ABSENT, NOT_MEASURED, Verdict, decide, verdict_cell, weigh_record

FLAGS = {
    "online_learning": "OnL",
    "template": "Tmpl",
    "optical_flow": "Flow",
    "train_ytb": "YTB",
    "train_seg": "Seg",
    "train_synth": "Syn",
}
PAPERS, OWN = "The paper's table", "Masks and trackers of this profile"
NOT_RELEASED = "timed frame by frame, not by the released protocol"


@dataclass(frozen=True)
class PeerAccuracy(Quantity):
    """J&F with what others published: masks that are scored here, and the public record.

    The verdict is on the tracker that ran here where that is the paper's quantity, else on the
    published masks; failing both, the public record may dispute the paper's figure.
    """

    dataset: str = ""

    def columns(self, report: ReportInput) -> tuple[Column, ...]:
        """Paper, public record, published masks, tracked here, difference, verdict."""
        key, group, where = self.key, self.label, f"on {data_label(report.manifest)}"
        return (
            Column(f"{key}_paper", "paper", "paper", group),
            Column(f"{key}_record", "public record", "record", group),
            Column(f"{key}_masks", "published masks", "measured", group, interval=True),
            Column(f"{key}_masks_not_comparable", f"masks {where}", "other", group, interval=True),
            Column(f"{key}_measured", "measured", "measured", group, interval=True),
            Column(f"{key}_not_comparable", where, "other", group, interval=True),
            Column(f"{key}_difference", "difference", "extra", group, signed=True),
            Column(f"{key}_verdict", "does it hold?", "verdict", group),
        )

    def cells(
        self, report: ReportInput, line: dict[str, str], entry: Accuracy | None
    ) -> dict[str, Cell]:
        """See `Quantity.cells`."""
        printed, record = line[self.key], recorded(line, self.dataset)
        masks = masks_of(report, line)
        why = untrained(entry)
        cells = {f"{self.key}_paper": Cell(printed or None)}
        cells[f"{self.key}_record"] = Cell(record or None)
        verdict = decide(self.rule, printed, None, None)
        for who, suffix in ((masks, "_masks"), (None if why else entry, "")):
            measured, obstacle = self.take(report, who) if who else (None, None)
            if measured is None:
                continue
            cells |= self.number(suffix, measured, obstacle)
            found = decide(self.kind(who), printed, measured, obstacle)
            if found is None:
                continue
            if found.status != NOT_MEASURED or verdict.status == NOT_MEASURED:
                verdict = found
            if found.status != NOT_MEASURED:
                cells[f"{self.key}_difference"] = Cell(measured.mean - float(printed))
        if why:
            cells[f"{self.key}_not_comparable"] = Cell(reason=why)
            if verdict and verdict.reason == ABSENT:
                verdict = Verdict(NOT_MEASURED, UNTRAINED)
        verdict = weigh_record(printed, record, verdict)
        cells[f"{self.key}_verdict"] = verdict_cell(verdict, line, self.key, self.label)
        return cells

    def own_cells(self, report: ReportInput, entry: Accuracy) -> dict[str, Cell]:
        """The cells of a row that the paper does not have: no number of its, no verdict."""
        if why := untrained(entry):
            return {f"{self.key}_not_comparable": Cell(reason=why)}
        measured, obstacle = self.take(report, entry)
        suffix = "_masks" if isinstance(entry, MaskResults) else ""
        return self.number(suffix, measured, obstacle) if measured else {}

    def number(self, suffix: str, measured: Measured, obstacle: str | None) -> dict[str, Cell]:
        """The measured number in the column that says what it is."""
        place = "not_comparable" if obstacle else "measured"
        place = f"{suffix}_{place}" if obstacle or not suffix else suffix
        return {f"{self.key}_{place.lstrip('_')}": q.measured_cell(measured)}


def peer_accuracy(quantity: Quantity, dataset: str) -> PeerAccuracy:
    """The same quantity, with what others published."""
    return PeerAccuracy(quantity.key, quantity.label, "accuracy", 1, quantity.take, dataset=dataset)


def _complete(report: ReportInput, table: Table) -> Table:
    """Adds links, what was built, speeds, sources and the users' own rows."""
    lines = read_paper("table3")
    rows = [
        row | _papers_row(report, line, row) for line, row in zip(lines, table.rows, strict=True)
    ]
    own = [_own_row(report, entry) for entry in own_entries(report)]
    for row in rows:
        row["section"] = Cell(PAPERS)
    first, *rest = table.columns
    columns = (
        first,
        Column("here", "Here", "remark"),
        *rest,
        *(extra.column for extra in (q.STREAMING, q.WITH_FRAME_0)),
        Column("source", "Masks from", "remark"),
        Column("section", "Section"),
    )
    timed = [timed_by(report, line) for line in lines]
    files = [masks_of(report, line) for line in lines]
    found = [*files, *timed, *own_entries(report)]
    scored = [*(tracked_by(report, line) for line in lines), *files, *own_entries(report)]
    return replace(
        table,
        columns=columns,
        rows=(*rows, *own),
        sections="section",
        notes=(*table.notes, *streamed(timed), *accuracy_notes(report, scored), *_notes(report)),
        sources=tuple(dict.fromkeys((*table.sources, *(n for e in found for n in _files(e))))),
    )


def _papers_row(report: ReportInput, line: dict[str, str], row: dict[str, Cell]) -> dict[str, Cell]:
    record, entry, timed = record_of(report, line), tracked_by(report, line), timed_by(report, line)
    masks = masks_of(report, line)
    cells = {"here": Cell(_here(entry, record)), "source": Cell(masks.source if masks else None)}
    if record:
        cells["method"] = replace(row["method"], href=f"peers/{record.name}.html")
    if timed:
        for extra in (q.STREAMING, q.WITH_FRAME_0):
            cells[extra.key] = q.measured_cell(extra.take(timed))
        if "released" not in timed.speed.data:
            cells["fps_verdict"] = replace(row["fps_verdict"], reason=NOT_RELEASED)
    return cells


def _here(entry: Accuracy | None, record) -> str:
    """What this run has of a method, in two words."""
    if isinstance(entry, RowResults):
        return "trained here" if entry.train else "tracked here"
    if isinstance(entry, PeerResults):
        what = "weights loaded" if any(entry.evaluate.values()) else "cost only"
        what += ", not tuned online" if lacks_online_learning(entry) else ""
        name = plain(entry.name)
        same = name == plain(record.method) or name.endswith(plain(record.backbone))
        return what if same else f"{what} ({entry.name})"
    return "not built" if record and record.tracker is None else "not in this run"


def _own_row(report: ReportInput, entry: Accuracy) -> dict[str, Cell]:
    row = {"method": Cell(entry.label), "section": Cell(OWN)}
    for quantity in ACCURACIES:
        row |= quantity.own_cells(report, entry)
    if isinstance(entry, MaskResults):
        speed = f", {entry.fps:g} FPS on {entry.fps_device}" if entry.fps else ""
        return row | {"here": Cell("masks"), "source": Cell(entry.source + speed)}
    row["here"] = Cell("trained here" if entry.train else "tracker")
    for extra in (q.STREAMING, q.WITH_FRAME_0, SEEDS):
        row[extra.key] = q.measured_cell(extra.take(entry))
    return row


def _files(entry: Accuracy | None) -> list[str]:
    if entry is None:
        return []
    files = [result for results in entry.evaluate.values() for result in results]
    files += [entry.speed] if getattr(entry, "speed", None) else []
    return [file.name for file in files]


def _notes(report: ReportInput) -> list[str]:
    """Where public code and record differ from the paper, and what was not built."""
    others, absent = [], []
    for line in read_paper("table3"):
        record = record_of(report, line)
        if record and not is_backbone(line["backbone"], record.backbone):
            others.append(f"{record.method} {record.backbone}, not {line['backbone']}")
        if record and record.tracker is None:
            absent.append(record.method)
    notes = [
        "Cost only: built with random weights, which take the same time. Not tuned online: without "
        "the published training on frame 0, whose cost is on the method's page where it is known."
    ]
    if others:
        notes.append(f"Backbones of the public code: {'; '.join(others)} (ledger item 13).")
    if absent:
        notes.append(f"Not built: {', '.join(absent)}; a method's page says why.")
    for masks in report.published:
        for dataset, reason in masks.lacking.items():
            notes.append(f"Not scored on {dataset}, published masks of {reason}.")
    remarks = [f"{r['method']}: {r['remark']}" for r in public_record().values() if r["remark"]]
    return [*notes, "Public record (means of the DAVIS site). " + " ".join(remarks)]


ACCURACIES = (peer_accuracy(q.DAVIS17, "davis17"), peer_accuracy(q.DAVIS16, "davis16"))

TABLE3 = Comparison(
    3,
    "comparison with other methods",
    "The paper's figures; the public record's; masks that the methods' authors published, scored "
    "here; and what was built and ran here. Ticks: online learning, template, optical flow, and "
    "the training data (YouTube-VOS, segmentation sets, synthetic clips).",
    {"method": "Method", "backbone": "Backbone"},
    FLAGS,
    (*ACCURACIES, q.FPS),
    tracked_by,
    (SEEDS,),
    ("Items 13 and 14 of the ledger: entries of this table that the public record disputes.",),
    _complete,
)
