"""How long training takes: some real steps of every row and stage, and the hours that follow.

A step is what `ttvos train` does with a loaded batch: its pixels made on the device, the model
through the whole clip and back, the optimizer, the running mean. The batch is one random clip of
the stage's size, repeated. Reading and decoding data is left out.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ttvos.config.experiments import Row, load_rows
from ttvos.config.run import Config, Stage, TrainConfig, as_plain
from ttvos.core.device import device_name, find_device, peak_memory, read_clock
from ttvos.core.errors import UserError
from ttvos.core.provenance import provenance
from ttvos.data.augment import draw_colours, make_pixels
from ttvos.data.layers import Clip, Scene, collate
from ttvos.data.warp import unchanged
from ttvos.measure.clip_counts import count_clips
from ttvos.measure.latency import Load
from ttvos.model.ttvos import TTVOS
from ttvos.training.batches import count_steps
from ttvos.training.step import Stepper, denormals_as_zero, make_scaler, precision_name
from ttvos.training.task import Task
from ttvos.training.ttvos import TTVOSTask

PROTOCOL = {
    "step": "pixels of a loaded batch made on the device, forward and backward through the clip, "
    "optimizer, running mean; random frames and weights; device synchronised before each clock "
    "reading; median of the timed steps; reading and decoding of data left out",
    "peak_memory_bytes": "CUDA: what PyTorch allocated in this stage; CPU: the largest resident "
    "set of the process so far",
    "hours": "step_seconds x steps; predicting, scoring and waiting for data not counted",
}


@dataclass(frozen=True)
class Timing:
    """Where, how many steps are timed, and how many others go before them."""

    device: torch.device
    steps: int
    warmup: int


def steptime(
    config: Config,
    rows: tuple[str, ...] = (),
    device: str = "cpu",
    steps: int = 5,
    warmup: int = 2,
    accumulate: int | None = None,
    seconds: float | None = None,
    keep: Callable[[dict[str, Any]], None] = lambda result: None,
    needs: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Time `steps` training steps of each row and stage of a run, after `warmup` others.

    rows: some of TTVOS's; () means all, and FRTM-VOS's, which are only counted. accumulate: parts
    of a batch in place of the run's. steps 0: nothing is timed, only counted; times, hours and
    memory are None. seconds: after so many, no further row is timed, only counted. keep: is given
    the result after each row that was timed, the others counted. needs: what the record says of
    the run's jobs, and of the data that it needs (`ttvos.plan.needs.run_needs`).
    Returns rows (each with its stages: step_seconds, steps, hours,
    peak_memory_bytes, clips_an_epoch, ...; hours of one seed; checkpoint_bytes, state_bytes),
    hours (the timed rows, all seeds), seeds, data, jobs, load (what other processes used
    meanwhile, see `ttvos.measure.latency`), protocol and provenance.
    Raises UserError for a run without training, unknown rows, clips that cannot be counted,
    no CUDA, and too little memory.
    """
    if config.train is None:
        raise UserError(f"run {config.run} has no train section: nothing to time")
    if steps < 0 or warmup < 0:
        raise UserError(f"{steps} steps after {warmup}: take 0 or more of each")
    train = config.train if accumulate is None else replace(config.train, accumulate=accumulate)
    chosen, timing = _rows(config, rows), Timing(find_device(device), steps, warmup)
    clips = [count_clips(stage, Path(config.data), train.heldout) for stage in train.stages]
    batches = [random_batch(stage) for stage in train.stages]
    began, load = time.monotonic(), Load()
    counted = replace(timing, steps=0)
    found = [_time_row(row, train, batches, clips, counted) for row in chosen]
    found += [] if rows else [_count_frtm(row, config) for row in _frtm_rows(config)]
    needs = {"data": [], "jobs": {}, **(needs or {})}
    for number, row in enumerate(chosen if steps else ()):
        if seconds is not None and time.monotonic() - began > seconds:
            break
        with denormals_as_zero():
            found[number] = _time_row(row, train, batches, clips, timing)
        keep(_result(config, train, timing, found) | needs | {"load": load.record()})
    return _result(config, train, timing, found) | needs | {"load": load.record()}


def _result(
    config: Config,
    train: TrainConfig,
    timing: Timing,
    rows: list[dict[str, Any]],
) -> dict[str, Any]:
    device, seeds = timing.device, len(config.seeds)
    settings = {
        "train": as_plain(train),
        "rows": [row["row"] for row in rows],
        "steps": timing.steps,
        "warmup": timing.warmup,
    }
    return {
        "profile": config.run,
        "device": device.type,
        "timed_steps": timing.steps,
        "warmup_steps": timing.warmup,
        "accumulate": train.accumulate,
        "seeds": seeds,
        "rows_of_profile": len(_rows(config, ())) + len(_frtm_rows(config)),
        "rows": rows,
        "hours": seeds * sum(hours) if (hours := _timed_hours(rows)) else None,
        "protocol": PROTOCOL,
        "provenance": provenance(
            settings,
            device=device_name(device),
            precision=precision_name(train.precision, device),
            data={"profile": config.run, "frames": "random"},
            threads=torch.get_num_threads(),
        ),
    }


def _timed_hours(rows: list[dict[str, Any]]) -> list[float]:
    """Hours of the rows that were timed."""
    return [row["hours"] for row in rows if row["hours"] is not None]


def random_batch(stage: Stage) -> dict[str, Tensor]:
    """A batch of the stage as the loader hands it over: one clip of random pixels, repeated."""
    rng = np.random.default_rng(0)
    images = 1 if stage.source == "stills" else stage.frames
    pixels = rng.integers(0, 256, (images, stage.height, stage.width, 3), dtype=np.uint8)
    labels = np.zeros(pixels.shape[:3], dtype=np.uint8)
    labels[:, stage.height // 4 : stage.height // 2, stage.width // 4 : stage.width // 2] = 1
    layer = Scene(pixels, labels, [unchanged] * stage.frames).seen(unchanged)
    colours = draw_colours(rng) if stage.augment else None
    return collate([Clip((layer,), colours=colours)] * stage.batch)


def _rows(config: Config, names: tuple[str, ...]) -> list[Row]:
    unknown = set(names) - set(config.rows)
    if unknown:
        raise UserError(
            f"run {config.run} has no row {', '.join(sorted(unknown))}; "
            f"it has: {', '.join(config.rows)}"
        )
    rows = [load_rows()[name] for name in names or config.rows]
    others = [row.name for row in rows if row.tracker != "ttvos"]
    if names and others:
        raise UserError(f"{', '.join(others)}: only the training of TTVOS's rows is timed")
    return [row for row in rows if row.name not in others]


def _frtm_rows(config: Config) -> list[Row]:
    """FRTM-VOS's rows that the run trains."""
    rows = [load_rows()[name] for name in config.rows if name not in config.untrained]
    return [row for row in rows if row.tracker == "frtm"]


def _count_frtm(row: Row, config: Config) -> dict[str, Any]:
    """Steps of a row of FRTM-VOS, of which nothing is timed."""
    section = config.frtm
    assert section is not None  # as the run's check of its rows has found
    stages = []
    for stage in section.stages_of(row.backbone):
        clips = count_clips(stage, Path(config.data), section.heldout)
        stages.append(_stage(stage, clips, [], None))
    sizes = {"checkpoint_bytes": None, "state_bytes": None}
    return {"row": row.name, "stages": stages, "hours": None, **sizes}


def _time_row(
    row: Row,
    train: TrainConfig,
    batches: list[dict[str, Tensor]],
    clips: list[tuple[int, str]],
    timing: Timing,
) -> dict[str, Any]:
    torch.manual_seed(0)
    task = TTVOSTask(train, row.variant, row.backbone)
    model = task.network()
    model.to(timing.device, memory_format=torch.channels_last).train()
    stages = []
    for stage, batch, counted in zip(task.config.stages, batches, clips, strict=True):
        seconds, memory = _measure(row, model, task, stage, batch, timing)
        stages.append(_stage(stage, counted, seconds, memory))
    hours = [stage["hours"] for stage in stages]
    whole = None if None in hours else sum(hours)
    return {"row": row.name, "stages": stages, "hours": whole, **_sizes(model, train)}


def _stage(
    stage: Stage, clips: tuple[int, str], seconds: list[float], memory: int | None
) -> dict[str, Any]:
    """What the result says of a stage. clips: as `count_clips` returns them."""
    plain, (count, origin) = as_plain(stage), clips
    steps, step = count_steps(stage, count), median(seconds) if seconds else None
    return {
        **{key: plain[key] for key in ("name", "height", "width", "frames", "batch", "epochs")},
        "clips_an_epoch": count,
        "clips_from": origin,
        "steps": steps,
        "seconds": seconds,
        "step_seconds": step,
        "hours": None if step is None else step * steps / 3600,
        "peak_memory_bytes": memory,
    }


def _sizes(model: TTVOS, train: TrainConfig) -> dict[str, int]:
    """Bytes of the checkpoint, and of the state that an interrupted training goes on from."""
    weights = _bytes(model.state_dict().values())
    learning = _bytes(p for p in model.parameters() if p.requires_grad)
    # The optimizer has two moments of all that learns.
    state = weights * (2 if train.average else 1) + 2 * learning
    return {"checkpoint_bytes": weights, "state_bytes": state}


def _measure(
    row: Row,
    model: TTVOS,
    task: Task,
    stage: Stage,
    batch: dict[str, Tensor],
    timing: Timing,
) -> tuple[list[float], int | None]:
    """Seconds of the timed steps and peak memory; nothing for a timing of no steps."""
    if not timing.steps:
        return [], None
    try:
        return time_stage(model, task, stage, batch, timing)
    except torch.OutOfMemoryError:
        raise UserError(
            f"row {row.name}, stage {stage.name}: a batch of {stage.batch} in "
            f"{task.accumulate} parts needs more memory than the GPU has; try "
            "--accumulate with more parts, and train.accumulate in the run"
        ) from None


def time_stage(
    model: TTVOS, task: Task, stage: Stage, batch: dict[str, Tensor], timing: Timing
) -> tuple[list[float], int]:
    """Seconds of each timed step, and the peak memory in bytes."""
    device = timing.device
    optimizer = task.optimizer(model, stage.learning_rate)
    stepper = Stepper(task, model, make_scaler(task.config.precision, device))
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    seconds = []
    for _ in range(timing.warmup + timing.steps):
        before = read_clock(device)
        stepper.step(optimizer, make_pixels(batch, device), stage.learning_rate, stage.spoilt)
        seconds.append(read_clock(device) - before)
    return seconds[timing.warmup :], peak_memory(device)


def _bytes(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors)
