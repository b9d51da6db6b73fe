"""Fused modules give what the plain ones give."""

import copy

import pytest
import torch
from torch import nn

from tests.unit.engine.conftest import lively
from ttvos.config.experiments import BACKBONES, Variant
from ttvos.engine.fuse import FusedConv, FusedResidual, fuse


@pytest.mark.parametrize("size", [(64, 96), (16, 16)])  # 16x16: maps of one pixel
@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_fused_backbone_gives_the_same_features(backbone, size):
    plain = lively(Variant("exp8"), backbone).backbone
    fused = fuse(copy.deepcopy(plain)).to(memory_format=torch.channels_last)
    images = torch.randn(1, 3, *size)
    with torch.no_grad():
        expected, given = plain(images), fused(images)
        again = fused(images)
    for name in ("f4", "f8", "f16"):
        one, two = getattr(expected, name), getattr(given, name)
        assert torch.allclose(one, two, atol=2e-5 * one.abs().max().item()), name
        assert torch.equal(two, getattr(again, name)), "a run must not change what it reads"


@pytest.mark.parametrize("backbone", BACKBONES)
def test_no_batch_norm_is_left_and_every_convolution_is_fused(backbone):
    model = fuse(lively(Variant("exp7"), backbone))
    kinds = {type(module) for module in model.modules()}
    assert not kinds & {nn.BatchNorm2d, nn.Conv2d}
    assert FusedConv in kinds


def test_a_fused_model_does_not_touch_the_one_it_was_copied_from():
    plain = lively(Variant("exp8"))
    before = {name: value.clone() for name, value in plain.state_dict().items()}
    fuse(copy.deepcopy(plain))
    after = plain.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())


def test_only_blocks_inside_a_row_overwrite_their_input():
    stage = fuse(lively(Variant("exp8"), "resnet18").backbone).net.layer1
    blocks = [module for module in stage if isinstance(module, FusedResidual)]
    assert [block.overwrites for block in blocks] == [False, True]


@pytest.mark.parametrize("activation", ["none", "relu", "hardswish", "leaky_relu"])
def test_one_call_and_separate_calls_agree(activation, monkeypatch):
    torch.manual_seed(1)
    conv = FusedConv(nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8).eval(), activation)
    x = torch.randn(2, 8, 5, 7).contiguous(memory_format=torch.channels_last)
    shortcut = torch.randn_like(x) if activation in ("none", "relu") else None
    joined = conv(x, shortcut)
    monkeypatch.setattr("ttvos.engine.fuse._is_joined", lambda x: False)
    assert torch.allclose(joined, conv(x, shortcut), atol=1e-6)
