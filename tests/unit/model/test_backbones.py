"""Where ImageNet weights come from, without fetching any."""

import pytest
import timm
import torch
import torchvision

from ttvos.core.errors import UserError
from ttvos.model.backbones import build_backbone


def test_mobilenet_is_torchvisions(monkeypatch):
    """With torchvision's weights it gives torchvision's features, dilated as the release's."""
    torch.manual_seed(0)
    theirs = torchvision.models.mobilenet_v3_large(weights=None, dilated=True).eval()
    for name, value in theirs.features.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            value.uniform_(0.5, 1.5)

    def pretrained(weights):
        assert weights == "IMAGENET1K_V1"
        return theirs

    monkeypatch.setattr(torchvision.models, "mobilenet_v3_large", pretrained)
    ours = build_backbone("mobilenetv3").eval()
    ours.load_imagenet()
    images = torch.randn(1, 3, 64, 96)
    with torch.no_grad():
        features = ours(images)
        x, expected = images, []
        for layer in theirs.features:
            x = layer(x)
            expected.append(x)
    for found, index in ((features.f4, 3), (features.f8, 6), (features.f16, 16)):
        torch.testing.assert_close(found, expected[index], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("backbone", "name"),
    [
        ("hrnet", "hrnet_w18_small.ms_in1k"),
        ("resnet18", "resnet18.tv_in1k"),
        ("resnet50", "resnet50.tv_in1k"),
    ],
)
def test_other_backbones_are_timms(monkeypatch, backbone, name):
    def pretrained(asked, pretrained, **options):
        assert (asked, pretrained) == (name, True)
        return create(asked.split(".")[0], **options)

    ours = build_backbone(backbone)
    create = timm.create_model
    monkeypatch.setattr(timm, "create_model", pretrained)
    before = {key: value.clone() for key, value in ours.net.state_dict().items()}
    ours.load_imagenet()
    assert any(not torch.equal(before[key], value) for key, value in ours.net.state_dict().items())
    assert name in timm.list_pretrained()


@pytest.mark.parametrize("backbone", ["hrnet", "mobilenetv3"])
def test_without_a_network_there_is_a_way_out(monkeypatch, backbone):
    def offline(*_, **__):
        raise OSError("no network")

    ours = build_backbone(backbone)
    monkeypatch.setattr(timm, "create_model", offline)
    monkeypatch.setattr(torchvision.models, "mobilenet_v3_large", offline)
    with pytest.raises(UserError, match=r"could not be had \(OSError\).*train\.initial"):
        ours.load_imagenet()
