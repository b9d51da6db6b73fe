"""Weights by name, wherever weights are asked for."""

import json
from pathlib import Path

import pytest
import torch

import ttvos
from tests.unit.cli.conftest import predict
from tests.unit.training.tiny import EXP8, run, tiny_config
from ttvos.cli.main import main
from ttvos.config.experiments import RUNS
from ttvos.core import shipped_weights as weights
from ttvos.core.errors import UserError
from ttvos.core.files import read_yaml
from ttvos.core.provenance import file_hash
from ttvos.model import weights as checkpoint
from ttvos.model.ttvos import build_model
from ttvos.plan.plan import Plan
from ttvos.plan.run import parse_config
from ttvos.training.ttvos import TTVOSTask

MINI = read_yaml(RUNS / "mini.yaml")


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch) -> Path:
    """weights/my-weights.safetensors, a whole model, as the only shipped weights."""
    folder = tmp_path / "weights"
    torch.manual_seed(4)
    file = folder / "my-weights.safetensors"
    checkpoint.save(build_model(EXP8, "hrnet"), file, {"seed": 4}, half=True)
    monkeypatch.setattr(weights, "FOLDERS", (folder, tmp_path / "no-folder"))
    return file


def test_a_name_stands_for_its_file(shipped, tmp_path, monkeypatch):
    assert weights.find_weights("my-weights") == shipped
    monkeypatch.chdir(tmp_path)
    assert weights.find_weights("my-weights") == Path("weights/my-weights.safetensors")


@pytest.mark.parametrize("path", ["my-weights.pth", "./a/my-weights", "none.safetensors", "."])
def test_a_path_stays_a_path(shipped, path):
    assert weights.find_weights(path) == Path(path)


def test_a_file_of_that_name_comes_first(shipped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my-weights").mkdir()
    assert weights.find_weights("my-weights").suffix == ".safetensors"
    (tmp_path / "my-weights").rmdir()
    (tmp_path / "my-weights").write_text("")
    assert weights.find_weights("my-weights") == Path("my-weights")


def test_an_unknown_name_lists_the_known_ones(shipped):
    with pytest.raises(UserError, match=r"^my-weight: neither .* \(my-weights\)$"):
        weights.find_weights("my-weight")


def test_weights_of_the_repository_are_found():
    assert "mini-hrnet-backbone" in weights.known_weights()


def test_load_by_name(shipped):
    model = ttvos.load("my-weights")
    expected = checkpoint.load(shipped).state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in model.state_dict().items())
    assert checkpoint.metadata("my-weights")["provenance"] == {"seed": 4}
    with pytest.raises(UserError, match="my-weights"):
        ttvos.load("other")


def test_predict_by_name(shipped, tiny_davis, tmp_path):
    arguments = predict(tiny_davis, tmp_path / "masks", "--checkpoint", "my-weights")
    assert main([str(argument) for argument in arguments]) == 0
    source = json.loads((tmp_path / "masks/predict.json").read_text())["provenance"]
    assert source["checkpoint"] == file_hash(shipped)


def test_a_profile_depends_on_the_files(shipped):
    train = {**MINI["train"], "initial": {"hrnet": "my-weights", "resnet18": "imagenet"}}
    train["initial"]["resnet50"] = None
    config = parse_config({**MINI, "checkpoint": "my-weights", "train": train})
    assert config.train.initial == {"hrnet": str(shipped), "resnet18": "imagenet", "resnet50": None}
    assert Plan(config).checkpoint("exp8-hrnet-s0") == str(shipped)
    assert parse_config({**MINI, "train": {**train, "initial": {}}}).checkpoint is None


@pytest.mark.parametrize(
    "changes", [{"checkpoint": "nobody"}, {"train": {"recipe": "mini", "initial": {"hrnet": "x"}}}]
)
def test_an_unknown_name_in_a_profile(shipped, changes):
    with pytest.raises(UserError, match=r"^mine\.yaml: .*\(my-weights\)$"):
        parse_config({**MINI, **changes}, "mine.yaml")


def test_a_training_starts_from_the_backbone_of_a_name(shipped, tiny_davis, tmp_path):
    config = tiny_config(tiny_davis, steps=(1,), initial={"hrnet": "my-weights"})
    after = run(config, tmp_path / "run")
    frozen = "backbone.net.conv1.weight"
    assert torch.equal(after[frozen], checkpoint.load(shipped).state_dict()[frozen])
    record = json.loads((tmp_path / "run/train.json").read_text())
    initial = {"source": "my-weights", "sha256": file_hash(shipped), "trained_within": "exp8"}
    assert record["provenance"]["initial"] == initial
    by_name = TTVOSTask(config, EXP8, "hrnet").settings("cpu")
    by_path = tiny_config(tiny_davis, steps=(1,), initial={"hrnet": str(shipped)})
    assert by_name == TTVOSTask(by_path, EXP8, "hrnet").settings("cpu")
