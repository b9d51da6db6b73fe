"""Maps as four planes."""

import torch

from ttvos.engine.matching import from_planes, halve_planes, to_planes
from ttvos.model.blocks import halve


def test_there_and_back():
    maps = torch.rand(3, 6, 8)
    planes = to_planes(maps)
    assert planes.shape == (3, 4, 3, 4)
    assert torch.equal(planes[:, 2], maps[:, 1::2, ::2])
    assert torch.equal(from_planes(planes), maps)
    labels = torch.randint(0, 9, (1, 4, 3, 4), dtype=torch.uint8)
    assert torch.equal(to_planes(from_planes(labels)), labels)


def test_halving_is_the_average_pooling_of_the_full_map():
    maps = torch.rand(2, 10, 12)
    assert torch.allclose(halve_planes(to_planes(maps)), halve(maps[:, None]), atol=1e-6)
