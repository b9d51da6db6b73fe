"""Frames into networks and back: images, padding, odds, labels."""

import numpy as np
import pytest
import torch

from ttvos.core.video import IMAGENET_MEAN, IMAGENET_STD
from ttvos.peers.base import to_image
from ttvos.tracking import geometry
from ttvos.tracking.geometry import Padding
from ttvos.tracking.readable import PADDING

PADDINGS = {
    "TTVOS's": PADDING,
    "zeros": Padding(16),
    "reflected": Padding(16, reflects=True),
    "always": Padding(32, always=True),
}


class TestImages:
    def test_a_frame_becomes_numbers_from_0_to_1(self):
        frame = np.zeros((2, 3, 3), np.uint8)
        frame[1, 2] = (0, 51, 255)
        image = to_image(frame)
        assert image.shape == (1, 3, 2, 3)
        assert image.is_contiguous()
        assert image[0, :, 1, 2].tolist() == pytest.approx([0, 0.2, 1])
        assert torch.equal(geometry.normalise(geometry.as_image(frame)), geometry.normalise(image))

    def test_normalised_mean_and_deviation(self):
        mean = torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1)
        std = torch.tensor(IMAGENET_STD).view(1, 3, 1, 1)
        torch.testing.assert_close(geometry.normalise(mean), torch.zeros(1, 3, 1, 1))
        found = geometry.normalise(mean + 2 * std)
        torch.testing.assert_close(found, torch.full((1, 3, 1, 1), 2.0))

    def test_resizing_does_not_align_corners_and_may_average(self):
        x = torch.tensor([0.0, 4.0]).view(1, 1, 1, 2)
        assert geometry.resize(x, (1, 4))[0, 0].tolist() == [[0, 1, 3, 4]]
        row = torch.tensor([0.0, 0, 0, 8, 0, 0, 0, 0]).view(1, 1, 1, 8)
        assert geometry.resize(row, (1, 2)).sum() == 0  # it looks at two of four pixels
        assert geometry.resize(row, (1, 2), averages=True).sum() > 1
        assert geometry.resize(row, (1, 8), averages=True) is row


class TestPadding:
    @pytest.mark.parametrize("kind", PADDINGS)
    @pytest.mark.parametrize("size", [(32, 48), (33, 47), (50, 31), (17, 100), (1, 8)])
    def test_crop_undoes_pad(self, kind, size):
        padding, x = PADDINGS[kind], torch.rand(2, 3, *size) + 1
        padded = padding.pad(x)
        assert padded.shape[-2:] == padding.padded(size)
        assert [side % padding.multiple for side in padded.shape[-2:]] == [0, 0]
        assert torch.equal(padding.crop(padded, size), x)
        if not padding.reflects:
            assert padded.count_nonzero() == x.numel(), "what is added is not zero"

    def test_halves_of_the_margins(self):
        assert Padding(16).margins(480) == (0, 0)
        assert Padding(16).margins(854) == (5, 5)
        assert Padding(16).margins(13) == (1, 2)
        assert PADDING.margins(480) == (0, 0)
        assert PADDING.margins(853) == (6, 5)
        assert Padding(32, always=True).margins(480) == (16, 16)

    def test_reflection(self):
        row = torch.arange(14.0).view(1, 1, 1, 14).expand(1, 1, 16, 14)
        found = Padding(16, reflects=True).pad(row)[0, 0, 0]
        assert found.tolist() == [1, *range(14), 12]


def test_shares_of_odds_are_the_softmax_of_the_logits():
    torch.manual_seed(1)
    probabilities = torch.rand(4, 8, 9, dtype=torch.float64)
    expected = probabilities.logit().softmax(dim=0)
    torch.testing.assert_close(geometry.shares_of_odds(probabilities), expected)
    sure = geometry.shares_of_odds(torch.tensor([0.0, 1.0]).view(2, 1, 1))
    assert sure.isfinite().all()
    assert geometry.odds(torch.tensor(0.75)).item() == pytest.approx(3)


def test_the_likeliest_above_the_threshold():
    foreground = torch.tensor([[0.6, 0.2, 0.5], [0.7, 0.4, 0.1]])[:, None]
    assert geometry.likeliest(foreground).tolist() == [[2, 0, 0]]
    assert geometry.likeliest(foreground, 0.35).tolist() == [[2, 2, 1]]


def test_labels_become_ids():
    ids = geometry.as_ids(torch.tensor([[0, 1], [2, 0]]), (4, 200))
    assert ids.dtype == np.uint8
    assert ids.tolist() == [[0, 4], [200, 0]]
