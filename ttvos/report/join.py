"""Everything that a report knows, joined once: each line of the paper's tables with who measured
it here, whose masks were scored, what is known of the method, and what the public record says.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ttvos.config.peers import Peer
from ttvos.plan.manifest import Located, Manifest, RowEntry, StressEntry
from ttvos.records.schema import Failures, StressTest
from ttvos.report.kept import Kept, KeptScores, as_row
from ttvos.report.paper import BACKBONE, BACKBONES, FULL, is_backbone, plain, read_paper
from ttvos.report.results import (
    Entry,
    File,
    LiveResults,
    MaskResults,
    PeerResults,
    RowResults,
)
from ttvos.report.table import Table

TRAINED = ("ttvos", "frtm")  # trackers that are trained here; others are the users' own
NUMBERS = (2, 3, 4, 5, 6)  # of the paper's tables
ABLATIONS = (4, 5, 6)  # of which each compares its own lines with each other


@dataclass(frozen=True)
class Line:
    """A line of a table of the paper's, with all that is known of what it is about.

    printed: as in data/paper. entry: who measured it here: a peer with its authors' weights, else
    a row, else a peer without. record: what is known of the peer, built or not. masks: that the
    method's authors published, or a folder of the method's name. public: the public record's
    "davis16_site", "davis17_site" and "remark". masks and public are those of Table 3. kept: scores
    that the repository keeps of it, best first; kept_entries: its kept cost and speed.
    """

    printed: dict[str, str]
    entry: Entry | None = None
    peer: PeerResults | None = None
    record: Peer | None = None
    masks: MaskResults | None = None
    public: dict[str, str] = field(default_factory=dict)
    kept: tuple[KeptScores, ...] = ()
    kept_entries: tuple[Entry, ...] = ()

    @property
    def timed(self) -> Entry | None:
        """Whose speed stands for the method: the accuracy's tracker, or the peer."""
        return next((who for who in (self.entry, self.peer) if who and who.speed), None)


@dataclass(frozen=True)
class Method:
    """Another method, built or not. line: its line of Table 3. peer: what this run measured of it.

    backbone: the one that the paper gives, in Table 3 or Table 5.
    """

    record: Peer
    line: Line | None
    peer: PeerResults | None
    backbone: str


@dataclass(frozen=True)
class ReportInput:
    """Everything a report is rendered from.

    published: masks of a method's authors, named as Table 3 prints the method. records: what is
    known of each peer, by name, whether built or not. kept: what the repository keeps, none of it
    measured in this run. failures: the accounts of lost points, by the name of their scores' file.
    stress: whose, and on what; with the file.
    """

    located: Located
    rows: tuple[RowResults, ...]
    references: tuple[MaskResults, ...]
    masks: tuple[MaskResults, ...]
    peers: tuple[PeerResults, ...] = ()
    published: tuple[MaskResults, ...] = ()
    records: dict[str, Peer] = field(default_factory=dict)
    kept: Kept = field(default_factory=Kept)
    live: tuple[LiveResults, ...] = ()
    failures: dict[str, File[Failures]] = field(default_factory=dict)
    stress: tuple[tuple[StressEntry, File[StressTest]], ...] = ()

    @property
    def manifest(self) -> Manifest:
        """The manifest that named the files."""
        return self.located.manifest

    def results(self) -> list[File]:
        """Every result file once, in the manifest's order, then the kept ones that tables use."""
        kept = (entry for of in self.lines.values() for line in of for entry in line.kept_entries)
        own = (*self.rows, *self.references, *self.masks, *self.published, *self.peers)
        entries = (*own, *kept)
        found: dict[str, File] = {}
        files = (file for entry in entries for file in entry.files())
        live = (file for player in self.live for file in player.results.values())
        stress = (file for _, file in self.stress)
        for file in (*files, *live, *self.failures.values(), *stress, *self.kept.lives):
            found.setdefault(file.name, file)
        return list(found.values())

    @cached_property
    def lines(self) -> dict[int, tuple[Line, ...]]:
        """The lines of the paper's tables, by the table's number."""
        return {n: tuple(self._join(n, line) for line in read_paper(f"table{n}")) for n in NUMBERS}

    def _join(self, number: int, printed: dict[str, str]) -> Line:
        row = next((row for row in self.rows if _is_of(row.entry, number, printed)), None)
        kept = self._kept_models(number, printed)
        if number not in (2, 3):
            return Line(printed, row, kept=kept, kept_entries=self._kept_speed(printed))
        record = self._record(printed)
        peer = self._peer(record)
        entry = peer if peer and (row is None or peer.is_scored) else row
        name = plain(printed["method"])
        kept += tuple(k for k in self._kept if k.is_masks and plain(k.row.label) == name)
        cost = None if peer and peer.cost else self.kept.cost(record)
        entries = (*((cost,) if cost else ()), *self._kept_speed(printed))
        if number == 2:
            return Line(printed, entry, peer, record, kept=kept, kept_entries=entries)
        masks = (m for m in (*self.published, *self.masks) if m.is_scored and plain(m.name) == name)
        public = (line for line in read_paper("public-record") if plain(line["method"]) == name)
        joined = (next(masks, None), next(public, {}), kept, entries)
        return Line(printed, entry, peer, record, *joined)

    @cached_property
    def _kept(self) -> list[KeptScores]:
        return self.kept.scores()

    def _kept_models(self, number: int, printed: dict[str, str]) -> tuple[KeptScores, ...]:
        """Kept scores of rows that are what a line is about."""
        rows = ((kept, as_row(kept)) for kept in self._kept)
        found = [kept for kept, row in rows if row and _is_of(row, number, printed)]
        if number not in ABLATIONS:
            return tuple(found)
        return tuple(sorted(found, key=lambda kept: kept.rank(number), reverse=True))

    def _kept_speed(self, printed: dict[str, str]) -> tuple[Entry, ...]:
        """The kept speed of the full model with a line's backbone."""
        is_ours = printed.get("method", "TTVOS") == "TTVOS" and "fps" in printed
        speed = self.kept.speed(FULL, BACKBONES[printed["backbone"]]) if is_ours else None
        return (speed,) if speed else ()

    def _record(self, printed: dict[str, str]) -> Peer | None:
        """What is known of a method; with several records, of the one with the printed backbone."""
        name, backbone = plain(printed["method"]), printed.get("backbone", "")
        found = [record for record in self.records.values() if plain(record.method) == name]
        fitting = [record for record in found if is_backbone(backbone, record.backbone)]
        return next(iter([*fitting, *found]), None)

    def _peer(self, record: Peer | None) -> PeerResults | None:
        """The built peer of a record, where this run measured it."""
        return next((peer for peer in self.peers if peer.record == record), None)

    @cached_property
    def methods(self) -> dict[str, Method]:
        """The methods that the facts know, by their record's name, in Table 3's order."""
        order = [plain(line.printed["method"]) for line in self.lines[3]]
        place = {name: index for index, name in reversed([*enumerate(order)])}
        records = sorted(
            self.records.values(), key=lambda r: (place.get(plain(r.method), len(order)), r.name)
        )
        return {record.name: self._method(record) for record in records}

    def _method(self, record: Peer) -> Method:
        lines = [line.printed for number in (3, 5) for line in self.lines[number]]
        same = [x["backbone"] for x in lines if plain(x["method"]) == plain(record.method)]
        fitting = [backbone for backbone in same if is_backbone(backbone, record.backbone)]
        line = next((line for line in self.lines[3] if line.record == record), None)
        return Method(record, line, self._peer(record), next(iter([*fitting, *same]), ""))

    def own(self, number: int) -> list[Entry]:
        """Who stands in a table and is no line of it: rows that name it, and in Table 3 the users'
        masks and trackers as well.
        """
        lines = self.lines[number]
        taken = {line.entry.name for line in lines if isinstance(line.entry, RowResults)}
        named = [row for row in self.rows if row.name not in taken]
        if number != 3:
            return [row for row in named if number in row.entry.tables]
        masks = [masks for masks in (*self.published, *self.masks) if masks.is_scored]
        theirs = [m for m in masks if not any(m is line.masks for line in lines)]
        return [
            *theirs,
            *(r for r in named if 3 in r.entry.tables or r.entry.tracker not in TRAINED),
        ]

    def table(
        self, columns: Iterable, rows: Iterable, sources: Iterable = (), **texts: Any
    ) -> Table:
        """A table of this run's data. sources: result files, or None. texts: see `Table`."""
        names = dict.fromkeys(file.name for file in sources if file)
        data = {"profile": self.manifest.profile, "caution": self.manifest.caution}
        return Table(
            columns=tuple(columns), rows=tuple(rows), sources=tuple(names), **texts, **data
        )


def is_papers_model(entry: RowEntry) -> bool:
    """Whether a row is the full model on HRNet."""
    return (entry.variant, entry.backbone) == (FULL, BACKBONE)


def _is_of(row: RowEntry, number: int, printed: dict[str, str]) -> bool:
    """Whether a row is what a line of a table is about, and no other experiment with it."""
    if number not in row.tables:
        return False
    model = (row.variant, row.backbone)
    if number == 4:
        return model == (f"exp{printed['exp']}", BACKBONE)
    if number == 5:
        loss = printed["transition_loss"] == "1"
        same = row.backbone == BACKBONES[printed["backbone"]] and row.transition_loss is loss
        return row.tracker == "frtm" and same
    if number == 6:
        return model == (FULL, BACKBONES[printed["backbone"]])
    if plain(row.method) != plain(printed["method"]):
        return False
    if number == 2:
        return is_papers_model(row)
    is_whole = row.variant == FULL if row.tracker == "ttvos" else not row.transition_loss
    return is_whole and is_backbone(printed["backbone"], row.backbone)


def lacks_online_learning(peer: PeerResults) -> bool:
    """Whether the published method learns on the clip and the tracker, with random weights, not.

    The cost file says so where the published schedule is known; else Table 3's tick does.
    """
    if peer.cost and peer.cost.record.get("online_not_run"):
        return True
    ticked = {plain(x["method"]) for x in read_paper("table3") if x["online_learning"] == "1"}
    return peer.record.status == "cost only" and plain(peer.record.method) in ticked
