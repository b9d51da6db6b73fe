"""One step of any optimizer, its scale and precision, and the running mean of the weights."""

import torch
from torch import Tensor

from ttvos.core.errors import UserError


def precision_name(precision: str, device: torch.device) -> str:
    """What a training computes in, for its record. precision: `TrainConfig.precision`."""
    if precision != "float32":
        return f"float32, layers in {precision}"
    return "float32, convolutions in TF32" if device.type == "cuda" else "float32"


def make_scaler(precision: str, device: torch.device) -> torch.amp.GradScaler | None:
    """What keeps float16's gradients from vanishing; None for the other precisions.

    It multiplies the loss by a scale that it finds by itself. precision: `TrainConfig.precision`.
    Raises UserError for float16 on the CPU.
    """
    if precision != "float16":
        return None
    if device.type != "cuda":
        raise UserError("precision float16 needs CUDA; on the CPU use bfloat16 or float32")
    return torch.amp.GradScaler(device.type)


def descend(
    optimizer: torch.optim.Optimizer,
    rate: float,
    clip: float | None,
    scaler: torch.amp.GradScaler | None = None,
) -> None:
    """One step down the gradient that the parameters hold, at this learning rate.

    clip: largest norm of the whole gradient; None leaves it as it is. scaler: the gradient is
    of the loss that it scaled; a gradient that left float16's range is no step, and the next
    scale is smaller.
    """
    for group in optimizer.param_groups:
        group["lr"] = rate
    if scaler:
        scaler.unscale_(optimizer)
    if clip is not None:
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        torch.nn.utils.clip_grad_norm_(parameters, clip)
    if scaler:
        scaler.step(optimizer)
        scaler.update()
    else:
        optimizer.step()


class Average:
    """Exponential running mean of a network's weights and batch-norm statistics.

    After n updates it moves by 1 - min(decay, (1 + n) / (10 + n)), so that the first, poor
    weights are soon forgotten; that is why it is not `torch.optim.swa_utils.AveragedModel`, whose
    first update takes the learnt weights as they are. Counters (integers) are copied.
    """

    COUNT = "average_updates"

    def __init__(
        self, decay: float, weights: dict[str, Tensor], state: dict[str, Tensor] | None = None
    ) -> None:
        """weights: of the network. state: of an earlier average to go on with, from `state`."""
        self.decay, self.updates = decay, int(state[self.COUNT]) if state else 0
        first = state or weights
        self.weights = {
            name: first[name].detach().to(value.device, copy=True)
            for name, value in weights.items()
        }

    @torch.no_grad()
    def update(self, weights: dict[str, Tensor]) -> None:
        """Take in the weights after one step."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        self.updates += 1
        for name, mean in self.weights.items():
            if mean.is_floating_point():
                mean.lerp_(weights[name], 1 - decay)
            else:
                mean.copy_(weights[name])

    def state(self) -> dict[str, Tensor]:
        """What another Average needs to go on."""
        return {**self.weights, self.COUNT: torch.tensor(self.updates)}
