"""Training of FRTM-VOS with and without the transition loss: the rows of Table 5.

docs/peers.md, section 3.8: only the segmentation network learns. A clip's target model is fitted to
its first frame and fixed; the losses are of the other frames. Adam with amsgrad, a learning rate
that falls in steps. docs/table5.md says what was decided for the transition loss.
"""

import math
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from ttvos.config_frtm import FRTMTraining
from ttvos.data.clips import make_clips
from ttvos.device import device_name, find_device
from ttvos.errors import UserError
from ttvos.files import write_json
from ttvos.peers.frtm.training_checkpoint import save_checkpoint
from ttvos.peers.frtm.training_learner import Learner
from ttvos.peers.frtm.training_loss import frtm_losses
from ttvos.peers.frtm.training_optimizer import learning_rate, make_optimizer
from ttvos.peers.frtm.training_run import Run, begin_at
from ttvos.peers.frtm.training_samples import TargetScores
from ttvos.peers.frtm.training_setup import all_settings, initial_learner
from ttvos.provenance import file_hash, provenance
from ttvos.training import denormals
from ttvos.training.batches import batches, count_steps, reading
from ttvos.training.curves import Curves, summarise
from ttvos.training.lock import only_training
from ttvos.training.parallel import alone


def train_frtm(
    config: FRTMTraining,
    backbone: str,
    transition_loss: bool,
    seed: int,
    out: Path,
    device: str = "cpu",
    profile: str | None = None,
) -> None:
    """Train one row; writes out/{checkpoint.safetensors,train.json,loss.csv,tensorboard/}.

    backbone: "resnet18" or "resnet101". As `ttvos.train.train`, it goes on from out/state.pt
    after an interruption, returns at once when all is done, and gives the same weights for the
    same seed on a CPU with the same number of threads.
    Raises UserError for missing data or weights, no CUDA, a damaged state, another training that
    runs in `out`, or a non-finite loss.
    """
    out = Path(out)
    if seed < 0:
        raise UserError(f"seed must be 0 or more, not {seed}")
    config = replace(config, stages=config.stages_of(backbone), effort={})
    target, group = find_device(device), alone()
    with denormals.as_zero(), only_training(out):
        settings = all_settings(config, backbone, transition_loss, seed, target.type)
        for stage in config.stages:  # a later stage's missing data shall not cost an earlier stage
            make_clips(stage, seed, config.heldout)
        learner, initial = initial_learner(config, backbone, transition_loss, seed)
        begin = begin_at(out, settings, learner, initial)
        if begin is None:
            return
        learner.load_state_dict(begin.model)
        learner.to(target, memory_format=torch.channels_last)
        scores = TargetScores(config, learner)
        for text in begin.skipped:
            group.note(text)
        with Curves(out, begin.curves) as curves:
            run = Run(config, seed, out, target, group, begin, learner, scores, curves)
            for number in range(begin.stage, len(config.stages)):
                _train_stage(run, number)
        origin = _origin(run, settings, profile)
        _finish(run, backbone, transition_loss, settings, origin)


def _train_stage(run: Run, number: int) -> None:
    """All steps of one stage, from its start or, where `run` began in its midst, from there."""
    stage, config = run.config.stages[number], run.config
    optimizer = make_optimizer(config, run.learner.train(), stage.learning_rate)
    goes_on = number == run.begin.stage
    first = run.begin.step if goes_on else 0
    if goes_on and run.begin.optimizer:
        optimizer.load_state_dict(run.begin.optimizer)
    clips = make_clips(stage, run.seed * 1000 + number, config.heldout)
    steps = count_steps(stage, len(clips))
    source = batches(clips, stage, range(first, steps), config, run.group, run.device)
    bar = tqdm(total=steps, initial=first, desc=stage.name, unit="step", disable=None)
    with bar, reading(stage):
        since = time.perf_counter()
        for step, (batch, waiting) in enumerate(source, start=first):
            rate = learning_rate(config, stage, step, steps)
            losses = _learn(run, optimizer, batch, rate, f"stage {stage.name}, step {step}")
            now = time.perf_counter()
            epoch = step * stage.batch // len(clips)
            run.curves.add(stage.name, step, losses, rate, now - since, waiting, epoch)
            if step + 1 == steps or (step + 1) * stage.batch // len(clips) > epoch:
                tqdm.write(run.curves.end_epoch(), file=sys.stderr)
            since = now
            bar.set_postfix(loss=f"{losses['total']:.4f}", refresh=False)
            bar.update()
            if (step + 1) % config.checkpoint_every == 0:
                run.save(number, step + 1, optimizer)
    run.save(number + 1, 0, None)


def batch_losses(
    learner: Learner, scores: TargetScores, batch: dict[str, Tensor], weight: float
) -> dict[str, Tensor]:
    """Losses of a batch from `ttvos.training.batches` (`frtm_losses`), with their gradient.

    All frames go through the networks in one call; the public code takes one after the other,
    which differs in what batch-norm normalises by.
    """
    frames, labels = batch["frames"], batch["labels"]
    clips, size = len(frames), frames.shape[-2:]
    images = learner.pixels(frames)
    features = learner.features(images[:, 1:].flatten(0, 1))
    coarse = scores(images, labels, features)
    logits, transition = learner(features, coarse, size)
    if transition is not None:
        transition = transition.unflatten(0, (clips, -1))
    return frtm_losses(logits.unflatten(0, (clips, -1)), labels, transition, weight)


def _learn(
    run: Run, optimizer: torch.optim.Optimizer, batch: dict[str, Tensor], rate: float, place: str
) -> dict[str, float]:
    """One optimizer step; the losses before it, by name."""
    optimizer.zero_grad()
    losses = batch_losses(run.learner, run.scores, batch, run.config.transition_weight)
    values = dict(zip(losses, torch.stack(list(losses.values())).tolist(), strict=True))
    if not all(map(math.isfinite, values.values())):
        raise UserError(
            f"{place}: the loss is not finite ({values}); try a lower learning rate, and delete "
            f"{run.out / 'state.pt'} to train from the start"
        )
    losses["total"].backward()
    for group in optimizer.param_groups:
        group["lr"] = rate
    optimizer.step()
    return values


def _origin(run: Run, settings: dict, profile: str | None) -> dict[str, Any]:
    """Provenance of the result."""
    config = run.config
    is_low = config.precision == "bfloat16"
    return provenance(
        settings,
        run.seed,
        device=device_name(run.device),
        precision="float32, layers in bfloat16" if is_low else "float32",
        data={"profile": profile, "root": list(config.all_roots())},
        initial=run.begin.initial,
        backbone_learns=not config.freeze_backbone,
        threads=torch.get_num_threads(),
        selection="last",
    )


def _finish(
    run: Run, backbone: str, transition_loss: bool, settings: dict, origin: dict[str, Any]
) -> None:
    """Write the checkpoint and its record, and drop the state."""
    stages = summarise(run.curves.text())
    result = run.out / "checkpoint.safetensors"
    save_checkpoint(run.learner, backbone, transition_loss, result, origin)
    record = {
        "variant": "frtm",
        "tracker": "frtm",
        "transition_loss": transition_loss,
        "backbone": backbone,
        "seed": run.seed,
        "hash": run.begin.settings,
        "checkpoint_sha256": file_hash(result),
        "settings": settings,
        "codes": run.begin.code,
        "stages": stages,
        "selection": {"by": "last"},
        "steps": sum(stage["steps"] for stage in stages),
        "seconds": round(sum(stage["seconds"] for stage in stages), 3),
        "target_fits": run.scores.counts(),
        "skipped": run.group.notes(),
        "provenance": origin,
    }
    write_json(run.out / "train.json", record)
    (run.out / "state.pt").unlink(missing_ok=True)
