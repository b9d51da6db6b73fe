"""The gradient of a batch, whole or in parts, and batch-norm's part in it."""

import torch
from torch import Tensor, nn

from ttvos.config import TrainConfig
from ttvos.losses import counted_values
from ttvos.model.ttvos import TTVOS
from ttvos.training.unroll import clip_loss


def gradient(
    model: TTVOS, batch: dict[str, Tensor], config: TrainConfig, spoilt: float = 0.0
) -> dict[str, Tensor]:
    """Put the gradient of the batch's loss into the parameters; returns the losses by name.

    The batch (with `spoilt`, see `clip_loss`) goes through the model in `config.accumulate`
    equal parts, one after the other, which needs less memory. Losses and gradient are those of
    the whole batch up to rounding, but for one thing: batch-norms that train normalise each part
    by its own statistics. Their running ones become the mean of what each part would have made.
    """
    model.zero_grad()
    parts = split(batch, config.accumulate)
    if len(parts) == 1:
        return _add_gradient(model, batch, config, None, spoilt)
    counts = counted_values(batch["labels"])
    statistics = RunningStatistics(model)
    losses = []
    for part in parts:
        losses.append(_add_gradient(model, part, config, counts, spoilt))
        statistics.take()
    statistics.put_mean(len(parts))
    return {name: torch.stack([loss[name] for loss in losses]).sum() for name in losses[0]}


def split(batch: dict[str, Tensor], parts: int) -> list[dict[str, Tensor]]:
    """The batch's clips in equal parts, in order."""
    pieces = {name: value.chunk(parts) for name, value in batch.items()}
    return [{name: value[i] for name, value in pieces.items()} for i in range(parts)]


def _add_gradient(
    model: TTVOS,
    part: dict[str, Tensor],
    config: TrainConfig,
    counts: dict[str, Tensor] | None,
    spoilt: float,
) -> dict[str, Tensor]:
    losses = clip_loss(model, part, config, counts, spoilt)
    losses["total"].backward()
    return {name: value.detach() for name, value in losses.items()}


class RunningStatistics:
    """Running mean and variance of the batch-norms that train, over the parts of one batch.

    Every part starts from those before the batch, and the mean of all is kept: then it does
    not matter in which order the parts come. The counter of batches goes up by one.
    """

    def __init__(self, model: nn.Module) -> None:
        norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d) and m.training]
        self._buffers = [buffer for norm in norms for buffer in norm.buffers()]
        self._before = [buffer.clone() for buffer in self._buffers]
        self._sums = [torch.zeros_like(buffer) for buffer in self._buffers]

    def take(self) -> None:
        """Note what a part made of the statistics, and undo it."""
        for buffer, before, total in zip(self._buffers, self._before, self._sums, strict=True):
            total += buffer
            buffer.copy_(before)

    def put_mean(self, parts: int) -> None:
        """Let the statistics be the mean over so many parts."""
        for buffer, total in zip(self._buffers, self._sums, strict=True):
            buffer.copy_(total / parts)
