"""What a training of FRTM starts from, and what decides its result.

FRTM's optimizer: Adam with amsgrad, a learning rate that falls in steps.

Facts: docs/peers.md, section 3.8.

One training of FRTM under way: its parts, and how it is kept on disk to go on from.

Training of FRTM-VOS with and without the transition loss: the rows of Table 5.

docs/peers.md, section 3.8: only the segmentation network learns. A clip's target model is fitted to
its first frame and fixed; the losses are of the other frames. Adam with amsgrad, a learning rate
that falls in steps. docs/table5.md says what was decided for the transition loss.
"""

import math
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from ttvos.config.frtm import FRTMTraining
from ttvos.config.run import as_plain
from ttvos.config.training import Stage
from ttvos.core.code_hash import code_hash
from ttvos.core.device import device_name, find_device
from ttvos.core.errors import UserError
from ttvos.core.files import write_json
from ttvos.core.provenance import file_hash, provenance
from ttvos.core.shipped_weights import find_weights
from ttvos.data.clips import make_clips
from ttvos.model.weights import trained_within
from ttvos.peers.base import fill_network
from ttvos.peers.frtm.backbone import BACKBONES, Backbone
from ttvos.peers.frtm.learner import Learner, frtm_losses, save_checkpoint
from ttvos.peers.frtm.loading import imagenet_weights, read_backbone
from ttvos.peers.frtm.samples import TargetScores
from ttvos.training import gradient as denormals
from ttvos.training.batches import batches, count_steps, reading
from ttvos.training.curves import Curves, summarise
from ttvos.training.parallel import Group, alone
from ttvos.training.setup import draw_weights, listing_hash, own_generator
from ttvos.training.stale import deciding_hash, finished_notice, is_finished
from ttvos.training.state import Progress, load_progress, only_training, save_progress

# Fields of FRTMTraining that do not decide the weights.
UNDECISIVE = ("checkpoint_every", "skip_damaged", "target_cache", "workers")


def initial_learner(
    config: FRTMTraining, backbone: str, transition_loss: bool, seed: int
) -> tuple[Learner, dict[str, str | None]]:
    """All modules before the first step, and {"source", "sha256"} of the backbone's weights.

    The segmentation network is random, each module from `seed` and its name, equally with and
    without the transition loss; the backbone is by `config.initial`, random likewise where it
    names nothing.
    """
    with own_generator(seed, "network"):  # not the caller's; all of it is drawn again
        learner = Learner(backbone, config.freeze_backbone, config.precision)
    draw_weights(learner, seed, {"backbone": lambda: Backbone(backbone)})
    if transition_loss:
        learner.add_transition(seed)
    source = config.initial.get(backbone)
    if source is None:
        return learner, {"source": "random", "sha256": None}
    if source == "imagenet":
        fill_network(learner.backbone, imagenet_weights(backbone), "ImageNet weights")
        return learner, {"source": source, "sha256": None}
    path = find_weights(source)
    fill_network(learner.backbone, read_backbone(path, backbone), path)
    return learner, {"source": source, "sha256": file_hash(path)} | trained_within(path)


def all_settings(
    config: FRTMTraining, backbone: str, transition_loss: bool, seed: int, device: str
) -> dict[str, Any]:
    """Everything that decides the trained weights, as plain data: also the data; and the code,
    which is recorded only (`ttvos.training.stale`).

    Raises UserError for missing data, an unknown backbone, or a missing file of initial weights.
    """
    if backbone not in BACKBONES:
        raise UserError(f"unknown backbone {backbone!r} of FRTM; known: {', '.join(BACKBONES)}")
    plain = as_plain(config)
    for name in (*UNDECISIVE, "initial"):
        plain.pop(name)
    source = config.initial.get(backbone)
    is_file = source not in (None, "imagenet")
    if is_file and not find_weights(source).is_file():
        raise UserError(f"frtm.initial: {backbone}: {source}: no such file")
    return {
        **plain,
        "initial": file_hash(find_weights(source)) if is_file else source,
        "tracker": "frtm",
        "transition_loss": transition_loss,
        "backbone": backbone,
        "seed": seed,
        "device": device,
        "torch": torch.__version__,
        "code": code_hash(*config.modules),
        "data": {root: listing_hash(root) for root in config.all_roots()},
    }


def make_optimizer(config: FRTMTraining, learner: Learner, rate: float) -> torch.optim.Optimizer:
    """Adam with amsgrad and weight decay over what learns (docs/peers.md, section 3.8)."""
    learning = [parameter for parameter in learner.parameters() if parameter.requires_grad]
    return torch.optim.Adam(
        learning, lr=rate, weight_decay=config.weight_decay, amsgrad=True, fused=True
    )


def learning_rate(config: FRTMTraining, stage: Stage, step: int, steps: int) -> float:
    """Of step 0 .. steps-1: a tenth of it after each of `config.drops`."""
    passed = sum(step >= share * steps for share in config.drops)
    return stage.learning_rate * 0.1**passed


@dataclass(frozen=True)
class Run:
    """One training under way; `begin` is where this call of it started."""

    config: FRTMTraining
    seed: int
    out: Path
    device: torch.device
    group: Group
    begin: Progress
    learner: Learner
    scores: TargetScores
    curves: Curves

    def save(self, stage: int, step: int, optimizer: torch.optim.Optimizer | None) -> None:
        """Write out/state.pt: the next step of the stage with that number, and all it needs."""
        progress = Progress(
            settings=self.begin.settings,
            code=self.begin.code,
            stage=stage,
            step=step,
            model=self.learner.state_dict(),
            curves=self.curves.text(),
            initial=self.begin.initial,
            optimizer=optimizer.state_dict() if optimizer else None,
            skipped=self.group.notes(),
        )
        save_progress(progress, self.out / "state.pt")


def begin_at(
    out: Path, settings: dict, learner: Learner, initial: dict[str, str | None]
) -> Progress | None:
    """Where to go on, or the very start; None when all is done."""
    key, code = deciding_hash(settings), settings["code"]
    if is_finished(out, settings):
        print(finished_notice(out, settings), file=sys.stderr)
        return None
    for leaving in out.glob(".state.*.part.pt"):  # of a run that was killed while saving
        leaving.unlink()
    start = Progress(key, [code], 0, 0, learner.state_dict(), curves="", initial=initial)
    return load_progress(out / "state.pt", key, code) or start


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

    backbone: "resnet18" or "resnet101". As `ttvos.training.loop.train`, it goes on from
    out/state.pt after an interruption, returns at once when all is done, and gives the same
    weights for the same seed on a CPU with the same number of threads.
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
