"""Layers that peers share, against their formulas, and how maps are enlarged and cut."""

import pytest
import torch
from torch import nn

from ttvos.peers import blocks


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


def test_a_block_adds_two_convolutions_each_after_a_relu() -> None:
    block, x = blocks.ResBlock(4), torch.randn(2, 4, 5, 6)
    expected = x + block.conv2(block.conv1(x.clamp(min=0)).clamp(min=0))
    torch.testing.assert_close(block(x), expected)


def test_a_global_convolution_sees_7x7_pixels_by_two_paths() -> None:
    layer = blocks.GlobalConvolution(1, 1)
    for parameter in layer.parameters():
        nn.init.constant_(parameter, float(parameter.ndim > 1))  # weights 1, biases 0
    x = torch.zeros(1, 1, 15, 17)
    x[..., 7, 8] = 1
    expected = torch.zeros(15, 17)
    expected[4:11, 5:12] = 2  # once by each path
    assert torch.equal(layer(x)[0, 0], expected)
    nn.init.zeros_(layer.right[0].weight)
    assert torch.equal(layer(x)[0, 0], expected / 2)


def test_enlarging_does_not_align_corners() -> None:
    x = torch.tensor([0.0, 4.0]).view(1, 1, 1, 2)
    assert blocks.enlarge(x, 2)[0, 0].tolist() == [[0, 1, 3, 4]] * 2


def test_the_middle_of_a_map() -> None:
    x = torch.arange(5.0).expand(1, 1, 4, 5)
    found = blocks.middle(x, (2, 2))
    assert found.shape == (1, 1, 2, 2)
    assert found[0, 0, 0].tolist() == [1, 2]
