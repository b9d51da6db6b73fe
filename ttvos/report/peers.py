"""The peers: an index of what was built of each method of Table 3 and what it costs, and for each a
table of its cost by part beside what the facts say.
"""

from ttvos.config.peers import Peer
from ttvos.records.schema import TrackerCost
from ttvos.report import quantities as q
from ttvos.report.join import Method, ReportInput, lacks_online_learning
from ttvos.report.results import File, Getter, PeerResults, measure, timed_on
from ttvos.report.table import Cell, Column, Table

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
    return report.table(
        COLUMNS,
        [_row(method) for method in report.methods.values()],
        [file for peer in report.peers for file in (peer.cost, peer.speed)],
        name="peers",
        title="The peers",
        caption="The other methods of Table 3: what was built from public facts, counted and timed "
        "here by one protocol for all, and what the facts say of the cost. Each has a page, which "
        "says where its facts are from.",
        notes=tuple(_notes(report)),
    )


def _row(method: Method) -> dict[str, Cell]:
    record, peer, page = method.record, method.peer, f"peers/{method.record.name}.html"
    row = {
        "method": Cell(record.method, href=page),
        "name": Cell(record.name, href=page),
        "status": Cell(record.status),
        "backbone_paper": Cell(method.backbone),
        "backbone": Cell(record.backbone),
        "parameters_m_facts": Cell(record.expected.parameters_m),
        "frame_gmac_facts": Cell(record.expected.frame_gmac),
        "init_gmac_facts": Cell(record.expected.init_gmac),
    }
    if peer is None:
        return row
    row["parameters_m"] = taken(peer.cost, q.millions("total"))
    row["frame_gmac"] = taken(peer.cost, lambda c: frame_gmac(c, record.memory_slots))
    row["frame_gmac_percent"] = percent(row["frame_gmac"], record.expected.frame_gmac)
    row["init_gmac"] = taken(peer.cost, q.gmac("init"))
    row["online_gmac"] = taken(peer.cost, _online_gmac)
    row["peak_memory_mib"] = taken(peer.speed, q.peak_memory_mib)
    return row | q.STREAMING.cell(peer) | q.WITH_FRAME_0.cell(peer)


def _online_gmac(cost: TrackerCost) -> float | None:
    return cost.online_not_run["macs"] / 1e9 if cost.online_not_run else None


def _notes(report: ReportInput) -> list[str]:
    devices = dict.fromkeys(timed_on(peer.speed) for peer in report.peers if peer.speed)
    sizes = dict.fromkeys(
        f"{file.frame_size}, {file.record.objects} object"
        for peer in report.peers
        for file in (peer.cost, peer.speed)
        if file and "objects" in file.record
    )
    notes = [f"FPS: {'; '.join(devices)}."] if devices else []
    notes += [f"Frames: {'; '.join(sizes)}."] if sizes else []
    notes.append("Cost only: random weights, which cost and take the same.")
    if partial := [p.record.method for p in report.peers if lacks_online_learning(p)]:
        notes.append(
            f"Without the published learning on the clip, which is in neither cost nor speed: "
            f"{', '.join(partial)}. Online, not run: what its schedule on frame 0 takes."
        )
    slots = [(r.method, r.memory_slots) for p in report.peers if (r := p.record).memory_slots]
    return notes + [
        f"{method}: a frame with {count:g} memory slots, from the counts of its first steps."
        for method, count in slots
    ]


# The part whose cost grows with the number of memory slots, where a record has memory_slots.
MEMORY_PART = "memory read"
ALL = "all"
KEYS = {
    "parameters_m": "parameters, M",
    "init_gmac": "frame 0, GMAC",
    "frame_gmac": "a frame, GMAC",
}


def frame_gmac(cost: TrackerCost, slots: float | None) -> float:
    """MACs of a frame in 1e9: the mean over a cycle, or with that number of memory slots.

    With slots: the first step of the counted clip reads one slot, the second two; each further
    slot adds as much.
    """
    if slots is None:
        return cost.macs.frame / 1e9
    one, two = cost.macs.steps[:2]
    return (one + (slots - 1) * (two - one)) / 1e9


def part_gmac(cost: TrackerCost, part: str, slots: float | None) -> float | None:
    """MACs of one part of a frame in 1e9, as `frame_gmac` counts the frame."""
    if (count := cost.macs.parts.get(part)) is None:
        return None
    grown = frame_gmac(cost, slots) - frame_gmac(cost, None) if part == MEMORY_PART else 0.0
    return count / 1e9 + grown


def percent(measured: Cell, facts: float | None) -> Cell:
    """How far a measured number is from the facts', in percent of it."""
    if measured.value is None or not facts:
        return Cell()
    return Cell(round(100 * (float(measured.value) - facts) / facts, 2) + 0.0)  # no "-0.00"


def taken(result: File | None, getter: Getter) -> Cell:
    """A number of one file as a cell."""
    return q.measured_cell(measure((result,), getter))


def cost_by_part(report: ReportInput, peer: PeerResults) -> Table | None:
    """One line a part and one for all of them; None where the cost was not counted."""
    if peer.cost is None:
        return None
    record, slots = peer.record, peer.record.memory_slots
    rows = [_part_row(peer, part) for part in _parts(peer)]
    total = {"part": Cell(ALL), "parameters_m_facts": Cell(record.expected.parameters_m)}
    total["parameters_m"] = taken(peer.cost, q.millions("total"))
    total["init_gmac_facts"] = Cell(record.expected.init_gmac)
    total["init_gmac"] = taken(peer.cost, q.gmac("init"))
    total["frame_gmac_facts"] = Cell(record.expected.frame_gmac)
    total["frame_gmac"] = taken(peer.cost, q.gmac("frame"))
    total["slots_gmac"] = taken(peer.cost, lambda c: frame_gmac(c, slots))
    return report.table(
        _columns(record),
        [row | _differences(row) for row in (*rows, total)],
        [peer.cost],
        name=f"peer-{peer.name}",
        title=f"{peer.name}: cost by part",
        caption="",
    )


def _parts(peer: PeerResults) -> list[str]:
    """The tracker's parts, then those that only the facts have; "other" only where it counts."""
    macs = peer.cost.record.macs
    counted = [p for p, n in macs.parts.items() if p != "other" or n or macs.init_parts[p]]
    return list(dict.fromkeys([*counted, *peer.record.expected.parts]))


def _part_row(peer: PeerResults, part: str) -> dict[str, Cell]:
    slots = peer.record.memory_slots
    return {
        "part": Cell(part),
        "parameters_m": taken(peer.cost, lambda c: _in(c.parameters.parts, part, 1e6)),
        "init_gmac": taken(peer.cost, lambda c: _in(c.macs.init_parts, part, 1e9)),
        "frame_gmac_facts": Cell(peer.record.expected.parts.get(part)),
        "frame_gmac": taken(peer.cost, lambda c: part_gmac(c, part, None)),
        "slots_gmac": taken(peer.cost, lambda c: part_gmac(c, part, slots)),
    }


def _in(counts: dict[str, int], part: str, unit: float) -> float | None:
    return counts[part] / unit if part in counts else None


def _differences(row: dict[str, Cell]) -> dict[str, Cell]:
    facts = {key: row.get(f"{key}_facts", Cell()).value for key in KEYS}
    measured = {key: row["slots_gmac" if key == "frame_gmac" else key] for key in KEYS}
    return {f"{key}_percent": percent(measured[key], facts[key]) for key in KEYS}


def _columns(record: Peer) -> tuple[Column, ...]:
    columns = [Column("part", "Part")]
    for key, group in KEYS.items():
        columns.append(Column(f"{key}_facts", "facts", "record", group, 2))
        columns.append(Column(key, "counted", "measured", group, 3))
        if key == "frame_gmac" and record.memory_slots:
            label = f"at {record.memory_slots:g} memory slots"
            columns.append(Column("slots_gmac", label, "measured", group, 3))
        columns.append(Column(f"{key}_percent", "difference, %", "extra", group, 2, signed=True))
    return tuple(columns)
