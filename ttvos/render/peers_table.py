"""The index of the peers: each method of Table 3, what was built of it, what it costs."""

from dataclasses import replace

from ttvos.peers.record import Peer
from ttvos.render import quantities as q
from ttvos.render.inputs import PeerResults, ReportInput
from ttvos.render.measurements import own_table
from ttvos.render.methods import is_backbone, lacks_online_learning, plain
from ttvos.render.paper import read_paper
from ttvos.render.peer_costs import frame_cost, percent, taken
from ttvos.render.results import timed_on
from ttvos.render.table import Cell, Column, Table

COLUMNS = (
    Column("method", "Method"),
    Column("name", "Tracker, page"),
    Column("status", "Built"),
    Column("backbone_paper", "paper", "text", "Backbone"),
    Column("backbone", "public code", "text", "Backbone"),
    Column("parameters_m_facts", "facts", "record", "Parameters, M", 2),
    Column("parameters_m", "counted", "measured", "Parameters, M", 2),
    Column("frame_gmac_facts", "facts", "record", "GMAC a frame", 1),
    Column("frame_gmac", "counted", "measured", "GMAC a frame", 1),
    Column("frame_gmac_percent", "%", "extra", "GMAC a frame", 1, signed=True),
    Column("init_gmac_facts", "facts", "record", "GMAC of frame 0", 1),
    Column("init_gmac", "counted", "measured", "GMAC of frame 0", 1),
    Column("online_gmac", "online, not run", "extra", "GMAC of frame 0", 0),
    Column("streaming_fps", "after frame 0", "extra", "FPS here", 2),
    Column("with_frame_0_fps", "with frame 0", "extra", "FPS here", 2),
    Column("peak_memory_mib", "peak memory, MiB", "extra", "", 0),
)


def peers(report: ReportInput) -> Table:
    """One line a record, in Table 3's order."""
    order = [plain(line["method"]) for line in read_paper("table3")]
    records = sorted(report.records.values(), key=lambda r: (_place(order, r), r.name))
    rows = [_row(report, record) for record in records]
    measured = [peer for peer in report.peers if peer.cost or peer.speed]
    files = [file for peer in measured for file in (peer.cost, peer.speed) if file]
    table = own_table(
        report,
        "peers",
        "The peers",
        "The other methods of Table 3: what was built from public facts, counted and timed here by "
        "one protocol for all, and what the facts say of the cost. Each has a page.",
        list(COLUMNS),
        rows,
        [file.name for file in files],
    )
    return replace(table, notes=tuple(_notes(report)))


def result_of(report: ReportInput, record: Peer) -> PeerResults | None:
    """What this run measured of a record's peer."""
    return next((peer for peer in report.peers if peer.record == record), None)


def printed_backbone(record: Peer) -> str:
    """The backbone that the paper gives for the method, in Table 3 or Table 5."""
    lines = [*read_paper("table3"), *read_paper("table5")]
    found = [line["backbone"] for line in lines if plain(line["method"]) == plain(record.method)]
    fitting = [backbone for backbone in found if is_backbone(backbone, record.backbone)]
    return next(iter([*fitting, *found]), "")


def _place(order: list[str], record: Peer) -> int:
    name = plain(record.method)
    return order.index(name) if name in order else len(order)


def _row(report: ReportInput, record: Peer) -> dict[str, Cell]:
    page = f"peers/{record.name}.html"
    row = {
        "method": Cell(record.method, href=page),
        "name": Cell(record.name, href=page),
        "status": Cell(record.status),
        "backbone_paper": Cell(printed_backbone(record)),
        "backbone": Cell(record.backbone),
        "parameters_m_facts": Cell(record.expected.parameters_m),
        "frame_gmac_facts": Cell(record.expected.frame_gmac),
        "init_gmac_facts": Cell(record.expected.init_gmac),
    }
    peer = result_of(report, record)
    if peer is None:
        return row
    row["parameters_m"] = taken(peer.cost, q.millions("total"))
    row["frame_gmac"] = q.measured_cell(frame_cost(peer))
    row["frame_gmac_percent"] = percent(row["frame_gmac"], record.expected.frame_gmac)
    row["init_gmac"] = taken(peer.cost, q.gmac("init"))
    row["online_gmac"] = taken(peer.cost, lambda data: data["online_not_run"]["macs"] / 1e9)
    row["streaming_fps"] = q.measured_cell(q.STREAMING.take(peer))
    row["with_frame_0_fps"] = q.measured_cell(q.WITH_FRAME_0.take(peer))
    row["peak_memory_mib"] = taken(peer.speed, q.peak_memory_mib)
    return row


def _notes(report: ReportInput) -> list[str]:
    devices = dict.fromkeys(timed_on(peer.speed) for peer in report.peers if peer.speed)
    sizes = dict.fromkeys(
        f"{file.data['height']}×{file.data['width']}, {file.data['objects']} object"
        for peer in report.peers
        for file in (peer.cost, peer.speed)
        if file and "objects" in file.data
    )
    notes = [f"FPS: {'; '.join(devices)}."] if devices else []
    notes += [f"Frames: {'; '.join(sizes)}."] if sizes else []
    notes.append("Cost only: random weights, which cost and take the same.")
    if partial := [p.record.method for p in report.peers if lacks_online_learning(p)]:
        notes.append(
            f"Without the published learning on the clip, which is in neither cost nor speed: "
            f"{', '.join(partial)}. Online, not run: what its schedule on frame 0 takes."
        )
    for record in report.records.values():
        if record.memory_slots and result_of(report, record):
            notes.append(
                f"{record.method}: a frame with {record.memory_slots:g} memory slots, from the "
                "counts of its first steps."
            )
    return notes
