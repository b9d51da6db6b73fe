"""Fine-tuning on frame 0: how frames are varied, what is minimised, and when weights change."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.conftest import disc_frame
from ttvos.core.errors import UserError
from ttvos.peers import online

DISC = (18, 20, 4, 12)


def test_a_turn_keeps_lengths_though_the_frame_is_not_square() -> None:
    bar = torch.zeros(1, 1, 40, 80)
    bar[..., 18:22, 30:50] = 1  # 4 high, 20 wide
    grid = F.affine_grid(online.matrix(False, 1.0, 90.0, (40, 80)), [1, 1, 40, 80], False)
    turned = F.grid_sample(bar, grid, mode="nearest", align_corners=False)[0, 0]
    rows, columns = torch.nonzero(turned, as_tuple=True)
    assert (rows.min(), rows.max()) == (10, 29)
    assert (columns.min(), columns.max()) == (38, 41)


def test_augmentation_flips_scales_and_moves_image_and_mask_alike() -> None:
    grown = F.affine_grid(online.matrix(True, 2.0, 0.0, (8, 8)), [1, 1, 8, 8], False)
    x = torch.arange(8.0).expand(1, 1, 8, 8)
    found = F.grid_sample(x, grown, mode="nearest", align_corners=False)[0, 0, 0]
    assert found.tolist() == [5, 5, 4, 4, 3, 3, 2, 2]
    disc = torch.from_numpy(disc_frame(0, [DISC])[1]).float()[None, None]
    pairs = list(online.augmented(disc, disc, 4))
    for image, target in pairs:
        assert (image.round() - target).abs().mean() < 0.02
    areas = [target.sum() / disc.sum() for _, target in pairs]
    assert all(0.4 < area < 1.7 for area in areas)
    assert len({round(float(area), 3) for area in areas}) == 4


def test_the_two_classes_weigh_the_same() -> None:
    target = torch.zeros(1, 1, 4, 4)
    target[..., 0, :2] = 1
    # 2 of 16 pixels weigh 14/16 each, 14 weigh 2/16 each
    loss = online.balanced_loss(torch.zeros_like(target), target)
    assert loss.item() == pytest.approx(2 * 2 * 14 / 16 * math.log(2))


def test_void_pixels_teach_nothing() -> None:
    mask = np.zeros((4, 4), np.uint8)
    mask[0, :2], mask[3] = 7, 255
    targets = online.targets_of(mask, (7,))
    assert targets.shape == (1, 1, 4, 4)
    assert (targets[..., 3, :] == online.UNKNOWN).all()
    logits = torch.randn(1, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    shown = online.balanced_loss(logits[..., :3, :], targets[..., :3, :])
    assert online.balanced_loss(logits, targets).item() == pytest.approx(shown.item())


def test_one_update_for_each_few_passes_by_the_mean_gradient() -> None:
    network = nn.Linear(1, 1, bias=False)
    nn.init.ones_(network.weight)
    weights = online.own_weights(network)
    seen = []

    def losses():
        for factor in (1.0, 3.0, 5.0, 7.0):
            seen.append(weights["weight"].item())
            yield factor * weights["weight"].sum()

    found = online.descend(weights, torch.optim.SGD(weights.values(), lr=0.1), losses(), passes=2)
    assert seen == pytest.approx([1, 1, 0.8, 0.8])
    assert found["weight"].item() == pytest.approx(0.2)
    assert not found["weight"].requires_grad
    assert network.weight.item() == 1


def test_fixed_kernels_have_no_own_copy() -> None:
    network = nn.Module()
    network.kernel, network.free = (nn.Parameter(torch.ones(1)) for _ in range(2))
    holder = nn.ModuleDict({"up": network})
    assert list(online.own_weights(holder)) == ["up.free"]


class Tuned(online.OnlineTracker):
    """The smallest peer that learns: a frame's logits are its red channel, scaled and shifted."""

    name, rate = "tuned", 0.25
    network_class = staticmethod(lambda: nn.Conv2d(3, 1, 1))

    def _parts(self):
        return {"all": (self.network,)}

    def _optimiser(self, weights):
        return torch.optim.SGD(weights.values(), self.learning_rate)

    def _losses(self, weights, image, target):
        for _ in range(self.updates):
            found = torch.func.functional_call(self.network, weights, image)
            yield online.balanced_loss(found, target)

    def _start(self, frame, mask, ids):
        return self._learned(frame, mask, ids)

    def _follow(self, frame, state):
        raise NotImplementedError


def test_each_object_learns_weights_of_its_own() -> None:
    frame, mask = disc_frame(0, [DISC, (44, 70, -4, 10)])
    assert Tuned().init(frame, mask) == ({}, {})
    with torch.inference_mode():  # a caller's mode does not hinder the learning
        one, two = Tuned(updates=2).init(frame, mask)
    assert one.keys() == two.keys() == {"weight", "bias"}
    assert not torch.equal(one["weight"], two["weight"])


def test_updates_are_whole_and_rates_positive() -> None:
    assert Tuned().options == {"updates": 0}
    assert Tuned(updates=3).options == {"updates": 3, "learning_rate": 0.25}
    assert Tuned(updates=3, learning_rate=0.5).options["learning_rate"] == 0.5
    for updates, rate in ((-1, 1.0), (1.5, 1.0), (1, 0.0)):
        with pytest.raises(UserError, match="tuned: "):
            Tuned(updates=updates, learning_rate=rate)
