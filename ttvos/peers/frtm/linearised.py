"""The target model's score, linear about its weights, by autograd (docs/peers.md, section 3.4)."""

from collections.abc import Callable

import torch
from torch import Tensor

Score = Callable[..., Tensor]


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
