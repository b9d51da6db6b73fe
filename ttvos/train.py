"""Training: all stages in order, resumable, the same weights for the same seed (CPU).

FACTS section 4: Adam, constant learning rate, no weight decay; each stage starts from the
weights of the one before, with a new optimizer. The configuration may ask for more than the
paper has (`TrainConfig`). The whole loop stands here.
"""

import math
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from ttvos import checkpoint
from ttvos.config import Stage, TrainConfig
from ttvos.data.clips import make_clips
from ttvos.device import device_name, find_device
from ttvos.errors import UserError
from ttvos.files import read_json, write_json
from ttvos.model.ttvos import TTVOS, build_model
from ttvos.provenance import file_hash, provenance, settings_hash
from ttvos.training.batches import batches, count_steps
from ttvos.training.curves import Curves, summarise
from ttvos.training.optimizer import Average, learn, make_optimizer
from ttvos.training.setup import all_settings, initial_model
from ttvos.training.state import Progress, load_progress, save_progress
from ttvos.training.unroll import clip_loss
from ttvos.variants import Variant


@dataclass(frozen=True)
class Run:
    """One training under way. settings: hash of all that decides its result."""

    config: TrainConfig
    seed: int
    out: Path
    device: torch.device
    settings: str
    model: TTVOS
    initial: dict[str, str | None]
    curves: Curves
    average: Average | None


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
    settings, data and code goes on from it, and returns at once when all is done. On the CPU,
    with the same number of threads, the same seed gives the same weights, interrupted or not.
    profile: name of the data profile, for the record.
    Raises UserError for missing data or weights, no CUDA, a damaged state, or a non-finite loss.
    """
    out = Path(out)
    if seed < 0:
        raise UserError(f"seed must be 0 or more, not {seed}")
    target = find_device(device)
    config = replace(config, stages=config.stages_of(backbone), effort={})
    settings = all_settings(config, variant, backbone, seed, target.type)
    key = settings_hash(settings)
    if _is_finished(out, key):
        print(f"{out}: already trained with these settings, data and code", file=sys.stderr)
        return
    for stage in config.stages:
        make_clips(
            stage, seed, config.heldout
        )  # a later stage's missing data shall not cost an earlier stage
    for leaving in out.glob(".state.*.part.pt"):  # of a run that was killed while saving
        leaving.unlink()
    progress = load_progress(out / "state.pt", key)
    if progress:
        model, initial = build_model(variant, backbone), progress.initial
        model.load_state_dict(progress.model)
    else:
        model, initial = initial_model(config, variant, backbone, seed)
    if config.freeze.get(backbone, True):
        model.freeze()
    model.to(target, memory_format=torch.channels_last)
    average = _average(config, model, progress)
    with Curves(out, progress.curves if progress else "") as curves:
        run = Run(config, seed, out, target, key, model, initial, curves, average)
        for number in range(progress.stage if progress else 0, len(config.stages)):
            is_here = progress is not None and progress.stage == number
            _train_stage(run, number, progress if is_here else None)
    _finish(run, settings, profile)


def _average(config: TrainConfig, model: TTVOS, progress: Progress | None) -> Average | None:
    """The running mean of the weights, if wanted; it goes on through all stages."""
    if config.average is None:
        return None
    if progress is None:
        return Average(config.average, model.state_dict())
    device = next(model.parameters()).device
    kept = {name: value.to(device) for name, value in progress.average.items()}
    return Average.restored(config.average, kept)


def _train_stage(run: Run, number: int, progress: Progress | None) -> None:
    """All steps of one stage, from its start or from `progress`."""
    stage = run.config.stages[number]
    seed = run.seed * 1000 + number
    torch.manual_seed(seed)
    model = run.model.train()
    optimizer = make_optimizer(run.config, model, stage.learning_rate)
    if progress and progress.optimizer is not None:
        optimizer.load_state_dict(progress.optimizer)
        _set_random(progress)
    first = progress.step if progress else 0
    clips = make_clips(stage, seed, run.config.heldout)
    steps = count_steps(stage, len(clips))
    source = batches(clips, stage, first, steps, run.config.workers, run.device)
    with tqdm(total=steps, initial=first, desc=stage.name, unit="step", disable=None) as bar:
        since = time.perf_counter()
        for step, batch in enumerate(source, start=first):
            rate = stage.rate(step, steps)
            losses = _learn(run, optimizer, batch, rate, stage, step)
            now = time.perf_counter()
            run.curves.add(stage.name, step, losses, rate, now - since)
            since = now
            bar.set_postfix(loss=f"{losses['total']:.4f}", refresh=False)
            bar.update()
            if (step + 1) % run.config.checkpoint_every == 0:
                _save(run, number, step + 1, optimizer)
    _save(run, number + 1, 0, None)


def _learn(
    run: Run,
    optimizer: torch.optim.Optimizer,
    batch: dict[str, Tensor],
    rate: float,
    stage: Stage,
    step: int,
) -> dict[str, float]:
    """One optimizer step; the losses before it, by name."""
    losses = clip_loss(run.model, batch, run.config, stage.spoilt)
    values = dict(zip(losses, torch.stack(list(losses.values())).tolist(), strict=True))
    if not all(map(math.isfinite, values.values())):
        raise UserError(
            f"stage {stage.name}, step {step}: the loss is not finite ({values}); try a lower learning rate, "
            f"and delete {run.out / 'state.pt'} to train from the start"
        )
    learn(optimizer, losses["total"], rate, run.config.clip_norm)
    if run.average:
        run.average.update(run.model.state_dict())
    return values


def _save(run: Run, stage: int, step: int, optimizer: torch.optim.Optimizer | None) -> None:
    is_cuda = run.device.type == "cuda"
    progress = Progress(
        settings=run.settings,
        stage=stage,
        step=step,
        model=run.model.state_dict(),
        optimizer=optimizer.state_dict() if optimizer else None,
        random=torch.get_rng_state(),
        cuda=torch.cuda.get_rng_state(run.device) if is_cuda else None,
        curves=run.curves.text(),
        initial=run.initial,
        average=run.average.state() if run.average else None,
    )
    save_progress(progress, run.out / "state.pt")


def _set_random(progress: Progress) -> None:
    torch.set_rng_state(progress.random)
    if progress.cuda is not None:
        torch.cuda.set_rng_state(progress.cuda)


def _precision(run: Run) -> str:
    if run.config.precision != "float32":
        return f"float32, layers in {run.config.precision}"
    return "float32, convolutions in TF32" if run.device.type == "cuda" else "float32"


def _is_finished(out: Path, settings: str) -> bool:
    """Whether `out` holds the result of these settings, whole and unchanged."""
    result, record = out / "checkpoint.safetensors", out / "train.json"
    if not (result.exists() and record.exists()):
        return False
    known = read_json(record)
    return known.get("hash") == settings and known.get("checkpoint_sha256") == file_hash(result)


def _finish(run: Run, settings: dict, profile: str | None) -> None:
    """Write the checkpoint and its record, and drop the state."""
    if run.average:
        run.model.load_state_dict(run.average.weights)
    stages = summarise(run.curves.text())
    origin = provenance(
        settings,
        run.seed,
        device=device_name(run.device),
        precision=_precision(run),
        data={"profile": profile, "root": [r for s in run.config.stages for r in s.all_roots()]},
        initial=run.initial,
        threads=torch.get_num_threads(),
    )
    result = run.out / "checkpoint.safetensors"
    checkpoint.save(run.model, result, origin)
    record = {
        "variant": run.model.variant.name,
        "backbone": run.model.backbone_name,
        "seed": run.seed,
        "hash": run.settings,
        "checkpoint_sha256": file_hash(result),
        "settings": settings,
        "stages": stages,
        "steps": sum(stage["steps"] for stage in stages),
        "seconds": round(sum(stage["seconds"] for stage in stages), 3),
        "provenance": origin,
    }
    write_json(run.out / "train.json", record)
    (run.out / "state.pt").unlink(missing_ok=True)
