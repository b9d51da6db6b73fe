"""FRTM's weights by the published names, and what is said of files that do not fit."""

import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import save_file

from ttvos.core.errors import UserError
from ttvos.measure.clip import disc_clip
from ttvos.peers.frtm.tracker import FRTM

LEVELS = {"layer5": 512, "layer4": 256, "layer3": 128, "layer2": 64}  # of ResNet18


def published_shapes() -> dict[str, tuple[int, ...]]:
    """Names and shapes of the published refiner for ResNet18, written out from the facts."""
    shapes = {}

    def conv(name: str, inputs: int, outputs: int, kernel: int, bias: bool = True) -> None:
        shapes[f"refiner.{name}.weight"] = (outputs, inputs, kernel, kernel)
        if bias:
            shapes[f"refiner.{name}.bias"] = (outputs,)

    for level, channels in LEVELS.items():
        conv(f"TSE.{level}.reduce.0", channels, 64, 1)
        conv(f"TSE.{level}.reduce.2", 64, 64, 1)
        conv(f"TSE.{level}.transform.0", 65, 65, 3)
        conv(f"TSE.{level}.transform.2", 65, 65, 3)
        conv(f"TSE.{level}.transform.4", 65, 64, 3)
        conv(f"CAB.{level}.convreluconv.0", 128, 64, 1)
        conv(f"CAB.{level}.convreluconv.2", 64, 64, 1)
        for block in ("RRB1", "RRB2"):
            conv(f"{block}.{level}.conv1x1", 64, 64, 1)
            conv(f"{block}.{level}.bblock.0", 64, 64, 3)
            for entry in ("weight", "bias", "running_mean", "running_var"):
                shapes[f"refiner.{block}.{level}.bblock.1.{entry}"] = (64,)
            shapes[f"refiner.{block}.{level}.bblock.1.num_batches_tracked"] = ()
            conv(f"{block}.{level}.bblock.3", 64, 64, 3, bias=False)
    conv("project.conv1", 64, 32, 3)
    conv("project.conv2", 32, 1, 3)
    return shapes


@pytest.fixture(scope="module")
def published() -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(3)
    return {
        name: torch.rand(shape, generator=draw) * 0.1 if shape else torch.tensor(7)
        for name, shape in published_shapes().items()
    }


@pytest.fixture(scope="module")
def imagenet() -> dict[str, torch.Tensor]:
    """A stand-in for torchvision's weights: its names, the classifier among them."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return torchvision.models.resnet18(weights=None).state_dict()


def test_a_published_file_loads_with_a_file_of_the_backbones(tmp_path, published, imagenet):
    torch.save({"model": published}, tmp_path / "rn18.pth")
    torch.save(imagenet, tmp_path / "resnet18.pth")
    tracker = FRTM(weights=tmp_path / "rn18.pth", backbone_weights=tmp_path / "resnet18.pth")
    state = tracker.refiner.state_dict()
    assert {f"refiner.{name}" for name in state} == set(published)
    assert all(torch.equal(state[k.removeprefix("refiner.")], v) for k, v in published.items())
    found = tracker.backbone.state_dict()
    assert all(torch.equal(found[k], v) for k, v in imagenet.items() if not k.startswith("fc."))
    assert tracker.options["output"] == "refinement"


def test_a_published_file_takes_torchvisions_imagenet_weights(
    tmp_path, published, imagenet, monkeypatch
):
    torch.save({"model": published}, tmp_path / "rn18.pth")
    make = torchvision.models.get_model

    def pretrained(name, weights=None):
        net = make(name, weights=None)
        if weights == "IMAGENET1K_V1":
            net.load_state_dict(imagenet)
        return net

    monkeypatch.setattr(torchvision.models, "get_model", pretrained)
    tracker = FRTM(weights=tmp_path / "rn18.pth")
    assert torch.equal(tracker.backbone.conv1.weight, imagenet["conv1.weight"])


def test_without_a_network_the_way_out_is_named(tmp_path, published, monkeypatch):
    torch.save({"model": published}, tmp_path / "rn18.pth")
    make = torchvision.models.get_model

    def refuse(name, weights=None):
        if weights is not None:
            raise OSError("no network")
        return make(name, weights=None)

    monkeypatch.setattr(torchvision.models, "get_model", refuse)
    with pytest.raises(UserError, match="backbone_weights"):
        FRTM(weights=tmp_path / "rn18.pth")


def test_our_own_checkpoint_holds_its_backbone(tmp_path, published, imagenet):
    own = {f"backbone.{k}": v for k, v in imagenet.items() if not k.startswith("fc.")}
    save_file({**published, **own}, tmp_path / "ours.safetensors")
    tracker = FRTM(weights=tmp_path / "ours.safetensors")
    assert torch.equal(tracker.backbone.conv1.weight, imagenet["conv1.weight"])
    frames, mask = disc_clip(2, 48, 64)
    prediction, _ = tracker.step(frames[1], tracker.init(frames[0], mask))
    assert np.isfinite(prediction.foreground).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("refiner.project.conv2.bias"), "1 missing"),
        (lambda t: t.update({"refiner.extra": torch.ones(1)}), "1 unexpected"),
        (lambda t: t.update({"discriminator.x": torch.ones(1)}), "discriminator.x"),
        (lambda t: t.update({"refiner.project.conv2.bias": torch.ones(3)}), "another shape"),
    ],
)
def test_files_that_do_not_fit_are_refused(tmp_path, published, change, message):
    tensors = dict(published)
    change(tensors)
    torch.save({"model": tensors}, tmp_path / "bad.pth")
    with pytest.raises(UserError, match=message):
        FRTM(weights=tmp_path / "bad.pth")


def test_weights_of_the_other_backbone_are_refused(tmp_path, published):
    torch.save({"model": published}, tmp_path / "rn18.pth")
    with pytest.raises(UserError, match="another shape"):
        FRTM(weights=tmp_path / "rn18.pth", backbone="resnet101")


def test_a_missing_backbone_file_is_named(tmp_path, published):
    torch.save({"model": published}, tmp_path / "rn18.pth")
    with pytest.raises(UserError, match=r"none\.pth: no such"):
        FRTM(weights=tmp_path / "rn18.pth", backbone_weights=tmp_path / "none.pth")
