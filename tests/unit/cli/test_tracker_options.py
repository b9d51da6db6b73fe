"""Which options go with --tracker, --reference and TTVOS: one that nothing reads is refused."""

import json

import pytest

from tests.unit.cli.conftest import predict
from ttvos.cli.main import main
from ttvos.core.provenance import file_hash

OWN = """
class Held:
    def __init__(self, weights=None, fast=False, steps=0):
        self.options = {"fast": fast, "steps": steps}
    def init(self, frame, mask):
        self.mask = mask
    def step(self, frame):
        return self.mask
"""
OF_TTVOS = [
    ("--variant", "exp1"),
    ("--precision", "bfloat16"),
    ("--compile", "on"),
    ("--engine", "reference"),
]
OF_PREDICTION = [*OF_TTVOS, ("--backbone", "hrnet"), ("--single-object", "direct")]


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "own_of_options.py").write_text(OWN)
    (tmp_path / "own.pth").write_text("weights")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return "own_of_options:Held"


@pytest.mark.parametrize("option", OF_PREDICTION, ids=str)
def test_options_of_ttvos_in_a_prediction(tiny_davis, results, refused, own, option):
    refused(predict(tiny_davis, results / "masks", "--tracker", own, *option), *option[:1])
    refused(predict(tiny_davis, results / "masks", "--reference", "still", *option), *option[:1])


def test_reference_trackers_know_no_scale(tiny_davis, results, refused):
    options = ("--reference", "still", "--input-scale", "0.5")
    refused(predict(tiny_davis, results / "masks", *options), "--input-scale")


@pytest.mark.parametrize("option", [*OF_TTVOS, ("--checkpoint", "own.pth")], ids=str)
def test_options_of_ttvos_in_a_timing(results, refused, own, option):
    refused(["speed", "--tracker", own, "--out", results / "new", *option], option[0])


@pytest.mark.parametrize("which", [("--backbone", "hrnet"), ("--rows", "exp8-hrnet")])
@pytest.mark.parametrize(
    "option", [("--objects", "2"), ("--weights", "own.pth"), ("--tracker-options", "fast=true")]
)
def test_options_of_trackers_in_costs(results, refused, own, which, option):
    refused(["cost", *which, *option, "--out", results / "new"], option[0], "--tracker")


def test_a_variant_in_a_trackers_costs(results, refused, own):
    refused(["cost", "--tracker", own, "--variant", "exp1", "--out", results / "new"], "--variant")


@pytest.mark.parametrize(
    ("command", "extra"),
    [("cost", ()), ("speed", ()), ("predict", ("--year", "2017", "--split", "val"))],
)
def test_results_say_which_code_and_weights(tiny_davis, tmp_path, own, command, extra):
    size = ("--height", "32", "--width", "48") if command != "predict" else ()
    data = ("--dataset", str(tiny_davis)) if command == "predict" else ()
    options = ["--tracker", own, "--weights", "own.pth", *size, *data, *extra]
    assert main([command, *options, "--out", str(tmp_path / "out")]) == 0
    out = tmp_path / "out"
    result = json.loads((out / "predict.json" if command == "predict" else out).read_text())
    origin = result["provenance"]
    assert origin["tracker_class"] == own
    assert len(origin["tracker_code"]) == 12
    assert origin["checkpoint"] == file_hash("own.pth")


def test_options_of_the_trackers_own_reach_it(tiny_davis, tmp_path, own):
    options = ["--tracker", own, "--tracker-options", "fast=true", "steps=3"]
    data = ["--dataset", str(tiny_davis), "--year", "2017", "--out", str(tmp_path / "masks")]
    assert main(["predict", *options, *data]) == 0
    result = json.loads((tmp_path / "masks/predict.json").read_text())
    assert result["provenance"]["tracker"] == {"name": "Held", "fast": True, "steps": 3}


@pytest.mark.parametrize(
    ("given", "words"), [("fast", "expected KEY=VALUE, got 'fast'"), ("slow=1", "takes no 'slow'")]
)
def test_options_that_the_tracker_has_not(results, refused, own, given, words):
    options = ["--tracker", own, "--tracker-options", given, "--out", results / "new"]
    refused(["cost", *options], words)
