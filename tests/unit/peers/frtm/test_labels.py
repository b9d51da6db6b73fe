"""Both forms of the labels are the same least squares; their transposes are transposes."""

import pytest
import torch

from ttvos.peers.frtm.labels import enlarge_transposed, make_labels
from ttvos.tracking.geometry import resize

SIZES = [((4, 6), (33, 47)), ((1, 2), (9, 17)), ((5, 3), (5, 3)), ((30, 54), (120, 214))]


def draw(seed: int, *shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(("low", "high"), SIZES)
def test_the_transpose_of_enlarging(low, high):
    scores, errors = draw(0, 2, 1, *low), draw(1, 2, 1, *high)
    there = (resize(scores, high) * errors).sum()
    back = (scores * enlarge_transposed(errors, low)).sum()
    torch.testing.assert_close(there, back)


@pytest.mark.parametrize(("low", "high"), SIZES)
def test_the_condensed_form_is_the_full_one(low, high):
    truth, weights, scores = draw(0, 2, 1, *high), draw(1, 2, 1, *high), draw(2, 2, 1, *low)
    full = make_labels(truth, weights, low, "full")
    condensed = make_labels(truth, weights, low, "condensed")
    torch.testing.assert_close(condensed.product(scores), full.product(scores))
    torch.testing.assert_close(condensed.gradient(scores), full.gradient(scores))


@pytest.mark.parametrize("form", ["full", "condensed"])
def test_the_gradient_is_that_of_weighted_squares(form):
    truth, weights = draw(0, 2, 1, 20, 31), draw(1, 2, 1, 20, 31)
    scores = draw(2, 2, 1, 3, 4).requires_grad_()
    loss = (weights * (resize(scores, (20, 31)) - truth)).square().sum() / 2
    (expected,) = torch.autograd.grad(loss, scores)
    found = make_labels(truth, weights, (3, 4), form).gradient(scores.detach())
    torch.testing.assert_close(found, expected)


def test_no_weights_are_weights_of_one():
    truth, scores = draw(0, 1, 1, 9, 8), draw(1, 1, 1, 3, 2)
    without = make_labels(truth, None, (3, 2), "full").gradient(scores)
    ones = make_labels(truth, torch.ones_like(truth), (3, 2), "full").gradient(scores)
    assert torch.equal(without, ones)
