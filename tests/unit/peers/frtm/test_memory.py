"""Weights and slots of the memory, and when a pixel weighs more."""

import pytest
import torch

from ttvos.peers.frtm.labels import make_labels, pixel_weights, scaled
from ttvos.peers.frtm.settings import EVALUATION
from ttvos.peers.frtm.target import Memory, initial_weights

SLOTS, FIRST, RATE = 8, 3, 0.1


def sample(value: float, count: int = 1, form: str = "full"):
    """Projected features and labels that all hold `value`."""
    masks = torch.full((count, 1, 6, 8), value)
    return torch.full((count, 2, 3, 4), value), make_labels(masks, None, (3, 4), form)


def memory(form: str = "full") -> Memory:
    return Memory(*sample(0.0, FIRST, form), SLOTS, RATE)


def test_the_original_counts_twice():
    assert initial_weights(5).tolist() == pytest.approx([2 / 6, *[1 / 6] * 4])
    assert memory().weights.tolist() == pytest.approx([0.5, 0.25, 0.25, *[0.0] * 5])


@pytest.mark.parametrize("form", ["full", "condensed"])
def test_free_slots_fill_first_then_the_least_is_replaced(form):
    kept = memory(form)
    for number in range(1, 31):
        before = kept.weights.clone()
        kept.insert(*sample(float(number), form=form))
        slot = kept.newest
        assert before[slot] == before.min()
        assert (kept.projected[slot] == number).all()
        assert torch.equal(kept.labels[0][slot], sample(float(number), form=form)[1][0][0])
        assert kept.weights.sum() == pytest.approx(1, abs=1e-6)
        assert kept.filled == min(FIRST + number, SLOTS)
    assert (kept.samples()[2] > 0).all()


def test_only_slots_in_use_enter_the_problem():
    kept = memory()
    kept.insert(*sample(7.0))
    projected, labels, weights = kept.samples()
    assert len(projected) == len(labels[0]) == len(labels[1]) == len(weights) == FIRST + 1
    assert weights.sum() == pytest.approx(1)


def test_weights_follow_the_law_of_forgetting():
    kept = memory()
    kept.insert(*sample(1.0))
    # first: the others grow by 1 / (1 - rate), the new one gets the rate, and all are normalised
    total = 1 / (1 - RATE) + RATE
    expected = [0.5 / (1 - RATE) / total, RATE / total]
    assert [float(kept.weights[0]), float(kept.weights[3])] == pytest.approx(expected)
    for _ in range(4):
        previous = kept.newest
        kept.insert(*sample(1.0))
        ratio = float(kept.weights[kept.newest] / kept.weights[previous])
        assert ratio == pytest.approx(1 / (1 - RATE))


def test_old_samples_fade_away():
    kept = memory()
    for _ in range(40):
        kept.insert(*sample(1.0))
    assert (kept.projected == 1).all()  # none of the first frame's is left
    newest = float(kept.weights[kept.newest])
    assert newest == float(kept.weights.max())
    ages = kept.weights.sort().values
    assert (ages[:-1] / ages[1:]).tolist() == pytest.approx([1 - RATE] * (SLOTS - 1), rel=1e-4)


def masks_with(pixels: int) -> torch.Tensor:
    mask = torch.zeros(1, 1, 20, 20)
    mask.view(-1)[:pixels] = 1
    return mask


def test_a_small_target_weighs_a_tenth_of_all():
    weights = pixel_weights(masks_with(12), EVALUATION).square()
    target = masks_with(12) > 0
    assert float(weights[target].sum() / weights.sum()) == pytest.approx(0.1)
    assert float(weights.sum()) == pytest.approx(400)
    area = 12 / 400
    assert float(weights[target][0]) == pytest.approx(0.1 / area)
    assert float(weights[~target][0]) == pytest.approx(0.9 / (1 - area))


@pytest.mark.parametrize("pixels", [0, 9, 40, 200, 400])
def test_large_and_vanishing_targets_weigh_as_they_are(pixels):
    weights = pixel_weights(masks_with(pixels), EVALUATION)
    covered = weights[masks_with(pixels) > 0] if pixels == 400 else weights
    torch.testing.assert_close(covered, torch.ones_like(covered))
    assert weights.isfinite().all()


def test_each_sample_is_weighed_by_its_own_target():
    both = torch.cat([masks_with(12), masks_with(200)])
    weights = pixel_weights(both, EVALUATION)
    torch.testing.assert_close(weights[:1], pixel_weights(both[:1], EVALUATION))
    torch.testing.assert_close(weights[1:], pixel_weights(both[1:], EVALUATION))


def test_soft_labels_are_weighed_by_what_is_above_a_half():
    soft = 0.4 * torch.ones(1, 1, 20, 20) + 0.5 * masks_with(12)
    torch.testing.assert_close(
        pixel_weights(soft, EVALUATION), pixel_weights(masks_with(12), EVALUATION)
    )


def test_labels_of_a_lower_resolution_keep_their_mean():
    mask = masks_with(150)
    assert torch.equal(scaled(mask, 1.0), mask)
    half = scaled(mask, 0.5)
    assert half.shape == (1, 1, 10, 10)
    assert float(half.mean()) == pytest.approx(float(mask.mean()))
