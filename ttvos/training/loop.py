"""Training: all stages in order, resumable, the same weights for the same seed (CPU).

docs/facts.md, section 4: Adam, constant learning rate, no weight decay; each stage starts from the
weights of the one before, with a new optimizer. The configuration may ask for more than the
paper has (`TrainConfig`). The whole loop stands here.
"""

import math
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from ttvos.config.experiments import Variant
from ttvos.config.run import TrainConfig
from ttvos.core.device import device_name, find_device
from ttvos.core.errors import UserError
from ttvos.core.provenance import file_hash, provenance
from ttvos.data.clips import make_clips
from ttvos.model import weights as checkpoint
from ttvos.model.ttvos import TTVOS, build_model
from ttvos.records.schema import Training
from ttvos.records.store import write
from ttvos.training import gradient as denormals
from ttvos.training.batches import batches, count_steps, reading
from ttvos.training.curves import summarise
from ttvos.training.gradient import gradient
from ttvos.training.optimizer import descend, learning_rate, make_optimizer, make_scaler
from ttvos.training.parallel import Group, together
from ttvos.training.run import Run, under_way
from ttvos.training.setup import all_settings, initial_model
from ttvos.training.stale import deciding_hash, finished_notice, is_finished
from ttvos.training.state import Progress, load_progress, only_training


def train(
    config: TrainConfig,
    variant: Variant,
    backbone: str,
    seed: int,
    out: Path,
    device: str = "cpu",
    profile: str | None = None,
) -> None:
    """Train one row; writes out/{checkpoint.safetensors,train.json,loss.csv,tensorboard/}.

    While it runs, out/state.pt holds what is needed to go on; a second call with the same
    settings and data goes on from it, and returns at once when all is done; changed code is told
    of and recorded, and does not make either stale (`ttvos.training.stale`). On the CPU,
    with the same number of threads, the same seed gives the same weights, interrupted or not.
    Started by torchrun, its processes share every batch (`ttvos.training.parallel`).
    profile: name of the data profile, for the record.
    Raises UserError for missing data or weights, no CUDA, a damaged state, another training that
    runs in `out`, or a non-finite loss.
    """
    out = Path(out)
    if seed < 0:
        raise UserError(f"seed must be 0 or more, not {seed}")
    config = replace(config, stages=config.stages_of(backbone), effort={})
    with together(device) as group, denormals.as_zero(), _alone(group, out):
        target = group.own_device(find_device(device))
        config.check_parts(group.size)
        scaler = make_scaler(config, target)
        settings = group.same(
            lambda: all_settings(config, variant, backbone, seed, target.type, group.size)
        )
        begin = group.same(lambda: _begin(config, variant, backbone, seed, out, settings))
        if begin is None:
            return
        model = _model(config, variant, backbone, begin).to(
            target, memory_format=torch.channels_last
        )
        with under_way(config, seed, out, target, group, begin, model, scaler) as run:
            for number in range(begin.stage, len(config.stages)):
                _train_stage(run, number)
        if group.is_first:
            _finish(run, settings, profile)


def _alone(group: Group, out: Path) -> AbstractContextManager[None]:
    """Hold `out` for this training; one of its processes is enough."""
    return only_training(out) if group.is_first else nullcontext()


def _begin(
    config: TrainConfig, variant: Variant, backbone: str, seed: int, out: Path, settings: dict
) -> Progress | None:
    """Where to go on, or the very start; None when all is done."""
    key, code = deciding_hash(settings), settings["code"]
    if is_finished(out, settings):
        print(finished_notice(out, settings), file=sys.stderr)
        return None
    for stage in config.stages:  # a later stage's missing data shall not cost an earlier stage
        make_clips(stage, seed, config.heldout)
    for leaving in out.glob(".state.*.part.pt"):  # of a run that was killed while saving
        leaving.unlink()
    progress = load_progress(out / "state.pt", key, code)
    if progress:
        return progress
    model, initial = initial_model(config, variant, backbone, seed)
    return Progress(key, [code], 0, 0, model.state_dict(), curves="", initial=initial)


def _model(config: TrainConfig, variant: Variant, backbone: str, begin: Progress) -> TTVOS:
    model = build_model(variant, backbone)
    model.load_state_dict(begin.model)
    if config.freeze.get(backbone, True):
        model.freeze()
    return model


def _train_stage(run: Run, number: int) -> None:
    """All steps of one stage, from its start or, where `run` began in its midst, from there."""
    stage, config = run.config.stages[number], run.config
    optimizer = make_optimizer(config, run.model.train(), stage.learning_rate)
    goes_on = number == run.begin.stage
    first = run.begin.step if goes_on else 0
    if goes_on and run.begin.optimizer:
        optimizer.load_state_dict(run.begin.optimizer)
    seed = run.seed * 1000 + number
    clips = make_clips(stage, seed, config.heldout)
    steps = count_steps(stage, len(clips))
    due = run.selector.due(number, steps, len(clips)) if run.selector else frozenset()
    source = batches(clips, stage, range(first, steps), config, run.group, run.device)
    hidden = None if run.group.is_first else True  # None: only where there is no terminal
    bar = tqdm(total=steps, initial=first, desc=stage.name, unit="step", disable=hidden)
    with bar, reading(stage):
        since = time.perf_counter()
        for step, (batch, waiting) in enumerate(source, start=first):
            rate = learning_rate(stage, step, steps)
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
            if step + 1 in due:
                scores = run.selector.score(run.model, run.result(), stage.name, step + 1)
                run.curves.add_scores(scores)
                since = time.perf_counter()
            if step + 1 in due or (step + 1) % config.checkpoint_every == 0:
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
    stage, seed = run.config.stages[number], (run.seed, number, step)
    losses = gradient(run.learner, batch, run.config, run.group, seed, stage.spoilt, run.scaler)
    values = dict(zip(losses, torch.stack(list(losses.values())).tolist(), strict=True))
    if not all(map(math.isfinite, values.values())):
        raise UserError(
            f"stage {stage.name}, step {step}: the loss is not finite ({values}); try a lower "
            f"learning rate, and delete {run.out / 'state.pt'} to train from the start"
        )
    descend(optimizer, rate, run.config.clip_norm, run.scaler)
    if run.average:
        run.average.update(run.model.state_dict())
    return values


def _precision(run: Run) -> str:
    if run.config.precision != "float32":
        return f"float32, layers in {run.config.precision}"
    return "float32, convolutions in TF32" if run.device.type == "cuda" else "float32"


def _finish(run: Run, settings: dict, profile: str | None) -> None:
    """Write the checkpoint and its record, and drop the state."""
    run.model.load_state_dict(run.selector.best or run.result())
    stages = summarise(run.curves.text())
    origin = provenance(
        settings,
        run.seed,
        device=device_name(run.device),
        precision=_precision(run),
        data={"profile": profile, "root": list(run.config.all_roots())},
        initial=run.begin.initial,
        threads=torch.get_num_threads(),
        processes=run.group.size,
        accumulate=run.config.accumulate,
        selection=run.config.selection.by,
    )
    result = run.out / "checkpoint.safetensors"
    checkpoint.save(run.model, result, origin)
    record = Training(
        variant=run.model.variant.name,
        backbone=run.model.backbone_name,
        seed=run.seed,
        hash=run.begin.settings,
        checkpoint_sha256=file_hash(result),
        settings=settings,
        codes=run.begin.code,
        stages=stages,
        selection=run.selector.record(),
        steps=sum(stage["steps"] for stage in stages),
        seconds=round(sum(stage["seconds"] for stage in stages), 3),
        skipped=run.group.notes(),
        provenance=origin,
    )
    write(run.out / "train.json", record)
    (run.out / "state.pt").unlink(missing_ok=True)
