"""FRTM's backbone, target model and refinement: shapes, counts, and what each must keep to."""

from collections import Counter

import pytest
import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from ttvos.config.peers import load_records
from ttvos.core.errors import UserError
from ttvos.peers.base import make_seeded
from ttvos.peers.frtm.backbone import BACKBONES, LEVELS, Backbone
from ttvos.peers.frtm.refiner import BicubicTwice, Refiner
from ttvos.peers.frtm.target import TargetModel

SIZE = (480, 854)
SIZES = {"layer5": (15, 27), "layer4": (30, 54), "layer3": (60, 107), "layer2": (120, 214)}
SMALL = {"layer5": (2, 3), "layer4": (4, 5), "layer3": (7, 9), "layer2": (13, 18)}


def on_meta(name: str):
    with torch.device("meta"):
        backbone = Backbone(name)
        target = TargetModel(backbone.channels["layer4"], 96)
        return backbone, target, Refiner(backbone.channels).eval()


def gmac(call) -> tuple[float, object]:
    with FlopCounterMode(display=False) as counter:
        result = call()
    return counter.get_total_flops() / 2e9, result


@pytest.mark.parametrize("name", BACKBONES)
def test_sizes_parameters_and_macs_are_those_of_the_facts(name):
    backbone, target, refiner = on_meta(name)
    expected = load_records()[f"frtm-{name}"].expected
    macs = {}
    image = torch.zeros(1, 3, *SIZE, device="meta")
    macs["backbone"], features = gmac(lambda: backbone(image))
    assert {level: tuple(x.shape[-2:]) for level, x in features.items()} == SIZES
    assert {level: x.shape[1] for level, x in features.items()} == backbone.channels
    macs["target model"], (score, projected) = gmac(
        lambda: target(features["layer4"], target.initial())
    )
    assert score.shape == (1, 1, 30, 54)
    assert projected.shape == (1, 96, 30, 54)
    macs["refinement"], logits = gmac(lambda: refiner(score, features, SIZE))
    assert logits.shape == (1, 1, *SIZE)
    assert macs == pytest.approx({p: expected.parts[p] for p in macs}, rel=0.01, abs=0.005)
    assert sum(macs.values()) == pytest.approx(expected.frame_gmac, rel=0.01)
    modules = (backbone, target, refiner)
    count = sum(p.numel() for module in modules for p in module.parameters())
    assert count / 1e6 == pytest.approx(expected.parameters_m, rel=0.01)


@pytest.mark.parametrize(
    ("name", "encoding", "target"), [("resnet18", 0.533, 25_440), ("resnet101", 0.717, 99_168)]
)
def test_parameters_by_block(name, encoding, target):
    _, model, refiner = on_meta(name)
    found = Counter()
    for key, weight in refiner.named_parameters():
        found[key.partition(".")[0]] += weight.numel() / 1e6
    expected = {"TSE": encoding, "RRB1": 0.312, "RRB2": 0.312, "CAB": 0.050, "project": 0.019}
    assert dict(found) == pytest.approx(expected, abs=0.0006)
    assert sum(p.numel() for p in model.parameters()) == target


def test_the_backbone_is_frozen_and_stays_in_eval_mode():
    backbone = make_seeded(lambda: Backbone("resnet18"))
    holder = torch.nn.ModuleList([backbone]).train()
    assert holder.training
    assert not any(module.training for module in backbone.modules())
    assert not any(p.requires_grad for p in backbone.parameters())
    image = torch.randint(256, (1, 3, 40, 56), dtype=torch.uint8)
    before = backbone.bn1.running_mean.clone()
    once, again = backbone(image), backbone(image.float())
    assert all(torch.equal(once[level], again[level]) for level in LEVELS)
    assert torch.equal(backbone.bn1.running_mean, before)


def test_an_image_is_normalised_by_imagenet():
    backbone = make_seeded(lambda: Backbone("resnet18"))
    seen = []
    backbone.conv1.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    backbone(torch.tensor([0.0, 127.5, 255.0]).view(1, 3, 1, 1).expand(1, 3, 32, 32))
    found = seen[0][0, :, 0, 0]
    expected = [-0.485 / 0.229, (0.5 - 0.456) / 0.224, (1 - 0.406) / 0.225]
    assert found.tolist() == pytest.approx(expected, rel=1e-5)


def test_an_unknown_backbone_is_named():
    with pytest.raises(UserError, match=r"resnet50.*resnet18 or resnet101"):
        Backbone("resnet50")


def test_bicubic_is_that_of_pytorch():
    x = torch.randn(2, 3, 5, 7, generator=torch.Generator().manual_seed(0))
    expected = F.interpolate(x, scale_factor=2, mode="bicubic", align_corners=False)
    torch.testing.assert_close(BicubicTwice()(x), expected, atol=2e-6, rtol=0)


@pytest.fixture(scope="module")
def small() -> tuple[Refiner, dict[str, torch.Tensor], torch.Tensor]:
    channels = {level: 4 + i for i, level in enumerate(LEVELS)}
    refiner = make_seeded(lambda: Refiner(channels, width=8))
    draw = torch.Generator().manual_seed(1)
    features = {k: torch.randn(1, channels[k], *SMALL[k], generator=draw) for k in LEVELS}
    return refiner, features, torch.randn(3, 1, *SMALL["layer4"], generator=draw)


def test_the_features_for_losses_are_of_a_quarter_and_have_a_gradient(small):
    refiner, features, scores = small
    logits, decoded = refiner(scores, features, (49, 70), return_features=True)
    assert decoded.shape == (3, 8, *SMALL["layer2"])
    assert logits.shape == (3, 1, 49, 70)
    decoded.square().mean().backward()
    norms = {k: p.grad for k, p in refiner.named_parameters() if not k.startswith("project")}
    assert all(grad is not None and grad.abs().sum() > 0 for grad in norms.values())
    refiner.zero_grad()


def test_objects_of_one_image_are_refined_as_each_alone(small):
    refiner, features, scores = small
    refiner.eval()
    together = refiner(scores, features, (49, 70))
    for number, score in enumerate(scores):
        alone = refiner(score[None], features, (49, 70))
        torch.testing.assert_close(together[number : number + 1], alone, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(together[0], together[1])
