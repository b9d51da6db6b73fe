"""How every peer is built; what it does with a clip is held by tests/contract/test_peers.py."""

import pytest
import torch
from torch import nn

from ttvos.core.errors import UserError
from ttvos.peers.base import build_network


def small_network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 4, kernel_size=3), nn.BatchNorm2d(4))


def test_two_are_equal_and_the_seed_outside_is_untouched():
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    one, two = build_network(small_network), build_network(small_network)
    assert torch.equal(torch.rand(4), expected)
    assert torch.equal(one[0].weight, two[0].weight)
    assert not one.training
    assert not any(p.requires_grad for p in one.parameters())


def test_weights_are_filled_in_and_may_lack_batch_norms_counters(tmp_path):
    state = {k: v + 1 for k, v in small_network().state_dict().items() if "batches" not in k}
    torch.save(state, tmp_path / "w.pth")
    found = build_network(small_network, weights=tmp_path / "w.pth")
    assert torch.equal(found[0].weight, state["0.weight"])
    state.pop("0.bias")
    torch.save(state, tmp_path / "w.pth")
    with pytest.raises(UserError, match=r"w\.pth: does not fit Sequential: 1 missing \(0.bias\)"):
        build_network(small_network, weights=tmp_path / "w.pth")


def test_an_unknown_device_is_one_line():
    with pytest.raises(UserError, match="unknown device"):
        build_network(small_network, device="tpu")
