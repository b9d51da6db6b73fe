"""A page for each peer: what was built, from which facts, what is assumed, what it costs."""

from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from ttvos.core.files import atomic_path
from ttvos.measure.latency import carried, samples
from ttvos.peers.record import Peer
from ttvos.report import quantities as q
from ttvos.report.inputs import PeerResults, ReportInput
from ttvos.report.methods import Line, is_backbone, masks_of, record_of
from ttvos.report.origin import Origin
from ttvos.report.page import environment
from ttvos.report.paper import read_paper
from ttvos.report.peers import cost_by_part, printed_backbone, result_of
from ttvos.report.results import Result, timed_on
from ttvos.report.table import Table
from ttvos.report.table3 import ACCURACIES

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
    files: tuple[Result, ...]


def page_name(record: Peer) -> str:
    """Where a peer's page is, from the report's folder."""
    return f"{FOLDER}/{record.name}.html"


def write_pages(
    report: ReportInput, tables: dict[str, Table], origins: dict[str, Origin], out: Path
) -> None:
    """Write out/peers/NAME.html for every record. origins: by file name, of the whole report."""
    template = environment().get_template("peer.html.j2")
    for record in report.records.values():
        page = peer_page(report, record, tables["table3"])
        known = [origins[file.name] for file in page.files]
        text = template.render(page=page, manifest=report.manifest, origins=known)
        path = out / page_name(record)
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8")


def peer_page(report: ReportInput, record: Peer, table3: Table) -> PeerPage:
    """Everything that a report knows of one peer."""
    peer, printed = result_of(report, record), printed_backbone(record)
    line = next((line for line in read_paper("table3") if record_of(report, line) == record), None)
    return PeerPage(
        record,
        printed,
        is_backbone(printed, record.backbone),
        bool(peer and any(peer.evaluate.values())),
        cost_by_part(report, peer) if peer else None,
        online_facts(peer),
        speed_facts(peer),
        _accuracy(line, table3) if line else None,
        tuple(_files(report, peer, line)),
    )


def online_facts(peer: PeerResults | None) -> Facts:
    """What the published learning on the clip takes where it is not run, as label and text."""
    cost = peer.cost if peer else None
    found = cost.data.get("online_not_run") if cost and cost.provenance else None
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
    data = peer.speed.data
    streaming, growth = data["streaming"], data.get("growth")
    objects = data.get("objects", 1)
    lines = [
        ("Measured on", timed_on(peer.speed)),
        ("Frames", f"{data['height']}×{data['width']}, {objects} object{'s' * (objects != 1)}"),
        ("Without frame 0", f"{streaming['fps']:.2f} frames a second"),
        ("With frame 0", f"{q.fps_with_initialisation(data):.2f} frames a second{_length(data)}"),
        ("Frame 0", f"{median(streaming['init_ms']):.0f} ms"),
        ("A frame", _latencies(streaming)),
        ("Peak memory", f"{q.peak_memory_mib(data):.0f} MiB"),
    ]
    if growth:
        first, last = (growth[f"state_bytes_{end}"] / 2**20 for end in ("first", "last"))
        lines.append(
            ("State", f"{first:.1f} MiB after frame 1, {last:.1f} MiB after {growth['frames']}")
        )
        lines.append(("Time of a late frame", f"{growth['time_ratio']:.2f} times an early one's"))
    return [(label, text) for label, text in lines if text]


def _latencies(streaming: dict) -> str:
    """The percentiles that the sample carries, and its size."""
    told = [f"{key[:-3]} {ms:.0f} ms" for key, ms in carried(streaming).items() if ms is not None]
    return f"{', '.join(told)}; of {samples(streaming)} latencies" if told else ""


def _length(data: dict) -> str:
    frames = data.get("with_initialisation", {}).get("frames")
    return f", over {frames} frames" if frames else ""


def _accuracy(line: Line, table3: Table) -> Table:
    """Accuracy and speed of the method's line of Table 3."""
    lines = [printed["method"] for printed in read_paper("table3")]
    keys = (*(quantity.key for quantity in ACCURACIES), "fps")
    columns = [c for c in table3.columns if c.key.startswith(keys)]
    row = table3.rows[lines.index(line["method"])]
    return replace(table3, rows=(row,), columns=tuple(columns), sections="", notes=())


def _files(report: ReportInput, peer: PeerResults | None, line: Line | None) -> list[Result]:
    """The result files that the page's numbers are from."""
    masks = masks_of(report, line) if line else None
    found = [peer.cost, peer.speed] if peer else []
    scored = [entry.evaluate.values() for entry in (peer, masks) if entry]
    found += [result for groups in scored for results in groups for result in results]
    return [file for file in found if file]
