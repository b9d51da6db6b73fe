"""Preconditioned conjugate gradients on vectors, with a direction that outlives a call."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Direction:
    """What a later call takes over: the last direction, its residual, and rho = <r, z> of it."""

    direction: Tensor
    residual: Tensor
    rho: Tensor

    def forgotten(self, factor: float) -> "Direction | None":
        """The direction with rho divided by `factor`, None where rho is then no finite number.

        A direction of infinite rho counts for nothing, so it is left out (a reset).
        """
        rho = self.rho / factor
        return Direction(self.direction, self.residual, rho) if rho.isfinite() else None


def conjugate_gradients(
    product: Callable[[Tensor], Tensor],
    right: Tensor,
    diagonal: Tensor,
    iterations: int,
    carried: Direction | None = None,
) -> tuple[Tensor, Direction]:
    """Approximate solution x (n,) of A x = right after that many iterations from x = 0.

    product: p (n,) -> A p, A symmetric and positive definite. diagonal: (n,) preconditioner;
    residuals are divided by it. carried: the direction of an earlier call, with forgotten rho.
    Beta is Polak-Ribiere's, at least 0. There is no early stop (docs/peers.md, section 3.4), and
    the last iteration leaves the residual as it was, as nothing reads it but the next call's beta.
    """
    x, residual = torch.zeros_like(right), right
    last = carried
    for iteration in range(iterations):
        preconditioned = residual / diagonal
        rho = residual @ preconditioned
        direction = preconditioned
        if last is not None:
            beta = _ratio(rho - last.residual @ preconditioned, last.rho).clamp(min=0)
            direction = preconditioned + beta * last.direction
        last = Direction(direction, residual, rho)
        image = product(direction)
        step = _ratio(rho, direction @ image)
        x = x + step * direction
        if iteration < iterations - 1:
            residual = residual - step * image
    return x, last


def _ratio(above: Tensor, below: Tensor) -> Tensor:
    """above / below, 0 where below is 0: where nothing is left to solve, nothing changes."""
    return torch.where(below > 0, above / below, torch.zeros_like(below))
