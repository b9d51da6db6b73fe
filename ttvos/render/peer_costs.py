"""What a built peer costs, part by part, beside what the facts say; how its state grows."""

from typing import Any

from ttvos.peers.record import Peer
from ttvos.render import quantities as q
from ttvos.render.inputs import PeerResults, ReportInput
from ttvos.render.results import Measured, Result, measure
from ttvos.render.table import Cell, Column, Table

# The part whose cost grows with the number of memory slots, where a record has memory_slots.
MEMORY_PART = "memory read"
ALL = "all"
KEYS = {
    "parameters_m": "parameters, M",
    "init_gmac": "frame 0, GMAC",
    "frame_gmac": "a frame, GMAC",
}


def frame_gmac(data: dict[str, Any], slots: float | None) -> float:
    """MACs of a frame in 1e9: the mean over a cycle, or with that number of memory slots.

    With slots: the first step of the counted clip reads one slot, the second two; each further
    slot adds as much.
    """
    if slots is None:
        return data["macs"]["frame"] / 1e9
    one, two = data["macs"]["steps"][:2]
    return (one + (slots - 1) * (two - one)) / 1e9


def part_gmac(data: dict[str, Any], part: str, slots: float | None) -> float:
    """MACs of one part of a frame in 1e9, as `frame_gmac` counts the frame."""
    grown = frame_gmac(data, slots) - frame_gmac(data, None) if part == MEMORY_PART else 0.0
    return data["macs"]["parts"].get(part) / 1e9 + grown


def percent(measured: Cell, facts: float | None) -> Cell:
    """How far a measured number is from the facts', in percent of it."""
    if measured.value is None or not facts:
        return Cell()
    return Cell(round(100 * (float(measured.value) - facts) / facts, 2) + 0.0)  # no "-0.00"


def taken(result: Result | None, getter: q.Getter) -> Cell:
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
    total["slots_gmac"] = taken(peer.cost, lambda data: frame_gmac(data, slots))
    return Table(
        name=f"peer-{peer.name}",
        title=f"{peer.name}: cost by part",
        caption="",
        columns=_columns(record),
        rows=tuple(row | _differences(row) for row in (*rows, total)),
        profile=report.manifest.profile,
        caution=report.manifest.caution,
        sources=(peer.cost.name,),
    )


def _parts(peer: PeerResults) -> list[str]:
    """The tracker's parts, then those that only the facts have; "other" only where it counts."""
    macs = peer.cost.data["macs"] if peer.cost else {}
    counted = [p for p, n in macs["parts"].items() if p != "other" or n or macs["init_parts"][p]]
    return list(dict.fromkeys([*counted, *peer.record.expected.parts]))


def _part_row(peer: PeerResults, part: str) -> dict[str, Cell]:
    slots = peer.record.memory_slots
    return {
        "part": Cell(part),
        "parameters_m": taken(peer.cost, lambda data: data["parameters"]["parts"].get(part) / 1e6),
        "init_gmac": taken(peer.cost, lambda data: data["macs"]["init_parts"].get(part) / 1e9),
        "frame_gmac_facts": Cell(peer.record.expected.parts.get(part)),
        "frame_gmac": taken(peer.cost, lambda data: part_gmac(data, part, None)),
        "slots_gmac": taken(peer.cost, lambda data: part_gmac(data, part, slots)),
    }


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


def frame_cost(peer: PeerResults) -> Measured | None:
    """What the facts' MACs of a frame are compared with, in 1e9."""
    return measure((peer.cost,), lambda data: frame_gmac(data, peer.record.memory_slots))
