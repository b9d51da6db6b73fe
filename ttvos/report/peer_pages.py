"""A page for each peer: what was built, from which facts, what is assumed, what it costs."""

from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from ttvos.config.peers import Peer
from ttvos.core.files import atomic_path
from ttvos.core.text import counted
from ttvos.measure.latency import carried, samples
from ttvos.records.schema import Streaming, TrackerSpeed
from ttvos.report import quantities as q
from ttvos.report.join import Line, Method, ReportInput
from ttvos.report.origin import Origin
from ttvos.report.page import environment
from ttvos.report.paper import is_backbone
from ttvos.report.peers import cost_by_part
from ttvos.report.results import File, PeerResults, timed_on
from ttvos.report.table import Cell, Table
from ttvos.report.table3 import TABLE3

FOLDER = "peers"
Facts = list[tuple[str, str]]


@dataclass(frozen=True)
class PeerPage:
    """What a page shows. accuracy: the method's line of Table 3, None where it has none."""

    record: Peer
    backbone_paper: str
    same_backbone: bool
    has_weights: bool
    cost: Table | None
    online: Facts
    speed: Facts
    accuracy: Table | None
    files: tuple[File, ...]


def page_name(record: Peer) -> str:
    """Where a peer's page is, from the report's folder."""
    return f"{FOLDER}/{record.name}.html"


def write_pages(
    report: ReportInput, tables: dict[str, Table], origins: dict[str, Origin], out: Path
) -> None:
    """Write out/peers/NAME.html for every record. origins: by file name, of the whole report."""
    template = environment().get_template("peer.html.j2")
    for method in report.methods.values():
        page = peer_page(report, method, tables["table3"])
        known = [origins[file.name] for file in page.files]
        text = template.render(page=page, manifest=report.manifest, origins=known)
        path = out / page_name(method.record)
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


def peer_page(report: ReportInput, method: Method, table3: Table) -> PeerPage:
    """Everything that a report knows of one peer."""
    peer, line = method.peer, method.line
    return PeerPage(
        method.record,
        method.backbone,
        is_backbone(method.backbone, method.record.backbone),
        bool(peer and peer.is_scored),
        cost_by_part(report, peer) if peer else None,
        online_facts(peer),
        speed_facts(peer),
        accuracy(table3, report.lines[3].index(line)) if line else None,
        tuple(_files(peer, line)),
    )


def online_facts(peer: PeerResults | None) -> Facts:
    """What the published learning on the clip takes where it is not run, as label and text."""
    cost = peer.cost if peer else None
    found = cost.record.get("online_not_run") if cost and cost.provenance else None
    if not found:
        return []
    passes = found["passes_per_update"]
    each = f" of {passes} passes" if passes > 1 else ""
    lines = [("On frame 0", f"{found['updates']} updates{each}: {found['macs'] / 1e9:,.0f} GMAC")]
    if "frame_macs" in found:
        steps = f"{found['frame_updates']} updates and {found['frame_passes']} passes"
        lines.append(("On every other frame", f"{steps}: {found['frame_macs'] / 1e9:,.0f} GMAC"))
    return lines


def speed_facts(peer: PeerResults | None) -> Facts:
    """How fast it is here and how it grows, as label and text; none without a speed file."""
    if peer is None or peer.speed is None or not peer.speed.provenance:
        return []
    speed: TrackerSpeed = peer.speed.record
    streaming, growth, whole = speed.streaming, speed.growth, speed.with_initialisation
    first, last = growth.state_bytes_first / 2**20, growth.state_bytes_last / 2**20
    memory = q.peak_memory_mib(speed)
    lines = [
        ("Measured on", timed_on(peer.speed)),
        ("Frames", f"{peer.speed.frame_size}, {counted(speed.objects, 'object')}"),
        ("Without frame 0", f"{streaming.fps:.2f} frames a second"),
        ("With frame 0", f"{whole.fps:.2f} frames a second, over {whole.frames} frames"),
        ("Frame 0", f"{median(streaming.init_ms):.0f} ms"),
        ("A frame", _latencies(streaming)),
        ("Peak memory", "" if memory is None else f"{memory:.0f} MiB"),
        ("State", f"{first:.1f} MiB after frame 1, {last:.1f} MiB after {growth.frames}"),
        ("Time of a late frame", f"{growth.time_ratio:.2f} times an early one's"),
    ]
    return [(label, text) for label, text in lines if text]


def _latencies(streaming: Streaming) -> str:
    """The percentiles that the sample carries, and its size."""
    told = [f"{key[:-3]} {ms:.0f} ms" for key, ms in carried(streaming).items() if ms is not None]
    return f"{', '.join(told)}; of {samples(streaming)} latencies" if told else ""


def accuracy(table3: Table, index: int) -> Table:
    """Method, accuracy and speed of one line of Table 3."""
    keys = ("method", *(quantity.key for quantity in TABLE3.quantities))
    columns = tuple(column for column in table3.columns if column.key.startswith(keys))
    row = {key: _from_below(cell) for key, cell in table3.rows[index].items()}
    row |= {"method": Cell(row["method"].value)}  # no link
    return replace(table3, rows=(row,), columns=columns, sections="", notes=())


def _from_below(cell: Cell) -> Cell:
    """A cell of the report's page on a page in a folder below it."""
    is_anchor = cell.href.startswith("#")
    return replace(cell, href=f"../index.html{cell.href}") if is_anchor else cell


def _files(peer: PeerResults | None, line: Line | None) -> list[File]:
    """The result files that the page's numbers are from."""
    timed = [file for file in (peer.cost, peer.speed) if file] if peer else []
    masks = line.masks if line else None
    return [*timed, *(file for entry in (peer, masks) if entry for file in entry.scores())]
