"""Costs that the repository keeps: taken over only while nothing that decides them has changed."""

import json

import pytest

from ttvos.cli.main import main
from ttvos.config.peers import built_peers
from ttvos.core.provenance import REPOSITORY

KEPT = REPOSITORY / "results-published" / "peers"
CLASS = """
class Mine:
    name = "mine"
    def init(self, frame, mask):
        self.mask = mask
    def step(self, frame):
        return self.mask
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    (tmp_path / "kept_class.py").write_text(CLASS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    assert count("--trackers", "kept_class:Mine", "--out", "kept") == 0
    return tmp_path


def count(*arguments: str) -> int:
    return main(["cost", "--height", "32", "--width", "48", *arguments])


def again(*arguments: str) -> dict:
    named = ["--tracker", "kept_class:Mine", "--kept", "kept", "--out", "again.json"]
    assert count(*named, *arguments) == 0
    with open("again.json") as handle:
        return json.load(handle)


def test_a_kept_cost_is_taken_over_and_says_so(folder, capsys):
    cost = again()
    kept = json.loads((folder / "kept/kept_class:Mine.json").read_text())
    assert cost["provenance"].pop("kept") == "kept/kept_class:Mine.json"
    assert cost == kept
    assert "(kept)" in capsys.readouterr().out


@pytest.mark.parametrize("change", ["code", "size", "objects", "folder"])
def test_any_difference_counts_anew(folder, change):
    if change == "code":
        (folder / "kept_class.py").write_text(CLASS.replace("mine", "other"))
    arguments = {
        "size": ["--height", "48"],
        "objects": ["--objects", "2"],
        "folder": ["--kept", "x"],
    }
    assert "kept" not in again(*arguments.get(change, []))["provenance"]


def test_all_peers_are_kept():
    assert {path.stem for path in KEPT.glob("*.json")} == set(built_peers())


@pytest.mark.parametrize("name", built_peers())
def test_kept_costs_are_those_of_the_facts(name):
    """Within 1 %, at the paper's frame size; STM's frame is told for another memory in its test."""
    cost, expected = json.loads((KEPT / f"{name}.json").read_text()), built_peers()[name].expected
    assert (cost["height"], cost["width"], cost["objects"]) == (480, 854, 1)
    assert cost["parameters"]["total"] / 1e6 == pytest.approx(expected.parameters_m, rel=0.01)
    if expected.init_gmac:
        assert cost["macs"]["init"] / 1e9 == pytest.approx(expected.init_gmac, rel=0.01)
    if name != "stm":
        assert cost["macs"]["frame"] / 1e9 == pytest.approx(expected.frame_gmac, rel=0.01)
