"""Table 3: the paper's figures beside published masks, the public record, and what ran here."""

from dataclasses import replace
from typing import ClassVar

from ttvos.records.schema import RowSpeed
from ttvos.report import quantities as q
from ttvos.report.join import Line, ReportInput, lacks_online_learning
from ttvos.report.paper import is_backbone, plain, read_paper
from ttvos.report.paper_table import PaperTable
from ttvos.report.results import Entry, MaskResults, PeerResults, RowResults
from ttvos.report.table import Cell, Column

OWN = "Masks and trackers of this profile"
NOT_RELEASED = "timed frame by frame, not by the released protocol"


class Table3(PaperTable):
    """The methods, and below them the users' own masks and trackers."""

    number = 3
    title = "comparison with other methods"
    caption = (
        "The paper's figures beside ours: of what was built and ran here, else of masks that the "
        "methods' authors published, scored here or before, else the public record's. Ticks: "
        "online learning, template, optical flow, and the training data (YouTube-VOS, "
        "segmentation sets, synthetic clips)."
    )
    texts: ClassVar = {"method": "Method", "backbone": "Backbone"}
    flags: ClassVar = {
        "online_learning": "OnL",
        "template": "Tmpl",
        "optical_flow": "Flow",
        "train_ytb": "YTB",
        "train_seg": "Seg",
        "train_synth": "Syn",
    }
    quantities = (q.DAVIS17, q.DAVIS16, q.FPS)
    extras = (q.SEEDS, q.STREAMING, q.WITH_FRAME_0)
    remarks = (
        "Items 13 and 14 of the ledger: entries of this table that the public record disputes.",
    )
    own_title, always_sections = OWN, True

    def columns(self, report: ReportInput) -> list[Column]:
        """See `PaperTable.columns`; what the paper says of a method stands behind the numbers."""
        first, *rest = super().columns(report)
        told = [column for column in rest if column.key in (*self.texts, *self.flags)]
        numbers = [column for column in rest if column not in told]
        source = Column("source", "Masks from", "remark")
        return [first, Column("here", "Here", "remark"), *numbers, source, *told]

    def line_rows(self, report: ReportInput) -> list[dict[str, Cell]]:
        """See `PaperTable.line_rows`; a link to each peer's page, and why a speed is none."""
        rows = super().line_rows(report)
        for row, line in zip(rows, report.lines[3], strict=True):
            row["here"] = Cell(_here(line))
            row["source"] = Cell(line.masks.source if line.masks else None)
            if line.record:
                row["method"] = replace(row["method"], href=f"peers/{line.record.name}.html")
            if line.timed and not isinstance(line.timed.speed.record, RowSpeed):
                row["fps_verdict"] = replace(row["fps_verdict"], reason=NOT_RELEASED)
        return rows

    def own_cells(self, report: ReportInput, entry: Entry) -> dict[str, Cell]:
        """See `PaperTable.own_cells`."""
        row = {"method": Cell(entry.label)}
        if isinstance(entry, MaskResults):
            speed = f", {entry.fps:g} FPS on {entry.fps_device}" if entry.fps else ""
            return row | {"here": Cell("masks"), "source": Cell(entry.source + speed)}
        return row | {"here": Cell("trained here" if entry.train else "tracker")}

    def notes(self, report: ReportInput) -> list[str]:
        """Where public code and record differ from the paper, and what was not built."""
        lines = [line for line in report.lines[3] if line.record]
        others = [
            f"{line.record.method} {line.record.backbone}, not {line.printed['backbone']}"
            for line in lines
            if not is_backbone(line.printed["backbone"], line.record.backbone)
        ]
        absent = [line.record.method for line in lines if line.record.tracker is None]
        without = [line.record.method for line in lines if not line.record.masks]
        notes = [
            "Cost only: built with random weights, which take the same time. Not tuned online: "
            "without the published training on frame 0, whose cost is on the method's page where "
            "it is known."
        ]
        if others:
            notes.append(f"Backbones of the public code: {'; '.join(others)} (ledger item 13).")
        if without:
            notes.append(f"No masks exist, as far as is known, of {', '.join(without)}.")
        notes += _beside_the_site(report)
        if absent:
            notes.append(f"Not built: {', '.join(absent)}; a method's page says why.")
        for masks in report.published:
            for dataset, reason in masks.lacking.items():
                notes.append(f"Not scored on {dataset}, published masks of {reason}.")
        public = [line for line in read_paper("public-record") if line["remark"]]
        remarks = " ".join(f"{line['method']}: {line['remark']}" for line in public)
        return [*notes, f"Public record (means of the DAVIS site). {remarks}"]


def _beside_the_site(report: ReportInput) -> list[str]:
    """How far masks that were scored by us are from the site's average of them, in a sentence."""
    found = []
    for line in report.lines[3]:
        for quantity in (q.DAVIS17, q.DAVIS16):
            masks = quantity.masks(report, line)
            site = line.public.get(f"{quantity.protocol}_site")
            if masks and not masks.obstacle and site:
                found.append((masks.measured.mean - float(site), line.printed["method"], site))
    if not found:
        return []
    distance, method, site = max(found, key=lambda one: abs(one[0]))
    return [
        f"Masks scored by us are at most {abs(distance):.2f} points from the site's averages, "
        f"which it prints with one digit ({method}: {float(site) + distance:.2f} and {site})."
    ]


def _here(line: Line) -> str:
    """What this run has of a method, in two words."""
    entry, record = line.entry, line.record
    if isinstance(entry, RowResults):
        return "trained here" if entry.train else "tracked here"
    if isinstance(entry, PeerResults):
        what = "weights loaded" if entry.is_scored else "cost only"
        what += ", not tuned online" if lacks_online_learning(entry) else ""
        name = plain(entry.name)
        same = name == plain(record.method) or name.endswith(plain(record.backbone))
        return what if same else f"{what} ({entry.name})"
    return "not built" if record and record.tracker is None else "not in this run"


TABLE3 = Table3()
