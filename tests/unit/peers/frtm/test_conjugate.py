"""Conjugate gradients against torch.linalg, their preconditioner and their carried direction."""

import itertools

import pytest
import torch

from ttvos.peers.frtm.optimiser import Direction, conjugate_gradients

SIDE = 12


@pytest.fixture
def system() -> tuple[torch.Tensor, torch.Tensor]:
    """A symmetric positive definite matrix of condition 30, and a right-hand side."""
    draw = torch.Generator().manual_seed(0)
    basis, _ = torch.linalg.qr(torch.randn(SIDE, SIDE, generator=draw, dtype=torch.float64))
    matrix = basis @ torch.diag(torch.logspace(0, 1.5, SIDE, dtype=torch.float64)) @ basis.T
    return matrix, torch.randn(SIDE, generator=draw, dtype=torch.float64)


def solve(matrix, right, iterations, diagonal=None, carried=None):
    diagonal = torch.ones_like(right) if diagonal is None else diagonal
    return conjugate_gradients(lambda p: matrix @ p, right, diagonal, iterations, carried)


def test_as_many_iterations_as_unknowns_solve_the_system(system):
    matrix, right = system
    found, _ = solve(matrix, right, SIDE)
    torch.testing.assert_close(found, torch.linalg.solve(matrix, right), rtol=1e-5, atol=1e-8)


def test_the_error_falls_with_every_iteration(system):
    matrix, right = system
    truth = torch.linalg.solve(matrix, right)
    errors = [solve(matrix, right, n)[0] - truth for n in range(1, SIDE + 1)]
    energies = [float(e @ matrix @ e) for e in errors]
    assert energies[0] < float(truth @ matrix @ truth)
    assert all(after < before for before, after in itertools.pairwise(energies))


def test_the_residual_falls(system):
    matrix, right = system
    start = right.norm()
    found, last = solve(matrix, right, SIDE)
    assert (right - matrix @ found).norm() < 1e-6 * start
    # what is kept is the residual before the last step, which nothing updated
    before, _ = solve(matrix, right, SIDE - 1)
    torch.testing.assert_close(last.residual, right - matrix @ before, rtol=1e-6, atol=1e-9)


def test_a_perfect_preconditioner_needs_one_iteration():
    scale = torch.logspace(-2, 2, SIDE, dtype=torch.float64)
    right = torch.arange(1.0, SIDE + 1, dtype=torch.float64)
    matrix = torch.diag(scale)
    with_it, _ = solve(matrix, right, 1, diagonal=scale)
    without, _ = solve(matrix, right, 1)
    torch.testing.assert_close(with_it, right / scale)
    assert not torch.allclose(without, right / scale, rtol=0.1)


def test_beta_is_polak_ribieres(system):
    matrix, right = system
    diagonal = torch.linspace(1, 3, SIDE, dtype=torch.float64)
    old = Direction(right.flip(0), 0.3 * right.roll(1), torch.tensor(2.0, dtype=torch.float64))
    z = right / diagonal
    beta = max(0.0, float((right @ z - old.residual @ z) / old.rho))
    assert beta > 0
    _, found = solve(matrix, right, 1, diagonal, carried=old)
    torch.testing.assert_close(found.direction, z + beta * old.direction)


def test_beta_is_never_negative(system):
    matrix, right = system
    old = Direction(right.flip(0), 2 * right, torch.tensor(2.0, dtype=torch.float64))
    _, found = solve(matrix, right, 1, carried=old)
    assert torch.equal(found.direction, right)


def test_a_carried_direction_is_forgotten_by_its_factor(system):
    matrix, right = system
    _, last = solve(matrix, right.float().double(), 3)
    kept = last.forgotten(0.9**75)
    torch.testing.assert_close(kept.rho, last.rho / 3.6967e-4, rtol=1e-3, atol=0)
    assert torch.equal(kept.direction, last.direction)


def test_a_rho_that_overflows_resets_the_direction():
    one = torch.ones(2)
    assert Direction(one, one, torch.tensor(1e6)).forgotten(0.9**750) is None
    assert Direction(one, one, torch.tensor(1e3)).forgotten(0.9**750) is not None


def test_nothing_to_solve_changes_nothing():
    found, _ = solve(torch.eye(3), torch.zeros(3), 4)
    assert torch.equal(found, torch.zeros(3))
