"""Train for a given time: as many steps as fit, of batches as large as are fast.

    python benchmarks/train_for.py --device cuda --data PACK --seconds 300 --out FOLDER
    python benchmarks/train_for.py --device cuda --data PACK --seconds 500 --ablations --out FOLDER

PACK: a folder of `benchmarks/pack.py`. The recipe is `STAGES`, the backbone frozen but for its
last block. Some steps are timed first; the schedule is then set so that it ends in time. Writes
PROFILE.yaml (what was trained, for `ttvos train --config`), the training's folders, and plan.json
(step times, batches, steps). A training that does not end in time leaves its weights of the last
checkpoint, at most a minute old.

--ablations: all eight experiments side by side on the one device, seed after seed, as many of
three seeds as the time allows, each experiment with the same number of steps.
"""

import argparse
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import torch
import yaml

from benchmarks.command import bar, parser, run_and_write
from ttvos.config.experiments import find_variant
from ttvos.config.run import Stage, TrainConfig, as_plain
from ttvos.core.device import device_name, find_device
from ttvos.core.errors import UserError
from ttvos.core.files import atomic_path
from ttvos.core.provenance import available_cpus, provenance
from ttvos.measure.steptime import Timing, random_batch, time_stage
from ttvos.records.schema import Training
from ttvos.records.store import read
from ttvos.training.state import snapshot
from ttvos.training.step import denormals_as_zero
from ttvos.training.ttvos import TTVOSTask

HELDOUT = ("breakdance-flare", "hockey", "paragliding", "swing")
CLIPS = {  # what both stages have in common
    "source": "davis",
    "years": (2016,),
    "warp": "affine",
    "reverse": True,
    "spoilt": 0.3,
    "gaps": 4,
    "rotation": 12.0,
    "shift": 0.12,
    "warmup": 30,
}
STAGES = {  # name: what is its own, and its share of the time
    "clips": (
        {"height": 144, "width": 256, "frames": 6, "learning_rate": 0.002, "end_rate": 0.0004}
        | {"stills_share": 0.5, "paste": 0.45, "scale": (0.75, 1.9)},
        0.45,
    ),
    "large": (
        {"height": 240, "width": 432, "frames": 6, "learning_rate": 0.0008, "end_rate": 0.00001}
        | {"stills_share": 0.4, "paste": 0.4, "scale": (0.8, 2.2)},
        0.55,
    ),
}
BATCHES = (8, 16, 32, 64)
WORTH = 1.1  # a larger batch is taken where it makes at least so many more clips a second
EXPERIMENTS = tuple(f"exp{number}" for number in range(1, 9))
ABLATION_BATCH, TRIED_STEPS = 8, 30
START_SECONDS = 25  # of a training until its first step, and after its last
KEPT = "stopped; its last checkpoint was kept"
KEEP_EVERY = 60  # seconds between checkpoints


def main(arguments: list[str] | None = None) -> int:
    """Train, write plan.json; 0, or 1 after an error of one line."""
    options = _parse(arguments)
    train = ablations if options.ablations else one
    return run_and_write(lambda: train(options), options.out / "plan.json", show)


def show(result: dict[str, Any]) -> None:
    """A line a training on the terminal."""
    for name, found in result["trainings"].items():
        print(f"{name}: {found}")


def one(options: argparse.Namespace) -> dict[str, Any]:
    """The full model: {"trainings": {name: how it ended}, "stages", "bars", "provenance"}."""
    began = time.monotonic()
    planned = [_planned(options, name) for name in STAGES]
    config = _config(options, [stage for stage, _ in planned], [found for _, found in planned])
    left = options.seconds - (time.monotonic() - began)
    folder = options.out / "exp8-hrnet-s0"
    process = _start(options, config, "exp8", 0, folder)
    ended = _wait({folder: process}, left)
    stages = {stage.name: found for stage, found in planned}
    return _result(options, ended, stages)


def ablations(options: argparse.Namespace) -> dict[str, Any]:
    """All experiments, the first stage alone: as `one`, with the seeds that there was time for."""
    began = time.monotonic()
    stage = replace(_stage(options, "clips"), batch=ABLATION_BATCH)
    tried = options.out / "tried"
    tried_steps = min(TRIED_STEPS, options.most_steps)
    short = _config(options, [stage], [{"steps": tried_steps}], "tried")
    _round(options, short, 0, tried, options.seconds / 3)
    found = [read(path, Training) for path in sorted(tried.glob("*/train.json"))]
    if len(found) < len(options.experiments):
        failed = len(options.experiments) - len(found)
        raise UserError(f"{tried}: {failed} trainings of the trial failed; see their train.log")
    step = max(record.seconds / record.steps for record in found)
    left = options.seconds - (time.monotonic() - began)
    steps = int((left / options.seeds - START_SECONDS) / step)
    steps = max(1, min(steps, options.most_steps))
    config = _config(options, [stage], [{"steps": steps, "step_seconds": step}])
    ended: dict[str, str] = {}
    for seed in range(options.seeds):
        left = options.seconds - (time.monotonic() - began)
        if seed and left < 0.9 * (START_SECONDS + steps * step):
            break
        ended |= _round(options, config, seed, options.out, left)
    return _result(options, ended, {stage.name: {"steps": steps, "step_seconds": step}})


def _round(
    options: argparse.Namespace, config: Path, seed: int, folder: Path, seconds: float
) -> dict[str, str]:
    """Every experiment with one seed, side by side."""
    return _wait(
        {
            (out := folder / f"{name}-hrnet-s{seed}"): _start(options, config, name, seed, out)
            for name in options.experiments
        },
        seconds,
    )


def _planned(options: argparse.Namespace, name: str) -> tuple[Stage, dict[str, Any]]:
    """A stage with its batch and steps, and what was timed for them."""
    device, share = find_device(options.device), STAGES[name][1]
    train, best, timed = _train(options, [_stage(options, name)]), None, {}
    task = TTVOSTask(train, find_variant("exp8"), "hrnet")
    model = task.network()
    model.to(device, memory_format=torch.channels_last).train()  # as `ttvos train` has it
    with denormals_as_zero():
        for batch in options.batches:
            stage = replace(train.stages[0], batch=batch)
            clip = random_batch(stage)
            try:
                seconds, memory = time_stage(model, task, stage, clip, Timing(device, 3, 2))
            except RuntimeError as error:  # too little memory: the batches before it are there
                timed[batch] = {"error": str(error).splitlines()[0]}
                break
            timed[batch] = {"step_seconds": median(seconds), "peak_memory_bytes": memory}
            if best is None or _rate(timed, batch) > WORTH * _rate(timed, best):
                best = batch
    del model
    if device.type == "cuda":  # what this process keeps, the training's cannot have
        torch.cuda.empty_cache()
    if best is None:
        raise UserError(f"stage {name}: not even a batch of {options.batches[0]} fits")
    step = timed[best]["step_seconds"]
    steps = int(share * (options.seconds - START_SECONDS) * 0.85 / step)
    steps = max(1, min(steps, options.most_steps))
    found = {"batch": best, "steps": steps, "step_seconds": step, "timed": timed}
    return replace(train.stages[0], batch=best), found


def _rate(timed: dict[int, dict[str, Any]], batch: int) -> float:
    return batch / timed[batch]["step_seconds"]


def _stage(options: argparse.Namespace, name: str) -> Stage:
    stills = (str(options.data / "ecssd"), str(options.data / "stills-extra"))
    common = {**CLIPS, "roots": (str(options.data / "train"),), "stills_roots": stills}
    stage = Stage(name=name, batch=options.batches[0], steps=1, **common, **STAGES[name][0])
    return replace(stage, height=options.height, width=options.width) if options.height else stage


def _train(options: argparse.Namespace, stages: list[Stage], every: int = 100) -> TrainConfig:
    return TrainConfig(
        stages=tuple(stages),
        initial={"hrnet": str(options.data / "initial.safetensors")},
        heldout=tuple(options.heldout),
        optimizer="adamw",
        weight_decay=0.01,
        clip_norm=5.0,
        average=0.998,
        precision="bfloat16",
        workers=_workers(options),
        checkpoint_every=every,
    )


def _workers(options: argparse.Namespace) -> int:
    """Processes that read clips for one training: all processors, shared by those side by side."""
    if options.workers is not None:
        return options.workers
    side_by_side = len(options.experiments) if options.ablations else 1
    return max(1, (available_cpus() - 2) // side_by_side)


def _config(
    options: argparse.Namespace,
    stages: list[Stage],
    planned: list[dict[str, Any]],
    name: str = "profile",
) -> Path:
    """Write the profile with these stages and their planned steps."""
    ready = [
        replace(stage, steps=plan["steps"]) for stage, plan in zip(stages, planned, strict=True)
    ]
    slowest = max(plan.get("step_seconds", 1.0) for plan in planned)
    train = as_plain(_train(options, ready, max(1, int(KEEP_EVERY / slowest))))
    profile = {
        "profile": "train-for",
        "title": "DAVIS-2016, reduced training",
        "caution": "From PP-HumanSeg's backbone; ECSSD, further stills, 23 DAVIS-2016 sequences.",
        "results": str(options.out),
        "rows": [f"{name}-hrnet" for name in options.experiments]
        if options.ablations
        else ["exp8-hrnet"],
        "datasets": {},
        "train": _without_tuples(train),
    }
    with atomic_path(options.out / f"{name}.yaml") as path:
        path.write_text(yaml.safe_dump(profile, sort_keys=False))
    return options.out / f"{name}.yaml"


def _without_tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_tuples(entry) for key, entry in value.items()}
    return [_without_tuples(entry) for entry in value] if isinstance(value, list | tuple) else value


def _start(
    options: argparse.Namespace, config: Path, variant: str, seed: int, out: Path
) -> subprocess.Popen:
    out.mkdir(parents=True, exist_ok=True)
    words = ["train", "--variant", variant, "--backbone", "hrnet", "--config", config]
    words += ["--seed", seed, "--device", options.device, "--out", out]
    with (out / "train.log").open("w") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "ttvos", *map(str, words)], stderr=log, stdout=log
        )


def _wait(processes: dict[Path, subprocess.Popen], seconds: float) -> dict[str, str]:
    """How each training ended; one that does not in time is stopped, its weights taken."""
    until, ended = time.monotonic() + seconds, {}
    for folder, process in processes.items():
        try:
            code = process.wait(max(1.0, until - time.monotonic()))
            ended[folder.name] = "finished" if code == 0 else f"failed: {_last_line(folder)}"
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait()
            ended[folder.name] = _snapshot(folder)
    return ended


def _snapshot(folder: Path) -> str:
    """The weights of the last checkpoint of a training that was stopped."""
    variant = find_variant(folder.name.partition("-")[0])
    task = TTVOSTask(TrainConfig(stages=()), variant, "hrnet")
    try:  # in this process: another one would take seconds to start, and the time is over
        snapshot(folder / "state.pt", task, folder / "checkpoint.safetensors")
    except UserError:
        return "stopped too early"
    return KEPT


def _last_line(folder: Path) -> str:
    lines = (folder / "train.log").read_text().strip().splitlines()
    return lines[-1] if lines else "no message"


def _result(
    options: argparse.Namespace, ended: dict[str, str], stages: dict[str, Any]
) -> dict[str, Any]:
    whole = ("finished", KEPT)
    failed = sum(how not in whole for how in ended.values())
    return {
        "trainings": ended,
        "stages": stages,
        "bars": {"trainings that left no weights": bar(failed, 0, at_least=False)},
        "provenance": provenance(
            {key: str(value) for key, value in vars(options).items() if key != "out"},
            device=device_name(find_device(options.device)),
            precision="float32, layers in bfloat16",
            command=["python", "benchmarks/train_for.py", *sys.argv[1:]],
        ),
    }


def _parse(arguments: list[str] | None) -> argparse.Namespace:
    made = parser(__doc__)
    made.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    made.add_argument("--data", type=Path, required=True, help="a folder of benchmarks/pack.py")
    made.add_argument("--seconds", type=float, required=True, help="in all, start-up included")
    made.add_argument("--most-steps", type=int, default=10**6, help="of a stage, at most")
    made.add_argument("--ablations", action="store_true", help="all experiments, side by side")
    made.add_argument("--experiments", nargs="+", default=EXPERIMENTS, help="of --ablations")
    made.add_argument("--seeds", type=int, default=3, help="of --ablations, at most")
    made.add_argument("--batches", type=int, nargs="+", default=BATCHES, help="to choose from")
    made.add_argument(
        "--heldout", nargs="*", default=HELDOUT, help="sequences that nothing is learnt from"
    )
    made.add_argument("--workers", type=int, help="that read clips for each; default: all cores")
    made.add_argument("--height", type=int, help="of all stages' frames; default: their own")
    made.add_argument("--width", type=int)
    return made.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
