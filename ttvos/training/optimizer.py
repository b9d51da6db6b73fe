"""The optimizer, its learning rates, scale and step, and the running mean of the weights."""

import math

import torch
from torch import Tensor, nn

from ttvos.config.run import Stage, TrainConfig
from ttvos.core.errors import UserError


def make_optimizer(config: TrainConfig, model: nn.Module, rate: float) -> torch.optim.Optimizer:
    """Adam (docs/facts.md, section 4), or AdamW where `config.optimizer` says so, over what learns.

    Biases and batch-norms (one axis) do not decay. Fused: one call for all weights.
    """
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if config.optimizer == "adam":
        return torch.optim.Adam(learning, lr=rate, fused=True)
    groups = [
        {"params": [p for p in learning if p.dim() > 1], "weight_decay": config.weight_decay},
        {"params": [p for p in learning if p.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=rate, fused=True)


def learning_rate(stage: Stage, step: int, steps: int) -> float:
    """Of step 0 .. steps-1: a linear warm-up, then constant or a cosine.

    Facts: docs/facts.md, section 4.
    """
    if step < stage.warmup:
        return stage.learning_rate * (step + 1) / (stage.warmup + 1)
    if stage.end_rate is None:
        return stage.learning_rate
    done = (step - stage.warmup) / max(1, steps - 1 - stage.warmup)
    share = 0.5 + 0.5 * math.cos(math.pi * min(1.0, done))
    return stage.end_rate + (stage.learning_rate - stage.end_rate) * share


def make_scaler(config: TrainConfig, device: torch.device) -> torch.amp.GradScaler | None:
    """What keeps float16's gradients from vanishing; None for the other precisions.

    It multiplies the loss by a scale that it finds by itself. Raises UserError for float16 on
    the CPU.
    """
    if config.precision != "float16":
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
    """Exponential running mean of a model's weights and batch-norm statistics.

    After n updates it moves by 1 - min(decay, (1 + n) / (10 + n)), so that the first, poor
    weights are soon forgotten. Counters (integers) are copied.
    """

    COUNT = "average_updates"

    def __init__(self, decay: float, weights: dict[str, Tensor], updates: int = 0) -> None:
        self.decay, self.updates = decay, updates
        self.weights = {name: value.detach().clone() for name, value in weights.items()}

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
        """What `restored` needs to go on."""
        return {**self.weights, self.COUNT: torch.tensor(self.updates)}

    @classmethod
    def restored(cls, decay: float, state: dict[str, Tensor]) -> "Average":
        weights = {name: value for name, value in state.items() if name != cls.COUNT}
        return cls(decay, weights, int(state[cls.COUNT]))
