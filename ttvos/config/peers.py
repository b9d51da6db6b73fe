"""What is known and built of each peer: `data/peers/NAME.yaml`, checked; needs no PyTorch."""

import functools
from dataclasses import field
from pathlib import Path
from typing import Literal

from ttvos.config.settings import build, settings
from ttvos.core.errors import UserError
from ttvos.core.files import read_yaml
from ttvos.core.folders import shipped

FOLDER = shipped("data/peers")


@settings
class Expected:
    """What the facts say it costs; our count is held to within 1 % of it.

    parameters_m: millions. frame_gmac: 1e9 MACs of a steady frame. init_gmac: of frame 0. parts:
    of a frame, by the names of the tracker's `parts`.
    """

    parameters_m: float | None = None
    frame_gmac: float | None = None
    init_gmac: float | None = None
    parts: dict[str, float] = field(default_factory=dict)


@settings
class Peer:
    """One method of the paper's Table 3.

    name: what `--tracker` takes. method: as Table 3 prints it. backbone: of what is built.
    tracker: "package.module:Class", None where it is not built. options: for the class.
    reason: why it is cost only or not built. built: what was built. input: the frame's size as
    the network sees it. facts: where the facts are from. assumed: what they leave open. masks:
    where published masks are. memory_slots: how many slots a frame reads on average, where
    its cost grows with them.
    """

    name: str
    method: str
    backbone: str
    tracker: str | None
    status: Literal["weights load", "cost only", "not built"]
    built: str = ""
    reason: str = ""
    input: str = ""
    options: dict[str, str] = field(default_factory=dict)
    facts: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    expected: Expected = Expected()
    masks: tuple[str, ...] = ()
    memory_slots: float | None = None

    def __post_init__(self) -> None:
        if (self.tracker is None) != (self.status == "not built"):
            raise UserError(f"peer {self.name}: a tracker, or the status not built; not both")
        if self.status != "weights load" and not self.reason:
            raise UserError(f"peer {self.name}: {self.status} needs a reason")


@functools.cache
def load_records(folder: Path = FOLDER) -> dict[str, Peer]:
    """All peers by name, in the files' order, read once in a process; not to be changed.

    Raises UserError for a file that does not fit.
    """
    files = sorted(folder.glob("*.yaml"))
    peers = {path.stem: build(Peer, read_yaml(path), path.name) for path in files}
    for stem, peer in peers.items():
        if stem != peer.name:
            raise UserError(f"{stem}.yaml: its name is {peer.name}; both must be the same")
    return peers


def built_peers() -> dict[str, Peer]:
    """The peers that can be run."""
    return {name: peer for name, peer in load_records().items() if peer.tracker}
