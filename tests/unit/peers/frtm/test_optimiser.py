"""The target model's fit against closed forms, and its cost against the facts."""

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch.func import jvp
from torch.utils.flop_counter import FlopCounterMode

from ttvos.peers.base import make_seeded
from ttvos.peers.frtm.labels import make_labels
from ttvos.peers.frtm.optimiser import Linearised, Problem, fit, update
from ttvos.peers.frtm.settings import EVALUATION, FAST, FitSettings
from ttvos.peers.frtm.target import (
    TargetModel,
    TargetWeights,
    apply_filter,
    initial_weights,
    project,
)
from ttvos.tracking.geometry import resize

K, CHANNELS, LOW, HIGH = 3, 2, (5, 6), (17, 22)
LAMBDA = 0.3


def draw(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture
def projected() -> torch.Tensor:
    return draw(0, K, CHANNELS, *LOW)


@pytest.fixture
def truth() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Labels, pixel weights, sample weights."""
    labels = (draw(1, K, 1, *HIGH) > 0).double()
    return labels, draw(2, K, 1, *HIGH).abs() + 0.1, torch.tensor([0.5, 0.3, 0.2]).double()


def ridge(projected, labels, pixel_weights, sample_weights) -> torch.Tensor:
    """The filter of least weighted squares, by normal equations over every pixel."""
    units = torch.eye(9 * CHANNELS, dtype=torch.float64).view(-1, 1, CHANNELS, 3, 3)
    columns = [resize(apply_filter(projected, unit), HIGH).flatten() for unit in units]
    weights = (pixel_weights**2 * sample_weights.view(-1, 1, 1, 1)).flatten()
    design = torch.stack(columns, dim=1)
    normal = design.T @ (weights[:, None] * design) + LAMBDA**2 * torch.eye(len(units))
    return torch.linalg.solve(normal, design.T @ (weights * labels.flatten()))


@pytest.mark.parametrize("form", ["full", "condensed"])
def test_the_filter_alone_reaches_the_weighted_ridge_solution(projected, truth, form):
    settings = FitSettings(regularisers=(1.0, LAMBDA), update=(9 * CHANNELS,), labels=form)
    start = TargetWeights(torch.zeros(1), draw(3, 1, CHANNELS, 3, 3))
    labels = make_labels(*truth[:2], LOW, form)
    found = update(projected, labels, truth[2], start, settings, None)
    expected = ridge(projected, *truth)
    torch.testing.assert_close(found.weights.filter.flatten(), expected, rtol=1e-5, atol=1e-7)
    assert found.weights.project is start.project


def test_ten_iterations_come_near_it(projected, truth):
    """As many as an update has; the error is that of conjugate gradients cut short."""
    settings = FitSettings(regularisers=(1.0, LAMBDA))
    start = TargetWeights(torch.zeros(1), torch.zeros(1, CHANNELS, 3, 3).double())
    labels = make_labels(*truth[:2], LOW, "full")
    found = update(projected, labels, truth[2], start, settings, None).weights.filter.flatten()
    expected = ridge(projected, *truth)
    assert (found - expected).norm() < 0.2 * expected.norm()


def objective(features, labels, pixel_weights, sample_weights, weights, settings) -> float:
    scores = apply_filter(project(features, weights.project), weights.filter)
    errors = (pixel_weights * (resize(scores, labels.shape[-2:]) - labels)).square()
    data = (errors.sum(dim=(1, 2, 3)) * sample_weights).sum()
    both = zip(settings.regularisers, weights, strict=True)
    return float(data + sum((r * w).square().sum() for r, w in both))


@pytest.fixture
def joint():
    """Features, labels that a target model can meet, other weights to start from, settings."""
    features = draw(5, K, 7, *LOW)
    true = TargetWeights(draw(8, CHANNELS, 7, 1, 1), draw(9, 1, CHANNELS, 3, 3))
    labels = resize(apply_filter(project(features, true.project), true.filter), HIGH)
    start = TargetWeights(*(w + 0.2 * draw(10 + i, *w.shape) for i, w in enumerate(true)))
    return features, labels, start, FitSettings(regularisers=(0.01, 0.01))


def test_gauss_newton_lowers_the_objective_step_by_step(joint, truth):
    features, labels, start, settings = joint
    sides = labels, *truth[1:]
    values = [objective(features, *sides, start, settings)]
    for steps in (1, 2, 4, 8):
        schedule = replace(settings, joint=(34,) * steps, alone=(20,))
        found = fit(features, *sides, schedule, start)
        values.append(objective(features, *sides, found.weights, settings))
        torch.testing.assert_close(found.projected, project(features, found.weights.project))
    assert all(after < before / 4 for before, after in pairwise(values)), values


def test_at_its_end_the_gradient_is_zero(joint, truth):
    features, labels, start, settings = joint
    settings = replace(settings, joint=(34,) * 24, alone=(20,))
    found = fit(features, labels, *truth[1:], settings, start).weights

    def gradient(weights) -> float:
        at = [w.clone().requires_grad_() for w in weights]
        scores = apply_filter(project(features, at[0]), at[1])
        errors = (truth[1] * (resize(scores, HIGH) - labels)).square().sum(dim=(1, 2, 3))
        loss = (errors * truth[2]).sum() + sum((0.01 * w).square().sum() for w in at)
        return max(float(g.abs().max()) for g in torch.autograd.grad(loss, at))

    assert gradient(found) < 1e-5 * gradient(start)


def test_the_jacobian_of_double_backward_is_that_of_forward_mode():
    features = draw(0, K, 4, *LOW)
    at = (draw(1, CHANNELS, 4, 1, 1), draw(2, 1, CHANNELS, 3, 3))
    along = (draw(3, CHANNELS, 4, 1, 1), draw(4, 1, CHANNELS, 3, 3))

    def score(first, second):
        return apply_filter(project(features, first), second)

    linear = Linearised(score, at, lambda scores: scores)
    scores, expected = jvp(score, at, along)
    torch.testing.assert_close(linear.scores, scores)
    vector = linear.flat(along)
    torch.testing.assert_close(linear.image(vector), expected)
    errors = draw(5, K, 1, *LOW)
    torch.testing.assert_close(vector @ linear.transposed(errors), (expected * errors).sum())
    torch.testing.assert_close(linear.gradient, linear.transposed(scores))


def test_regularisers_precondition_each_of_their_tensor(projected, truth, monkeypatch):
    seen = []
    from ttvos.peers.frtm import optimiser

    def spy(product, right, diagonal, iterations, carried):
        seen.append((diagonal, iterations, carried))
        return kept(product, right, diagonal, iterations, carried)

    kept = optimiser.conjugate_gradients
    monkeypatch.setattr(optimiser, "conjugate_gradients", spy)
    settings = FitSettings(regularisers=(0.2, 0.7), joint=(2, 3), alone=(4,), forget_rate=1.0)
    fit(projected, *truth, settings, TargetWeights(draw(1, 1, 2, 1, 1), draw(2, 1, 1, 3, 3)))
    assert [iterations for _, iterations, _ in seen] == [2, 3, 4]
    assert seen[0][0].tolist() == pytest.approx([0.2] * 2 + [0.7] * 9)
    assert seen[2][0].tolist() == pytest.approx([0.7] * 9)
    # carried within the joint steps; the filter's own start anew
    assert [carried is None for _, _, carried in seen] == [True, False, True]


def test_an_update_takes_over_the_last_direction(projected, truth):
    settings = FitSettings(regularisers=(1.0, LAMBDA), update=(2,), forget_rate=0.0)
    labels = make_labels(*truth[:2], LOW, "full")
    start = TargetWeights(torch.zeros(1), draw(3, 1, CHANNELS, 3, 3))
    first = update(projected, labels, truth[2], start, settings, None)
    with_it = update(projected, labels, truth[2], first.weights, settings, first.direction)
    without = update(projected, labels, truth[2], first.weights, settings, None)
    assert not torch.allclose(with_it.weights.filter, without.weights.filter)


def test_under_inference_mode_it_gives_the_same(truth):
    features = draw(5, K, 7, *LOW)
    start = TargetWeights(draw(6, CHANNELS, 7, 1, 1), draw(7, 1, CHANNELS, 3, 3))
    outside = fit(features, *truth, EVALUATION.fit, start)
    with torch.inference_mode():
        inside = fit(features.clone(), *(t.clone() for t in truth), EVALUATION.fit, start)
    assert torch.equal(outside.weights.filter, inside.weights.filter)
    assert not inside.weights.filter.requires_grad


def test_a_problem_of_no_samples_left_stays_where_it_is(projected, truth):
    labels = make_labels(*truth[:2], LOW, "full")
    filter_weight = draw(3, 1, CHANNELS, 3, 3)
    problem = Problem(
        lambda w: apply_filter(projected, w), labels, torch.zeros(K).double(), (1.0,), 1.0
    )
    (found,), _ = problem.solve((filter_weight,), (5,))
    torch.testing.assert_close(found, torch.zeros_like(found), atol=1e-12, rtol=0)


@pytest.mark.parametrize(("channels", "expected"), [(256, 31.3), (1024, 118.5)])
def test_the_first_frames_optimisation_costs_what_the_facts_say(channels, expected):
    """Both phases on 5 samples, counted on maps of 6x9 for those of 30x54: all is per pixel."""
    model = make_seeded(lambda: TargetModel(channels, 96))
    features, masks = torch.randn(5, channels, 6, 9), torch.zeros(5, 1, 12, 18)
    with FlopCounterMode(display=False) as counter:
        fit(features, masks, None, initial_weights(5), EVALUATION.fit, model.initial())
    whole = counter.get_total_flops() / 2e9 * (30 * 54) / (6 * 9)
    assert whole == pytest.approx(expected, rel=0.005)


@pytest.mark.parametrize(("samples", "expected"), [(6, 0.27), (20, 0.90), (80, 3.58)])
def test_an_update_costs_what_the_facts_say(samples, expected):
    projected = torch.randn(samples, 96, 6, 9)
    labels = make_labels(torch.zeros(samples, 1, 12, 18), None, (6, 9), "full")
    start = TargetWeights(torch.zeros(1), torch.randn(1, 96, 3, 3))
    weights = torch.ones(samples) / samples
    with FlopCounterMode(display=False) as counter:
        update(projected, labels, weights, start, EVALUATION.fit, None)
    whole = counter.get_total_flops() / 2e9 * (30 * 54) / (6 * 9)
    assert whole == pytest.approx(expected, abs=0.005)


def test_the_fast_schedule_is_shorter():
    assert (sum(EVALUATION.fit.joint), sum(FAST.fit.joint)) == (45, 35)
    assert (EVALUATION.fit.update, FAST.fit.update) == ((10,), (5,))
