"""What FRTM's training starts from: every kind of backbone file, and ImageNet's weights."""

from pathlib import Path

import pytest
import torch
import torchvision

from tests.unit.peers.frtm.tiny_training import frtm_task
from tests.unit.training.tiny import same, started
from ttvos.cli.main import main
from ttvos.config.experiments import find_variant
from ttvos.core.errors import UserError
from ttvos.core.provenance import file_hash
from ttvos.model import weights as checkpoint
from ttvos.model.ttvos import build_model
from ttvos.peers.base import make_seeded
from ttvos.peers.frtm.backbone import Backbone
from ttvos.peers.frtm.learner import Learner, save_backbone, save_checkpoint
from ttvos.peers.frtm.loading import imagenet_weights, read_backbone


def from_file(path: Path, root: Path) -> tuple[Learner, dict]:
    task = frtm_task(root, initial={"resnet18": str(path)})
    learner = task.network()
    return learner, task.start(learner)


@pytest.mark.parametrize("kind", ["ttvos", "ttvos backbone", "frtm", "torchvision"])
def test_backbone_of_every_kind_of_file(tmp_path: Path, kind: str):
    torch.manual_seed(7)
    path = tmp_path / ("net.pth" if kind == "torchvision" else "net.safetensors")
    if kind == "frtm":
        learner = Learner("resnet18", is_frozen=True)
        save_checkpoint(learner, "resnet18", True, path, {})
        expected = learner.backbone.state_dict()
    elif kind == "torchvision":
        net = torchvision.models.resnet18(weights=None)
        torch.save(net.state_dict(), path)
        expected = {k: v for k, v in net.state_dict().items() if not k.startswith("fc.")}
    else:
        model = build_model(find_variant("exp8"), "resnet18")
        if kind == "ttvos":
            checkpoint.save(model, path, {})
        else:
            checkpoint.save_backbone(model, path, {}, half=False)
        expected = model.backbone.net.state_dict()
    learner, origin = from_file(path, tmp_path)
    assert same(learner.backbone.state_dict(), dict(expected))
    within = {"trained_within": "exp8"} if kind == "ttvos" else {}
    assert origin == {"source": str(path), "sha256": file_hash(path), **within}


def test_networks_are_alike_whatever_the_backbone_starts_from(tmp_path: Path):
    other = make_seeded(lambda: Backbone("resnet18"), 5)
    save_backbone(other.state_dict(), "resnet18", tmp_path / "net.safetensors", {})
    read, _ = from_file(tmp_path / "net.safetensors", tmp_path)
    random = started(frtm_task(tmp_path, True))
    assert same(read.refiner.state_dict(), random.refiner.state_dict())
    assert not same(read.backbone.state_dict(), random.backbone.state_dict())


def test_files_that_are_refused(tmp_path: Path):
    path = tmp_path / "net.safetensors"
    save_backbone(Backbone("resnet18").state_dict(), "resnet18", path, {})
    with pytest.raises(UserError, match="is of backbone resnet18, not resnet101"):
        read_backbone(path, "resnet101")
    hrnet = checkpoint.load("ttvos-hrnet-davis")
    checkpoint.save_backbone(hrnet, path, {})
    with pytest.raises(UserError, match="is of backbone hrnet"):
        from_file(path, tmp_path)
    path.write_bytes(b"cut")
    with pytest.raises(UserError, match=r"net\.safetensors"):
        from_file(path, tmp_path)


def test_settings_tell_the_arms_apart_and_leave_out_what_decides_nothing(davis: Path):
    first = frtm_task(davis, True).settings("cpu")
    assert first != frtm_task(davis, False).settings("cpu")
    other = frtm_task(davis, True, checkpoint_every=7, workers=2, target_cache="fits")
    assert first == other.settings("cpu")


def test_imagenet_weights_of_resnet101_become_a_file(tmp_path: Path, monkeypatch, capsys):
    given = torchvision.models.resnet101(weights=None)
    asked = []

    def get_model(name: str, weights: str | None):
        asked.append((name, weights))
        return given

    monkeypatch.setattr(torchvision.models, "get_model", get_model)
    command = ["data", "fetch", "imagenet-resnet101", "--root", str(tmp_path)]
    assert main(command) == 0
    assert asked == [("resnet101", "IMAGENET1K_V1")]
    path = tmp_path / "imagenet/resnet101.safetensors"
    found = read_backbone(path, "resnet101")
    expected = {k: v for k, v in given.state_dict().items() if not k.startswith("fc.")}
    assert same(found, expected)
    assert main(["data", "check", "imagenet-resnet101", "--root", str(tmp_path)]) == 0
    path.write_bytes(b"cut")
    assert main(["data", "check", "imagenet-resnet101", "--root", str(tmp_path)]) == 1
    assert "resnet101.safetensors" in capsys.readouterr().err


def test_no_network_is_one_clear_line(monkeypatch):
    def fails(*_, **__):
        raise OSError("no network")

    monkeypatch.setattr(torchvision.models, "get_model", fails)
    with pytest.raises(UserError, match=r"ttvos data fetch imagenet-resnet101.*frtm\.initial"):
        imagenet_weights("resnet101")
