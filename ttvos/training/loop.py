"""The training loop: all stages in order, resumable, the same weights for the same seed (CPU).

It trains whatever a `Task` describes; TTVOS and FRTM-VOS are. Each stage starts from the weights
of the one before, with a new optimizer (docs/facts.md, section 4).
"""

import sys
import time
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from ttvos.core.device import device_name, find_device
from ttvos.core.errors import UserError
from ttvos.core.provenance import file_hash, provenance
from ttvos.data.clips import make_clips
from ttvos.records.schema import Training
from ttvos.records.store import write
from ttvos.training.batches import batches, count_steps, reading
from ttvos.training.curves import Curves, summarise
from ttvos.training.folder import deciding_hash, finished_notice, is_finished, only_training
from ttvos.training.parallel import Group, together
from ttvos.training.state import Progress, load_progress, save_progress
from ttvos.training.step import Stepper, denormals_as_zero, make_scaler, precision_name
from ttvos.training.task import Task


def train(task: Task, out: Path, device: str = "cpu", profile: str | None = None) -> None:
    """Train one row; writes out/{checkpoint.safetensors,train.json,loss.csv}, and out/tensorboard
    where tensorboard is installed.

    While it runs, out/state.pt holds what is needed to go on. A second call with the same
    settings and data goes on from it, and returns at once when all is done. Changed code is told
    of and recorded, and does not make either stale (`ttvos.training.folder`). On the CPU,
    with the same number of threads, the same seed gives the same weights, interrupted or not.
    Started by torchrun, its processes share every batch (`ttvos.training.parallel`).
    profile: name of the run, for the record.
    Raises UserError for missing data or weights, no CUDA, a damaged state, another training that
    runs in `out`, or a non-finite loss.
    """
    out = Path(out)
    with together(device) as group, denormals_as_zero(), _alone(group, out):
        target = group.own_device(find_device(device))
        scaler = make_scaler(task.config.precision, target)
        settings = group.same(lambda: task.settings(target.type, group.size))
        begin = group.same(lambda: _begin(task, out, settings))
        if begin is None:
            return
        run = Run(task, out, target, group, begin, scaler)
        with run.curves or nullcontext():
            for number in range(begin.stage, len(task.config.stages)):
                _train_stage(run, number)
        if group.is_first:
            _finish(run, settings, profile)


def _alone(group: Group, out: Path) -> AbstractContextManager[None]:
    """Hold `out` for this training; one of its processes is enough."""
    return only_training(out) if group.is_first else nullcontext()


def _begin(task: Task, out: Path, settings: dict[str, Any]) -> Progress | None:
    """Where to go on, or the very start; None when all is done."""
    key, code = deciding_hash(settings), settings["code"]
    if is_finished(out, settings):
        print(finished_notice(out, settings), file=sys.stderr)
        return None
    for stage in task.config.stages:  # a later stage's missing data shall not cost an earlier stage
        make_clips(stage, task.seed, task.config.heldout)
    for leaving in out.glob(".state.*.part.pt"):  # of a run that was killed while saving
        leaving.unlink()
    if progress := load_progress(out / "state.pt", key, code):
        return progress
    network = task.network()
    initial = task.start(network)
    return Progress(key, [code], 0, 0, network.state_dict(), curves="", initial=initial)


class Run:
    """One training under way, in one of its processes: all that its steps change.

    begin: where this call of it started. curves, selector: None but in the first process, which
    alone writes; selector: None also where the last step is taken.
    """

    def __init__(
        self,
        task: Task,
        out: Path,
        device: torch.device,
        group: Group,
        begin: Progress,
        scaler: torch.amp.GradScaler | None,
    ) -> None:
        self.task, self.out, self.device, self.group = task, out, device, group
        self.begin = begin
        if scaler and begin.scaler:
            scaler.load_state_dict(begin.scaler)
        for text in begin.skipped:
            group.note(text)
        self.network = task.network()
        self.network.load_state_dict(begin.model)
        self.network.to(device, memory_format=torch.channels_last)
        self.stepper = Stepper(task, self.network, scaler, begin.average)
        self.selector = self.curves = None
        if group.is_first:
            self.selector = self._selector()
            self.curves = Curves(out, begin.curves)

    def _selector(self) -> Any | None:
        (self.out / "selection.csv").unlink(missing_ok=True)  # of another run
        if self.task.selection.by == "last":
            return None
        # By name, so that the code of evaluation counts as code of a training (see
        # ttvos.core.code_hash) only where it has a say in its result (`TrainConfig.modules`).
        selection = import_module("ttvos.training.selection")
        return selection.Selector(self.task, self.out, self.device, self.begin.selection)

    def save(self, stage: int, step: int, optimizer: torch.optim.Optimizer | None) -> None:
        """Write out/state.pt: the next step of the stage with that number, and all it needs."""
        average, scaler = self.stepper.average, self.stepper.scaler
        progress = Progress(
            settings=self.begin.settings,
            code=self.begin.code,
            stage=stage,
            step=step,
            model=self.network.state_dict(),
            curves=self.curves.text(),
            initial=self.begin.initial,
            optimizer=optimizer.state_dict() if optimizer else None,
            average=average.state() if average else None,
            scaler=scaler.state_dict() if scaler else None,
            selection=self.selector.state() if self.selector else None,
            skipped=self.group.notes(),
        )
        save_progress(progress, self.out / "state.pt")


def _train_stage(run: Run, number: int) -> None:
    """All steps of one stage, from its start or, where `run` began in its midst, from there."""
    task, config, stage = run.task, run.task.config, run.task.config.stages[number]
    optimizer = task.optimizer(run.network.train(), stage.learning_rate)
    first = 0
    if number == run.begin.stage:
        first = run.begin.step
        if run.begin.optimizer:
            optimizer.load_state_dict(run.begin.optimizer)
    clips = make_clips(stage, task.seed * 1000 + number, config.heldout)
    steps = count_steps(stage, len(clips))
    scored = run.selector.due(number, steps, len(clips)) if run.selector else frozenset()
    source = batches(clips, stage, range(first, steps), config, run.group, run.device)
    hidden = None if run.group.is_first else True  # None: only where there is no terminal
    bar = tqdm(total=steps, initial=first, desc=stage.name, unit="step", disable=hidden)
    with bar, reading(stage):
        since = time.perf_counter()
        for step, (batch, waiting) in enumerate(source, start=first):
            rate = task.learning_rate(stage, step, steps)
            losses = _learn(run, optimizer, batch, rate, number, step)
            if not run.group.is_first:
                continue
            now = time.perf_counter()
            epoch = step * stage.batch // len(clips)
            run.curves.add(stage.name, step, losses, rate, now - since, waiting, epoch)
            if step + 1 == steps or (step + 1) * stage.batch // len(clips) > epoch:
                tqdm.write(run.curves.end_epoch(), file=sys.stderr)
            since = now
            bar.set_postfix(loss=f"{losses['total']:.4f}", refresh=False)
            bar.update()
            if step + 1 in scored:
                scores = run.selector.score(run.network, run.stepper.result(), stage.name, step + 1)
                run.curves.add_scores(scores)
                since = time.perf_counter()
            if step + 1 in scored or (step + 1) % config.checkpoint_every == 0:
                run.save(number, step + 1, optimizer)
    if run.group.is_first:
        run.save(number + 1, 0, None)


def _learn(
    run: Run,
    optimizer: torch.optim.Optimizer,
    batch: dict[str, Tensor],
    rate: float,
    number: int,
    step: int,
) -> dict[str, float]:
    """One optimizer step of the stage with that number; the losses before it, by name."""
    stage, seed = run.task.config.stages[number], (run.task.seed, number, step)
    try:
        return run.stepper.step(optimizer, batch, rate, stage.spoilt, run.group, seed)
    except FloatingPointError as error:
        raise UserError(
            f"stage {stage.name}, step {step}: {error}; try a lower learning rate, and delete "
            f"{run.out / 'state.pt'} to train from the start"
        ) from None


def _finish(run: Run, settings: dict[str, Any], profile: str | None) -> None:
    """Write the checkpoint and its record, and drop the state."""
    task, selector = run.task, run.selector
    run.network.load_state_dict(selector.best if selector else run.stepper.result())
    stages = summarise(run.curves.text())
    origin = provenance(
        settings,
        task.seed,
        device=device_name(run.device),
        precision=precision_name(task.config.precision, run.device),
        data={"profile": profile, "root": list(task.config.all_roots())},
        initial=run.begin.initial,
        threads=torch.get_num_threads(),
        processes=run.group.size,
        accumulate=task.accumulate,
        selection=task.selection.by,
        **task.origin(),
    )
    result = run.out / "checkpoint.safetensors"
    task.save(run.network, result, origin)
    record = Training(
        **task.facts(),
        seed=task.seed,
        hash=run.begin.settings,
        checkpoint_sha256=file_hash(result),
        settings=settings,
        codes=run.begin.code,
        stages=stages,
        selection=selector.record() if selector else {"by": task.selection.by},
        steps=sum(stage["steps"] for stage in stages),
        seconds=round(sum(stage["seconds"] for stage in stages), 3),
        skipped=run.group.notes(),
        provenance=origin,
    )
    write(run.out / "train.json", record)
    (run.out / "state.pt").unlink(missing_ok=True)
