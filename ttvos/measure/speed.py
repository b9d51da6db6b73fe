"""How fast a model tracks, by two protocols side by side (FACTS section 5).

streaming: as a user's program runs it, frame by frame from host memory and the mask back again,
after a warm-up, the device synchronised before every reading of the clock.
released: as the authors' code measures it, one reading around a whole clip.
"""

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ttvos import checkpoint as checkpoints
from ttvos.device import device_name, find_device
from ttvos.errors import UserError
from ttvos.measure.clip import disc_clip
from ttvos.model.tracking import TTVOSTracker, aggregate, label, normalise, pad
from ttvos.model.ttvos import TTVOS, build_model
from ttvos.provenance import provenance
from ttvos.tracker import Tracker, object_ids, one_hot
from ttvos.variants import Variant

MIN_REPEATS = 5
RELEASED_MAX_FRAMES = 128
PRECISIONS = ("float32", "tf32")
PROTOCOL = {
    "streaming": "frame by frame from host memory to the mask in host memory; whole clips of "
    "warm-up; device synchronised before each clock reading; frame 0 apart (init_ms); every "
    "repeat kept; peak memory: the process on CPU, what PyTorch allocated on CUDA",
    "released": "frames / wall time around one whole clip, images already on the device, frame 0 "
    "counted, no warm-up, no synchronisation, at most 128 frames",
}


def speed(
    variant: Variant,
    backbone: str,
    device: str = "cpu",
    height: int = 480,
    width: int = 854,
    frames: int = 6,
    repeats: int = 5,
    warmup: int = 1,
    objects: int = 1,
    checkpoint: Path | str | None = None,
    precision: str = "float32",
) -> dict[str, Any]:
    """Time one model on a synthetic clip of moving discs.

    frames: length of the clip with frame 0. repeats, warmup: whole clips. checkpoint: weights to
    load; random ones take the same time. precision: "float32", or "tf32" on CUDA.
    Returns streaming {fps, p50_ms, p90_ms, p99_ms, repeats (ms of each frame, a list a repeat),
    init_ms, spread, peak_memory_bytes, ...}, released {fps, ...}, device, precision, height,
    width, protocol, provenance. Times are in milliseconds, fps in frames a second.
    Raises UserError for fewer than 5 repeats or 2 frames, or for CUDA where there is none.
    """
    _check(frames, repeats, warmup, precision, device)
    where = find_device(device)
    clip, mask = disc_clip(frames, height, width, objects)
    model = _model(variant, backbone, checkpoint).to(where).eval()
    settings = {
        "variant": variant.name,
        "backbone": backbone,
        "device": device,
        "precision": precision,
        "height": height,
        "width": width,
        "objects": objects,
        "frames": frames,
    }
    with _matrix_precision(precision):
        released = time_released(model, clip, mask, where)  # first: it knows no warm-up
        streaming = time_streaming(TTVOSTracker(model, device), clip, mask, where, repeats, warmup)
    return {
        **settings,
        "streaming": streaming,
        "released": released,
        "protocol": PROTOCOL,
        "provenance": provenance(
            {**settings, "repeats": repeats, "warmup": warmup},
            device=device_name(where),
            precision=precision,
            threads=torch.get_num_threads(),
            checkpoint=str(checkpoint) if checkpoint else None,
        ),
    }


def time_streaming(
    tracker: Tracker,
    clip: np.ndarray,
    mask: np.ndarray,
    device: torch.device,
    repeats: int,
    warmup: int,
) -> dict[str, Any]:
    """Latencies of every frame but the first; clip (T, H, W, 3) uint8, mask (H, W) uint8."""
    for _ in range(warmup):
        _clip_latencies(tracker, clip, mask, device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    clips = [_clip_latencies(tracker, clip, mask, device) for _ in range(repeats)]
    kept = [steps for _, steps in clips]
    latencies = np.array(kept)
    each = 1000 * latencies.shape[1] / latencies.sum(axis=1)
    p50, p90, p99 = np.percentile(latencies, [50, 90, 99])
    return {
        "fps": float(1000 * latencies.size / latencies.sum()),
        "p50_ms": float(p50),
        "p90_ms": float(p90),
        "p99_ms": float(p99),
        "repeats": kept,
        "init_ms": [first for first, _ in clips],
        "spread": {
            "fps_min": float(each.min()),
            "fps_max": float(each.max()),
            "relative": float((each.max() - each.min()) / np.median(each)),
        },
        "peak_memory_bytes": _peak_memory(device),
        "timed_frames": int(latencies.size),
        "warmup_clips": warmup,
    }


def _clip_latencies(
    tracker: Tracker, clip: np.ndarray, mask: np.ndarray, device: torch.device
) -> tuple[float, list[float]]:
    """Milliseconds of frame 0 and of each further frame of one clip."""
    before = _clock(device)
    state = tracker.init(clip[0], mask)
    readings = [_clock(device)]
    for frame in clip[1:]:
        _, state = tracker.step(frame, state)
        readings.append(_clock(device))
    return 1000 * (readings[0] - before), (1000 * np.diff(readings)).tolist()


@torch.inference_mode()
def time_released(
    model: TTVOS, clip: np.ndarray, mask: np.ndarray, device: torch.device
) -> dict[str, Any]:
    """Wall time of one whole clip whose images lie on the device; results stay there."""
    clip = clip[:RELEASED_MAX_FRAMES]
    ids = object_ids(mask)
    images = [
        pad(normalise(torch.from_numpy(frame).to(device).permute(2, 0, 1)[None])) for frame in clip
    ]
    foreground = torch.from_numpy(one_hot(mask, ids)).to(device)
    heatmap = pad(torch.stack([1 - foreground, foreground], dim=1))
    before = time.perf_counter()
    state = model.start(model.features(images[0]).expand(len(ids)), heatmap)
    labels = []
    for image in images[1:]:
        features = model.features(image).expand(len(ids))
        step = model.step(features, state)
        fed_back = aggregate(step.logits.softmax(dim=1))
        state = model.advance(features, state, step, fed_back)
        labels.append(label(fed_back))
    seconds = time.perf_counter() - before
    _clock(device)  # outside the measurement: leave no work behind for the next one
    return {"fps": len(clip) / seconds, "seconds": seconds, "frames": len(clip)}


def _clock(device: torch.device) -> float:
    """Seconds, read after the device has done all it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def _peak_memory(device: torch.device) -> int:
    """Bytes: PyTorch's peak on CUDA, the whole process's peak resident set on the CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage counts in bytes on macOS only
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _model(variant: Variant, backbone: str, path: Path | str | None) -> TTVOS:
    if path is not None:
        return checkpoints.load(path, backbone=backbone, variant=variant)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build_model(variant, backbone)


def _check(frames: int, repeats: int, warmup: int, precision: str, device: str) -> None:
    if repeats < MIN_REPEATS:
        raise UserError(f"{repeats} repeats are too few to see the spread; take 5 or more")
    if frames < 2:
        raise UserError(f"a clip of {frames} frame has none to track; take 2 or more")
    if warmup < 0:
        raise UserError(f"warmup is {warmup}; take 0 or more clips")
    if precision not in PRECISIONS:
        raise UserError(f"unknown precision {precision!r}; known: {', '.join(PRECISIONS)}")
    if precision == "tf32" and not device.startswith("cuda"):
        raise UserError("precision tf32 exists on CUDA only; use float32")


@contextmanager
def _matrix_precision(precision: str) -> Iterator[None]:
    """Let CUDA use TF32 only where it is asked for: PyTorch's own default has it half on."""
    flags = (torch.backends.cuda.matmul, torch.backends.cudnn)
    saved = [flag.allow_tf32 for flag in flags]
    try:
        for flag in flags:
            flag.allow_tf32 = precision == "tf32"
        yield
    finally:
        for flag, value in zip(flags, saved, strict=True):
            flag.allow_tf32 = value
