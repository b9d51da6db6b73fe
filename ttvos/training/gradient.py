"""The gradient of a batch, whole, in parts or shared out, and batch-norm's part in it.

PyTorch's DistributedDataParallel is not used: it takes the mean of the processes' gradients, where
ours are sums over the counts of the whole batch, and it keeps the first process's batch-norm
statistics, where ours become the mean of all.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from ttvos.training.parallel import Group, alone
from ttvos.training.task import Task, Tensors


def gradient(
    task: Task,
    model: nn.Module,
    batch: Tensors,
    spoilt: float = 0.0,
    group: Group | None = None,
    seed: tuple[int, ...] = (0,),
    scaler: torch.amp.GradScaler | None = None,
) -> Tensors:
    """Put the gradient of the batch's loss into the parameters; returns the losses by name.

    model: as `Task.prepare` makes it. batch and spoilt: see `Task.losses`; it is this process's
    share. group: None for this process alone. The share goes through the model in
    `task.accumulate` equal parts, one after the other, which needs less memory. Losses and
    gradient are those of all shares together, up to rounding, but for two things. Batch-norms
    that train normalise each part by its own statistics, as the released code does on each GPU;
    their running ones become the mean of what each part would have made of them. And what is
    random (`spoilt`) is drawn for each part, from `seed` and its place in the whole batch. So it
    does not matter which process takes which part, nor what was drawn before.
    scaler: scales the loss before its gradient is taken; the losses returned are not scaled.
    """
    group = group or alone()
    model.zero_grad()
    parts = split(batch, task.accumulate)
    counts = statistics = None
    if len(parts) * group.size > 1:
        counts = task.counts(batch["labels"])
        group.sum(list(counts.values()))
        statistics = RunningStatistics(model)
    found = []
    for place, part in enumerate(parts, start=group.rank * len(parts)):
        _seed(*seed, place)
        losses = task.losses(model, part, spoilt, counts)
        (scaler.scale(losses["total"]) if scaler else losses["total"]).backward()
        found.append({name: value.detach() for name, value in losses.items()})
        if statistics:
            statistics.take()
    total = {name: torch.stack([losses[name] for losses in found]).sum() for name in found[0]}
    if statistics:
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        group.sum([*gradients, *statistics.sums, *total.values()])
        statistics.put_mean(len(parts) * group.size)
    return total


def _seed(*numbers: int) -> None:
    """Seed all of torch's generators."""
    torch.manual_seed(int(np.random.SeedSequence(numbers).generate_state(1)[0]))


def split(batch: Tensors, parts: int) -> list[Tensors]:
    """The batch's clips in equal parts, in order."""
    pieces = {name: value.chunk(parts) for name, value in batch.items()}
    return [{name: value[i] for name, value in pieces.items()} for i in range(parts)]


class RunningStatistics:
    """Running mean and variance of the batch-norms that train, over the parts of one batch.

    Every part starts from those before the batch, and the mean of all is kept. `sums`: over the
    parts so far, which go on to those of other processes. The counter of batches goes up by one.
    """

    def __init__(self, model: nn.Module) -> None:
        norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d) and m.training]
        self._buffers = [each for norm in norms for each in (norm.running_mean, norm.running_var)]
        self._counters = [norm.num_batches_tracked for norm in norms]
        self._before = [buffer.clone() for buffer in self._buffers]
        self._counted = [counter.clone() for counter in self._counters]
        self.sums = [torch.zeros_like(buffer) for buffer in self._buffers]

    def take(self) -> None:
        """Note what a part made of the statistics, and undo it."""
        for buffer, before, total in zip(self._buffers, self._before, self.sums, strict=True):
            total += buffer
            buffer.copy_(before)

    def put_mean(self, parts: int) -> None:
        """Let the statistics be the mean over so many parts."""
        for buffer, total in zip(self._buffers, self.sums, strict=True):
            buffer.copy_(total / parts)
        for counter, counted in zip(self._counters, self._counted, strict=True):
            counter.copy_(counted + 1)


@contextmanager
def denormals_as_zero() -> Iterator[None]:
    """Take denormal numbers (below 1.2e-38) as 0 in this thread and in all it starts.

    A processor is slow with numbers too small for float32's full precision, and the saturated
    softmax of a trained long-term template has many in its gradient. This context should
    stand round a process's first computation, whose threads all later ones use.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
