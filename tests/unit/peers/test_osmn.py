"""OSMN: the two modulators, and where an object is expected (docs/peers.md, section 4.4)."""

import numpy as np
import pytest
import torch
from torch.func import functional_call

from tests.conftest import disc_frame
from tests.unit.peers.counting import DISCS, built
from ttvos.peers import osmn


def test_each_convolution_of_blocks_3_to_5_is_modulated() -> None:
    trunk = osmn.Trunk()
    image = torch.rand(1, 3, 17, 19, generator=torch.Generator().manual_seed(0))
    same = [(torch.ones(1, width, 1, 1), torch.zeros(1)) for width in osmn.WIDTHS]
    plain = trunk(image)
    assert len(same) == 9
    assert all(torch.equal(a, b) for a, b in zip(plain, trunk(image, same), strict=True))
    for changed in range(9):
        modulations = list(same)
        modulations[changed] = (2 * same[changed][0], torch.tensor(0.5))
        features = trunk(image, modulations)
        equal = [torch.equal(a, b) for a, b in zip(plain, features, strict=True)]
        assert equal == [block < changed // 3 + 1 for block in range(4)]


def test_gamma_scales_and_beta_shifts() -> None:
    trunk = osmn.Trunk()
    image = torch.rand(1, 3, 17, 19, generator=torch.Generator().manual_seed(0))
    modulations = [(torch.ones(1, width, 1, 1), torch.zeros(1)) for width in osmn.WIDTHS]
    modulations[-1] = (torch.full((1, 512, 1, 1), 3.0), torch.tensor(0.25))
    assert torch.allclose(trunk(image, modulations)[-1], 3 * trunk(image)[-1] + 0.25)


def test_spatial_biases_are_of_the_sizes_of_the_features() -> None:
    spatial = osmn.SpatialModulator().eval()
    features = osmn.Trunk()(torch.zeros(1, 3, 61, 86))[1:]
    biases = spatial(torch.linspace(0, 1, 2 * 61 * 86).view(2, 1, 61, 86))
    assert [b.shape[1] for b in biases] == osmn.WIDTHS
    assert [b.shape[-2:] for b in biases[::3]] == [f.shape[-2:] for f in features]
    assert all(bias.min() >= 0 for bias in biases)


def test_the_gaussian_stands_where_the_mask_was() -> None:
    mask = torch.zeros(40, 60)
    mask[10:19, 20:41] = 1
    where = osmn.place(mask)
    assert where.tolist() == pytest.approx([14, 30, (80 / 12) ** 0.5, (440 / 12) ** 0.5])
    drawn = osmn.gaussians(where[None], (40, 60))[0, 0]
    assert drawn[14, 30] == 1
    assert drawn[14, 36].item() == pytest.approx(np.exp(-(36 / (440 / 12)) / 2))
    assert drawn[17, 30].item() == pytest.approx(np.exp(-(9 / (80 / 12)) / 2))
    lone = torch.zeros(40, 60)
    lone[5, 7] = 1
    assert osmn.place(lone).tolist() == [5, 7, 1, 1]


def test_the_crop_shows_the_object_alone() -> None:
    image = torch.full((1, 3, 20, 30), 9.0)
    mask = torch.zeros(20, 30)
    mask[4:8, 10:18] = 1
    mask[8:12, 10:14] = 1
    crop = osmn.object_crop(image, mask)  # 28 pixels for one of the image's, mixed around edges
    assert crop.shape == (1, 3, 224, 224)
    assert crop[..., :98, :].min() == pytest.approx(9)
    assert crop[..., 126:, 126:].abs().max() == pytest.approx(0)


def test_a_step_looks_where_the_object_was() -> None:
    tracker, (frame, mask) = built("osmn"), disc_frame(0, DISCS)
    mask[mask == 2] = 7
    state = tracker.init(frame, mask)
    assert state.scales.shape == (2, 3840)
    assert (state.scales == 1).all()
    moved = disc_frame(1, DISCS)[0]
    prediction, after = tracker.step(moved, state)
    assert not np.allclose(*prediction.foreground)
    for number, (object_id, before) in enumerate(zip((1, 7), state.places, strict=True)):
        found = torch.from_numpy(prediction.mask == object_id)
        expected = osmn.place(found) if found.any() else before
        assert torch.equal(after.places[number], expected)


def test_scales_follow_the_object_once_the_last_layer_is_trained() -> None:
    generator = torch.Generator().manual_seed(0)
    visual = built("osmn").network.visual
    crops = torch.rand(2, 3, 224, 224, generator=generator)
    trained = {"vgg.classifier.6.weight": 0.01 * torch.randn(3840, 4096, generator=generator)}
    assert (visual(crops) == 1).all()
    first, second = functional_call(visual, trained, crops)
    assert not torch.allclose(first, second)
