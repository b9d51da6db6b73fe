"""Each subcommand once on tiny input, as a user types it, and its help."""

import json
import sys

import pytest
import torch

import ttvos
from tests.unit.cli.conftest import evaluate, predict, train
from ttvos.cli.main import main
from ttvos.config.experiments import find_variant
from ttvos.core.provenance import file_hash
from ttvos.core.video import read_mask
from ttvos.measure.latency import Load
from ttvos.model import weights as checkpoint
from ttvos.model.ttvos import build_model

SUBCOMMANDS = ("data", "train", "backbone", "snapshot", "predict", "evaluate", "failures", "stress")
SUBCOMMANDS += (
    "cost",
    "speed",
    "live",
    "steptime",
    "judge",
    "site",
    "explore",
    "report",
    "compare",
)
SUBCOMMANDS += ("publish", "fill", "card", "schemas")


def run(arguments: list[object]) -> None:
    assert main([str(argument) for argument in arguments]) == 0


HELD = """
class Held:
    def init(self, frame, mask):
        self.mask = mask
    def step(self, frame):
        return self.mask
"""
DATA = ("data mini", "data fetch", "data check")


@pytest.mark.parametrize("subcommand", [*DATA, *SUBCOMMANDS[1:]])
def test_help(capsys, subcommand):
    with pytest.raises(SystemExit) as finished:
        main([*subcommand.split(), "--help"])
    assert finished.value.code == 0
    text = capsys.readouterr().out
    assert f"usage: ttvos {subcommand}" in text
    places = dict.fromkeys(DATA[1:], "--root") | {"fill": "pages", "judge": "--values"}
    places["compare"] = "--json"
    assert places.get(subcommand, "--out") in text
    assert "default: None" not in text
    assert "default: ()" not in text


def test_version(capsys):
    with pytest.raises(SystemExit) as finished:
        main(["--version"])
    assert finished.value.code == 0
    assert capsys.readouterr().out == f"ttvos {ttvos.__version__}\n"


def test_a_library_that_is_not_installed_is_one_line(monkeypatch, refused, tmp_path):
    monkeypatch.setitem(sys.modules, "ttvos.report.inputs", None)
    monkeypatch.setattr("ttvos.cli.main.EXTRAS", {"ttvos.report.inputs": "report"})
    manifest = ["--manifest", tmp_path / "manifest.json", "--out", tmp_path / "page"]
    refused(["report", *manifest], "not installed", 'pip install "ttvos[report]"')


def test_every_option_is_explained():
    from ttvos.cli.main import build_parser

    (subparsers,) = (a for a in build_parser()._actions if hasattr(a, "choices") and a.choices)
    assert tuple(subparsers.choices) == SUBCOMMANDS
    (kinds,) = (a for a in subparsers.choices["data"]._actions if a.choices)
    assert tuple(f"data {name}" for name in kinds.choices) == DATA
    for command in (*subparsers.choices.values(), *kinds.choices.values()):
        assert [action.dest for action in command._actions if not action.help] == []


def test_data(profile, tmp_path):
    run(["data", "mini", "--config", profile, "--out", tmp_path / "mini"])
    found = {path.name for path in (tmp_path / "mini").glob("[!.]*")}
    assert found == {"davis", "stills", "ytvos", "mini.json"}
    assert len(list((tmp_path / "mini").rglob("*.jpg"))) == 2 + 2 + 1 + 2


def test_train_backbone_and_a_training_from_it(profile, tmp_path, capsys):
    run(train(profile, tmp_path / "a"))
    trained = tmp_path / "a/checkpoint.safetensors"
    assert checkpoint.metadata(trained)["provenance"]["data"]["profile"] == "tiny"
    backbone = tmp_path / "backbone.safetensors"
    run(["backbone", "--checkpoint", trained, "--out", backbone])
    origin = checkpoint.metadata(backbone)["provenance"]["checkpoint_provenance"]
    assert origin["config"] == checkpoint.metadata(trained)["provenance"]["config"]
    text = profile.read_text().replace("stages:", f"initial: {{hrnet: {backbone}}}, stages:")
    profile.write_text(text)
    run(train(profile, tmp_path / "b", "--variant", "exp1", "--seed", 3))
    record = json.loads((tmp_path / "b/train.json").read_text())
    assert (record["variant"], record["seed"]) == ("exp1", 3)
    assert record["provenance"]["initial"]["source"] == str(backbone)
    capsys.readouterr()
    run(train(profile, tmp_path / "b", "--variant", "exp1", "--seed", 3))
    assert "already trained" in capsys.readouterr().err


def test_predict_and_evaluate(tiny_davis, weights, tmp_path, capsys):
    masks, maps, scores = tmp_path / "masks", tmp_path / "maps.npz", tmp_path / "scores.json"
    options = ("--checkpoint", weights, "--profile", "tiny", "--single-object", "direct")
    run(predict(tiny_davis, masks, *options, "--maps", maps, "--maps-sequence", "two"))
    assert read_mask(masks / "two/00007.png", 2017).shape == (64, 96)
    assert maps.exists()
    source = json.loads((masks / "predict.json").read_text())["provenance"]
    assert source["checkpoint"] == file_hash(weights)
    assert source["tracker"] == {"name": "ttvos-exp8-hrnet", "single_object": "direct"}
    run(evaluate(masks, tiny_davis, scores, "--profile", "tiny"))
    result = json.loads(scores.read_text())
    assert set(result["objects"]) == {"one_1", "two_1", "two_2"}
    assert result["provenance"]["data"]["profile"] == "tiny"
    assert f"J&F-Mean {100 * result['global']['J&F-Mean']:.1f}" in capsys.readouterr().out


@pytest.mark.parametrize(("year", "reference"), [(2016, "still"), (2017, "flow")])
def test_references(tiny_davis, tmp_path, year, reference):
    root = tiny_davis.parent / f"davis{year - 2000}"
    run(predict(root, tmp_path / "masks", "--reference", reference, year=year))
    options = ["--dataset", root, "--year", year, "--out", tmp_path / "scores.json"]
    run(["evaluate", "--masks", tmp_path / "masks", *options])
    assert json.loads((tmp_path / "scores.json").read_text())["global"]["J&F-Mean"] > 0.1


def test_cost(tmp_path, monkeypatch, capsys):
    """It needs no file."""
    monkeypatch.chdir(tmp_path)
    size = ["--height", 32, "--width", 48]
    for which in (["--rows", "exp8-hrnet"], ["--tracker", "rgmp"]):
        run(["cost", *which, *size])
        assert "GMAC a frame" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
    run(["cost", "--backbone", "hrnet", *size, "--out", "cost.json"])
    assert "1,605,830 parameters" in capsys.readouterr().out
    result = json.loads((tmp_path / "cost.json").read_text())
    assert result["parameters"]["total"] == 1_605_830


def test_speed(tmp_path, monkeypatch, capsys):
    """It takes everything from the checkpoint, needs no file, and says if the machine was busy."""
    monkeypatch.setattr(Load, "record", lambda self: {"cores": 2, "used_by_others": 1.3})
    busy = "other processes used 1.3 of 2 cores: do not use these figures\n"
    (tmp_path / "held.py").write_text(HELD)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    size = ["--height", 32, "--width", 48]
    run(["speed", "--tracker", "held:Held", *size, "--repeats", 2])
    assert busy in capsys.readouterr().out
    assert not list(tmp_path.glob("*.json"))
    checkpoint.save(build_model(find_variant("exp2"), "resnet18"), "small.safetensors", {})
    options = ["--checkpoint", "small.safetensors", "--frames", 2]
    run(["speed", *options, *size, "--out", "speed.json"])
    told = capsys.readouterr().out
    assert "exp2-resnet18, 32x48, 1 object" in told
    assert "spread" in told
    assert busy in told
    result = json.loads((tmp_path / "speed.json").read_text())
    assert (result["variant"], result["backbone"], result["device"]) == ("exp2", "resnet18", "cpu")
    assert len(result["streaming"]["repeats"]) == 5
    assert set(result["load"]) == {"cores", "used_by_others"}
    assert result["rows"][0]["spread"] == result["streaming"]["spread"]["relative"]


def test_threads_are_as_the_environment_says(tmp_path, monkeypatch):
    (tmp_path / "held_by_threads.py").write_text(HELD)
    monkeypatch.syspath_prepend(tmp_path)
    before, out = torch.get_num_threads(), tmp_path / "speed.json"
    monkeypatch.setenv("TTVOS_THREADS", str(before + 1))
    timed = ["--tracker", "held_by_threads:Held", "--height", 32, "--width", 48, "--repeats", 2]
    try:
        run(["speed", *timed, "--out", out])
    finally:
        torch.set_num_threads(before)
    assert json.loads(out.read_text())["provenance"]["threads"] == before + 1
