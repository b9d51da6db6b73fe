"""One training under way: what its steps change, and how it is kept on disk to go on from."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from ttvos.config.run import TrainConfig
from ttvos.model.ttvos import TTVOS
from ttvos.training.curves import Curves
from ttvos.training.frozen import learner
from ttvos.training.optimizer import Average
from ttvos.training.parallel import Group
from ttvos.training.selection import Selector
from ttvos.training.state import Progress, save_progress


@dataclass(frozen=True)
class Run:
    """One training, in one of its processes; `begin` is where this call of it started.

    learner: `model` as gradients are taken of it, with the same weights.
    curves and selector: None but in the first process, which alone writes.
    """

    config: TrainConfig
    seed: int
    out: Path
    device: torch.device
    group: Group
    begin: Progress
    model: TTVOS
    learner: TTVOS
    average: Average | None
    scaler: torch.amp.GradScaler | None
    curves: Curves | None
    selector: Selector | None

    def result(self) -> dict[str, torch.Tensor]:
        """The weights that would be the result if training ended here, unless one is selected."""
        return self.average.weights if self.average else self.model.state_dict()

    def save(self, stage: int, step: int, optimizer: torch.optim.Optimizer | None) -> None:
        """Write out/state.pt: the next step of the stage with that number, and all it needs."""
        progress = Progress(
            settings=self.begin.settings,
            code=self.begin.code,
            stage=stage,
            step=step,
            model=self.model.state_dict(),
            curves=self.curves.text(),
            initial=self.begin.initial,
            optimizer=optimizer.state_dict() if optimizer else None,
            average=self.average.state() if self.average else None,
            scaler=self.scaler.state_dict() if self.scaler else None,
            selection=self.selector.state(),
            skipped=self.group.notes(),
        )
        save_progress(progress, self.out / "state.pt")


@contextmanager
def under_way(
    config: TrainConfig,
    seed: int,
    out: Path,
    device: torch.device,
    group: Group,
    begin: Progress,
    model: TTVOS,
    scaler: torch.amp.GradScaler | None,
) -> Iterator[Run]:
    """The run, with all of its parts where `begin` says; the model has its weights already."""
    if scaler and begin.scaler:
        scaler.load_state_dict(begin.scaler)
    for text in begin.skipped:
        group.note(text)
    average = _average(config, model, begin)
    learning = learner(model, config)
    parts = (config, seed, out, device, group, begin, model, learning, average, scaler)
    if not group.is_first:
        yield Run(*parts, curves=None, selector=None)
        return
    selector = Selector(config, out, device, begin.selection)
    with Curves(out, begin.curves) as curves:
        yield Run(*parts, curves, selector)


def _average(config: TrainConfig, model: TTVOS, begin: Progress) -> Average | None:
    """The running mean of the weights, if wanted; it goes on through all stages."""
    if config.average is None:
        return None
    if begin.average is None:
        return Average(config.average, model.state_dict())
    device = next(model.parameters()).device
    kept = {name: value.to(device) for name, value in begin.average.items()}
    return Average.restored(config.average, kept)
