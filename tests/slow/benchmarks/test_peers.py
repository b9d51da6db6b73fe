"""Every peer in turn: one that fails stands with its reason, and the others are timed."""

import json

from benchmarks import peers
from benchmarks.command import AT_MOST


def test_a_peer_that_fails_is_a_missed_bar(tmp_path, monkeypatch):
    load = peers.load_tracker

    def failing(name, *rest):
        if name == "stm":
            raise RuntimeError("no kernel\nfor this device")
        return load(name, *rest)

    monkeypatch.setattr(peers, "load_tracker", failing)
    out = tmp_path / "peers.json"
    size = ["--height", "64", "--width", "96", "--frames", "5"]
    assert peers.main(["--names", "stm", "siammask", *size, "--out", str(out)]) == 0
    found = json.loads(out.read_text())
    assert found["peers"]["stm"]["error"].startswith("RuntimeError: no kernel for this device")
    assert found["peers"]["siammask"]["fps"] > 0
    assert found["bars"]["peers that failed"] == {
        "value": 1,
        "bar": 0,
        "asked": AT_MOST,
        "holds": False,
    }
