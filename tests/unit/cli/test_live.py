"""`ttvos live`: who is played, where latencies come from, and what is refused."""

import pytest

from ttvos.cli.main import main
from ttvos.records.schema import Live
from ttvos.records.store import read

OWN = """
class Held:
    def init(self, frame, mask):
        self.mask = mask
    def step(self, frame):
        return self.mask
"""


def arguments(dataset, *more, year=2017):
    return ["live", "--dataset", dataset, "--year", year, "--only", "two", *more]


def run(*given) -> int:
    return main([str(argument) for argument in given])


@pytest.fixture
def own(tmp_path, monkeypatch) -> str:
    (tmp_path / "own_live.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return "own_live:Held"


def test_every_kind_of_tracker_is_played_by_the_same_rules(tiny_davis, weights, own, tmp_path):
    """The contract: TTVOS, references, users' classes, masks; equal fields, scores within 0 and 1,
    nobody sees the future, and a seed decides."""
    fps = ("--fps", 40, "--fps-device", "a fast one")
    kinds = {
        "ttvos": ("--checkpoint", weights, *fps),
        "still": ("--reference", "still", *fps),
        "flow": ("--reference", "flow"),
        "own": ("--tracker", own, *fps),
        "masks": ("--masks", tiny_davis / "Annotations/480p", "--name", "truth", *fps),
    }
    found = {}
    for name, who in kinds.items():
        out = tmp_path / f"{name}.json"
        assert run(*arguments(tiny_davis, *who, "--rates", 20, 200, "--out", out)) == 0
        found[name] = read(out, Live, sourced=True)
    for name, live in found.items():
        assert [rate.rate for rate in live.rates] == [20, 200]
        assert all(0 <= rate.means.jf_mean <= 1 for rate in live.rates)
        assert all(0 <= rate.processed <= 1 for rate in live.rates)
        assert live.upper_bound == (name == "masks")
        assert live.latency.source == ("measured" if name == "flow" else "given")
        assert list(live.offline_sequences) == list(live.rates[0].sequences) == ["two"]
    alike = [live.rates[0].age for name, live in found.items() if name != "flow"]
    assert all(age == alike[0] for age in alike)  # a schedule asks for latencies only
    assert found["still"].rates == found["own"].rates
    assert found["ttvos"].provenance.checkpoint
    assert found["own"].provenance.tracker_class == own


def test_latencies_are_taken_from_what_speed_has_written(tiny_davis, own, tmp_path):
    speed, out = tmp_path / "speed.json", tmp_path / "live.json"
    size = ("--height", 64, "--width", 96)
    assert run("speed", "--tracker", own, *size, "--objects", 2, "--out", speed) == 0
    assert run(*arguments(tiny_davis, "--tracker", own, "--latency", speed, "--out", out)) == 0
    live = read(out, Live)
    assert live.latency.source == "file"
    assert live.latency.file == str(speed)
    assert not live.notes
    assert [rate.rate for rate in live.rates] == [10, 15, 24, 30, 60, 120]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--reference", "still", "--rates", 0), "more than 0 frames a second"),
        (("--reference", "still", "--rates", "-1"), "more than 0 frames a second"),
        (("--reference", "still", "--fps", 3), "--fps-device"),
        (("--reference", "still", "--fps", 0, "--fps-device", "x"), "above 0"),
        (("--reference", "still", "--latency", "none.json"), "none.json"),
        (("--reference", "still", "--latency", "x", "--fps", 3), "not allowed with"),
        (("--reference", "still", "--name", "x"), "--masks"),
        (("--reference", "still", "--precision", "bfloat16"), "--precision"),
        (("--reference", "still", "--seed", "-1"), "seed '-1': a whole number, 0 or more"),
        (("--masks", "x", "--measure"), "--measure"),
        (("--masks", "x", "--engine", "reference"), "--engine"),
        (("--masks", "x"), "--fps N"),
        ((), "required"),
    ],
    ids=str,
)
def test_what_nothing_would_read_is_refused(tiny_davis, results, refused, options, words):
    refused(arguments(tiny_davis, *options, "--out", results / "scores.json"), words)


def test_a_file_of_another_kind_holds_no_latencies(tiny_davis, results, refused, tmp_path):
    (tmp_path / "other.json").write_text('{"global": {}, "objects": {}}')
    options = ("--reference", "still", "--latency", tmp_path / "other.json")
    refused(arguments(tiny_davis, *options, "--out", results / "scores.json"), "ttvos speed --out")


def test_a_frame_without_its_true_mask(tiny_davis, results, refused):
    (tiny_davis / "Annotations/480p/two/00004.png").unlink()
    options = ("--reference", "still", "--out", results / "scores.json")
    refused(arguments(tiny_davis, *options), "00004")
