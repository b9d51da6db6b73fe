"""What is known of each method of the paper's Table 3: who ran it here, its masks, its record."""

import re

from ttvos.peers.record import Peer
from ttvos.plan.manifest import RowEntry
from ttvos.report.inputs import MaskResults, PeerResults, ReportInput, RowResults, Tracked
from ttvos.report.paper import read_paper

Line = dict[str, str]  # one of the paper's, as printed
FULL, BACKBONE = "exp8", "hrnet"  # the experiment with all parts; on HRNet the paper's model
TRAINED = ("ttvos", "frtm")  # trackers that are trained here; others are the users' own


def plain(text: str) -> str:
    """A name without what spellings differ in: case, dashes, spaces."""
    return re.sub("[^a-z0-9]", "", text.casefold())


def is_backbone(printed: str, built: str) -> bool:
    """Whether a backbone is the printed one; "ResNet101 and FlowNetS" is ResNet101 too."""
    return plain(printed) in plain(built)


def is_papers_model(entry: RowEntry) -> bool:
    """Whether a row is the full model on HRNet."""
    return (entry.variant, entry.backbone) == (FULL, BACKBONE)


def record_of(report: ReportInput, line: Line) -> Peer | None:
    """What is known of the method; with several records, of the one with the printed backbone."""
    found = [r for r in report.records.values() if plain(r.method) == plain(line["method"])]
    fitting = [record for record in found if is_backbone(line["backbone"], record.backbone)]
    return next(iter([*fitting, *found]), None)


def peer_of(report: ReportInput, line: Line) -> PeerResults | None:
    """The built peer of that record, where this run measured it."""
    record = record_of(report, line)
    return next((peer for peer in report.peers if peer.record == record), None)


def tracked_by(report: ReportInput, line: Line) -> Tracked | None:
    """Who ran the method here: with its authors' weights, else trained here, else with none."""
    row = next((row for row in report.rows if _is_published_form(row, line)), None)
    peer = peer_of(report, line)
    if peer and (row is None or any(peer.evaluate.values())):
        return peer
    return row


def _is_published_form(row: RowResults, line: Line) -> bool:
    """Whether a row is the method as Table 3 has it, and no other experiment with it."""
    entry = row.entry
    return (
        3 in entry.tables
        and plain(entry.method) == plain(line["method"])
        and is_backbone(line["backbone"], entry.backbone)
        and (entry.variant == FULL if entry.tracker == "ttvos" else not entry.transition_loss)
    )


def timed_by(report: ReportInput, line: Line) -> Tracked | None:
    """Whose speed stands for the method: a tracker's with a speed file, the accuracy's first."""
    found = (tracked_by(report, line), peer_of(report, line))
    return next((entry for entry in found if entry and entry.speed), None)


def lacks_online_learning(peer: PeerResults) -> bool:
    """Whether the published method learns on the clip and the tracker, with random weights, not.

    The cost file says so where the published schedule is known; else Table 3's tick does.
    """
    if peer.cost and peer.cost.data.get("online_not_run"):
        return True
    ticked = {plain(x["method"]) for x in read_paper("table3") if x["online_learning"] == "1"}
    return peer.record.status == "cost only" and plain(peer.record.method) in ticked


def masks_of(report: ReportInput, line: Line) -> MaskResults | None:
    """Published masks of the method that were scored; failing that, a folder of that name."""
    found = [masks for masks in (*report.published, *report.masks) if any(masks.evaluate.values())]
    return next((m for m in found if plain(m.name) == plain(line["method"])), None)


def own_entries(report: ReportInput) -> list[MaskResults | RowResults]:
    """Masks and trackers that Table 3 has no line for: the users' own, and rows that name it."""
    lines = read_paper("table3")
    taken = [masks_of(report, line) for line in lines]
    masks = [m for m in (*report.published, *report.masks) if m not in taken]
    tracked = [tracked_by(report, line) for line in lines]
    trackers = [
        row
        for row in report.rows
        if row not in tracked and (3 in row.entry.tables or row.entry.tracker not in TRAINED)
    ]
    return [*(m for m in masks if any(m.evaluate.values())), *trackers]


def public_record() -> dict[str, dict[str, str]]:
    """Table 3's accuracy elsewhere, by the plain name: davis16_site, davis17_site, remark."""
    return {plain(line["method"]): line for line in read_paper("public-record")}


def recorded(line: Line, dataset: str) -> str:
    """The public record's J&F of a method, as printed; "" for none."""
    return public_record().get(plain(line["method"]), {}).get(f"{dataset}_site", "")
