"""One training step: the gradient of a batch, a step down it, and the running mean of the weights.

PyTorch's DistributedDataParallel is not used for what several processes share: it takes the mean of
their gradients, where ours are sums over the counts of the whole batch, and it keeps the first
process's batch-norm statistics, where ours become the mean of all.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from ttvos.core.errors import UserError
from ttvos.training.parallel import Group, alone
from ttvos.training.task import Task, Tensors


class Stepper:
    """Takes the steps of a training, and holds all that they change but the optimizer.

    network: all weights, on its device already; learner: the same as gradients are taken of it
    (`Task.prepare`). average: the running mean of the weights, and scaler: float16's scale; None
    without one.
    """

    def __init__(
        self,
        task: Task,
        network: nn.Module,
        scaler: torch.amp.GradScaler | None = None,
        average: Tensors | None = None,
    ) -> None:
        """average: of an interrupted training, from `Average.state`."""
        self.task, self.network, self.scaler = task, network, scaler
        self.learner = task.prepare(network)
        self.average = None
        if task.average is not None:
            self.average = Average(task.average, network.state_dict(), average)

    def step(
        self,
        optimizer: torch.optim.Optimizer,
        batch: Tensors,
        rate: float,
        spoilt: float = 0.0,
        group: Group | None = None,
        seed: tuple[int, ...] = (0,),
    ) -> dict[str, float]:
        """Learn from one batch at this learning rate; returns the losses before it, by name.

        The other arguments are `gradient`'s. Raises FloatingPointError for losses that are not
        finite, before any weight changes.
        """
        losses = gradient(self.task, self.learner, batch, spoilt, group, seed, self.scaler)
        values = dict(zip(losses, torch.stack(list(losses.values())).tolist(), strict=True))
        if not all(map(math.isfinite, values.values())):
            raise FloatingPointError(f"the loss is not finite ({values})")
        descend(optimizer, rate, self.task.clip_norm, self.scaler)
        if self.average:
            self.average.update(self.network.state_dict())
        return values

    def result(self) -> Tensors:
        """The weights that would be the result if training ended here."""
        return self.average.weights if self.average else self.network.state_dict()


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


def descend(
    optimizer: torch.optim.Optimizer,
    rate: float,
    clip: float | None,
    scaler: torch.amp.GradScaler | None = None,
) -> None:
    """One step down the gradient that the parameters hold, at this learning rate.

    A group of parameters may have a share of it, "rate_share". clip: largest norm of the whole
    gradient; None leaves it as it is. scaler: the gradient is of the loss that it scaled; a
    gradient that left float16's range is no step, and the next scale is smaller.
    """
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("rate_share", 1.0)
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


def precision_name(precision: str, device: torch.device) -> str:
    """What a training computes in, for its record. precision: `TrainConfig.precision`."""
    if precision != "float32":
        return f"float32, layers in {precision}"
    return "float32, convolutions in TF32" if device.type == "cuda" else "float32"


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
