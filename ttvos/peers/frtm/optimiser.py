"""Fits a target model: Gauss-Newton with conjugate gradients (docs/peers.md, sections 3.3 and 3.4).

The objective is, over samples of weight v, the sum of v * (pixel weight * (enlarged score -
label))², plus (lambda * weight)² for each entry of the target model's tensors.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ttvos.peers.frtm.labels import Labels, make_labels
from ttvos.peers.frtm.settings import FitSettings
from ttvos.peers.frtm.target import TargetWeights, apply_filter, project

Score = Callable[..., Tensor]


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


class Linearised:
    """`score` about the variables: its Jacobian J and the transpose, both by autograd.

    J p is a gradient of a gradient: J'e is linear in e, and its derivative along p is J p.
    """

    def __init__(
        self, score: Score, variables: tuple[Tensor, ...], errors: Callable[[Tensor], Tensor]
    ) -> None:
        """errors: scores -> e (K, 1, h, w), whose J'e is `gradient`."""
        self.variables = tuple(v.detach().requires_grad_() for v in variables)
        with torch.enable_grad():
            self.scores = score(*self.variables)
            self.errors = errors(self.scores.detach()).requires_grad_()
            self.pulled = torch.autograd.grad(
                self.scores, self.variables, self.errors, create_graph=True
            )
        self.gradient = self.flat(self.pulled).detach()

    def image(self, p: Tensor) -> Tensor:
        """J p: (n,) -> (K, 1, h, w)."""
        parts = self.split(p)
        return torch.autograd.grad(self.pulled, self.errors, parts, retain_graph=True)[0]

    def transposed(self, errors: Tensor) -> Tensor:
        """J'e: (K, 1, h, w) -> (n,)."""
        parts = torch.autograd.grad(self.scores, self.variables, errors, retain_graph=True)
        return self.flat(parts)

    def flat(self, parts: tuple[Tensor, ...]) -> Tensor:
        """One vector of all variables' entries."""
        return torch.cat([part.reshape(-1) for part in parts])

    def split(self, vector: Tensor) -> list[Tensor]:
        """Undo `flat`."""
        parts = vector.split([v.numel() for v in self.variables])
        return [part.view_as(v) for part, v in zip(parts, self.variables, strict=True)]


@dataclass(frozen=True)
class Fit:
    """A fitted target model.

    projected: (K, c, h, w), the samples' features as the filter sees them. direction: of the
    filter's optimisation, which the next update takes over.
    """

    weights: TargetWeights
    projected: Tensor
    direction: Direction


class Optimiser(nn.Module):
    """The optimisation as a module of no parameters, so that its work is counted by its name."""

    def __init__(self, settings: FitSettings) -> None:
        super().__init__()
        self.settings = settings

    def forward(
        self,
        features: Tensor,
        labels: Labels,
        sample_weights: Tensor,
        weights: TargetWeights,
        direction: Direction | None = None,
        projected: bool = False,
    ) -> Fit:
        """`fit_labels`, or with `projected` `update`: features are then the projected ones."""
        if projected:
            return update(features, labels, sample_weights, weights, self.settings, direction)
        return fit_labels(features, labels, sample_weights, weights, self.settings)


def fit(
    features: Tensor,
    labels: Tensor,
    pixel_weights: Tensor | None,
    sample_weights: Tensor,
    settings: FitSettings,
    initial: TargetWeights,
) -> Fit:
    """Learn a target model from the samples of a first frame.

    features: (K, C, h, w), the layer4 tap. labels: (K, 1, H, W) in [0, 1]. pixel_weights: as
    labels, None for 1. sample_weights: (K,), of sum 1. initial: weights to start from
    (`TargetModel.initial`). The result is detached. Works under `torch.inference_mode` too.
    """
    made = make_labels(labels, pixel_weights, features.shape[-2:], settings.labels)
    return fit_labels(features, made, sample_weights, initial, settings)


def fit_labels(
    features: Tensor,
    labels: Labels,
    sample_weights: Tensor,
    initial: TargetWeights,
    settings: FitSettings,
) -> Fit:
    """`fit` from labels in either form: project and filter together, then the filter alone."""
    features = _usable(features)

    def score(project_weight: Tensor, filter_weight: Tensor) -> Tensor:
        return apply_filter(project(features, project_weight), filter_weight)

    problem = Problem(score, labels, sample_weights, settings.regularisers, settings.forgotten)
    (project_weight, filter_weight), _ = problem.solve(tuple(initial), settings.joint)
    with torch.inference_mode(False), torch.no_grad():
        projected = project(features, project_weight)
    weights = TargetWeights(project_weight, filter_weight)
    return _fit_filter(projected, labels, sample_weights, weights, settings, settings.alone, None)


def update(
    projected: Tensor,
    labels: Labels,
    sample_weights: Tensor,
    weights: TargetWeights,
    settings: FitSettings,
    direction: Direction | None,
) -> Fit:
    """Fit the filter anew from what the memory holds: projected features (K, c, h, w)."""
    schedule = settings.update
    return _fit_filter(projected, labels, sample_weights, weights, settings, schedule, direction)


def _fit_filter(
    projected: Tensor,
    labels: Labels,
    sample_weights: Tensor,
    weights: TargetWeights,
    settings: FitSettings,
    schedule: tuple[int, ...],
    direction: Direction | None,
) -> Fit:
    projected = _usable(projected)

    def score(filter_weight: Tensor) -> Tensor:
        return apply_filter(projected, filter_weight)

    regularisers = settings.regularisers[1:]
    problem = Problem(score, labels, sample_weights, regularisers, settings.forgotten)
    (found,), direction = problem.solve((weights.filter,), schedule, direction)
    return Fit(TargetWeights(weights.project, found), projected, direction)


@dataclass(frozen=True)
class Problem:
    """Least squares in the variables of `score`, which gives (K, 1, h, w) of them.

    regularisers: lambda of each variable. forgotten: see `FitSettings`.
    """

    score: Score
    labels: Labels
    sample_weights: Tensor
    regularisers: tuple[float, ...]
    forgotten: float

    def solve(
        self,
        variables: tuple[Tensor, ...],
        schedule: tuple[int, ...],
        direction: Direction | None = None,
    ) -> tuple[tuple[Tensor, ...], Direction]:
        """Gauss-Newton steps of length 1, one for each entry of the schedule."""
        with torch.inference_mode(False):
            variables = tuple(_usable(variable) for variable in variables)
            for iterations in schedule:
                carried = direction and direction.forgotten(self.forgotten)
                variables, direction = self._step(variables, iterations, carried)
        return variables, direction

    def _step(
        self, variables: tuple[Tensor, ...], iterations: int, carried: Direction | None
    ) -> tuple[tuple[Tensor, ...], Direction]:
        linear = Linearised(self.score, variables, self._errors)
        diagonal = torch.cat(
            [v.new_full((v.numel(),), r) for v, r in zip(variables, self.regularisers, strict=True)]
        )
        squared = diagonal**2

        def product(p: Tensor) -> Tensor:
            images = self._weighted(self.labels.product(linear.image(p)))
            return linear.transposed(images) + squared * p

        right = -(linear.gradient + squared * linear.flat(variables))
        with torch.no_grad():
            step, direction = conjugate_gradients(product, right, diagonal, iterations, carried)
            moved = [v + s for v, s in zip(variables, linear.split(step), strict=True)]
        return tuple(moved), direction

    def _errors(self, scores: Tensor) -> Tensor:
        return self._weighted(self.labels.gradient(scores))

    def _weighted(self, images: Tensor) -> Tensor:
        return images * self.sample_weights.view(-1, 1, 1, 1)


def _usable(x: Tensor) -> Tensor:
    """Autograd cannot keep tensors that were made under inference mode; a copy it can."""
    with torch.inference_mode(False):
        return x.clone() if x.is_inference() else x.detach()
