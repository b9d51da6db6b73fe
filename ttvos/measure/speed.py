"""How fast a model tracks, by two protocols side by side (docs/facts.md, section 5).

streaming: as a user's program runs it, frame by frame from host memory and the mask back again,
after a warm-up, the device synchronised before every reading of the clock; by the engine,
precision and compilation that the user names. On CUDA also pipelined: as a stream, in which
transfers overlap with computing.
released: as the authors' code measures it, one reading around a whole clip, plain and float32.
released_warm: the same loop after the same warm-up and without frame 0, for the ratio: warm is
compared with warm, over the same frames.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from ttvos.config.experiments import Variant
from ttvos.core.device import device_name, find_device, peak_memory, read_clock
from ttvos.core.errors import UserError
from ttvos.core.provenance import provenance
from ttvos.engine.precision import choose_precision
from ttvos.engine.tracker import FastTracker, make_tracker
from ttvos.measure.clip import disc_clip
from ttvos.measure.latency import Load, streaming_figures
from ttvos.measure.layers import count_layers
from ttvos.measure.released_protocol import ratio_to_released, time_released, time_released_warm
from ttvos.measure.roofline import PROTOCOL as ROOFLINE_PROTOCOL
from ttvos.measure.roofline import fractions, measure_ceilings, roofline
from ttvos.measure.speedtable import make_rows
from ttvos.model import weights as checkpoints
from ttvos.model.ttvos import TTVOS, build_model
from ttvos.records.schema import RowSpeed
from ttvos.tracking.precision import matrix_precision
from ttvos.tracking.protocol import Tracker, stream

MIN_REPEATS = 5
RELEASED_PRECISION = "float32"
PROTOCOL = {
    "streaming": "frame by frame from host memory to the mask in host memory; whole clips of "
    "warm-up; device synchronised before each clock reading; frame 0 apart (init_ms); every "
    "repeat kept; peak memory: the process on CPU, what PyTorch allocated on CUDA",
    "pipelined": "CUDA only: the frames after frame 0 as one stream, from the first in host memory "
    "to the last mask in host memory; transfers overlap with computing",
    "released": "frames / wall time around one whole clip, images already on the device, frame 0 "
    "counted, no warm-up, no synchronisation, at most 128 frames; plain PyTorch, float32",
    "released_warm": "the loop of the released protocol after as many warm-up clips as streaming, "
    "the frames after frame 0, device synchronised before each clock reading, every repeat kept",
    "ratio_to_released": "frames a second of streaming over those of released_warm, same frames",
    "roofline": ROOFLINE_PROTOCOL,
}


def speed(
    variant: Variant | None,
    backbone: str | None,
    device: str = "cpu",
    height: int = 480,
    width: int = 854,
    frames: int = 6,
    repeats: int = 5,
    warmup: int = 1,
    objects: int = 1,
    checkpoint: Path | str | None = None,
    precision: str = "auto",
    compile: str = "auto",
    engine: str = "fast",
) -> RowSpeed:
    """Time one model on a synthetic clip of moving discs.

    variant, backbone: None where the checkpoint says them; both are checked against it otherwise.
    frames: length of the clip with frame 0. repeats, warmup: whole clips. checkpoint: weights to
    load; random ones take the same time. precision, compile, engine: see
    `ttvos.engine.tracker.make_tracker`.
    Returns the record of what the protocols gave, `ttvos.records.schema.RowSpeed`. Times are in
    milliseconds where named so, else in seconds; fps in frames a second.
    Raises UserError for fewer than 5 repeats or 2 frames, or for CUDA where there is none.
    """
    _check(frames, repeats, warmup)
    where = find_device(device)
    clip, mask = disc_clip(frames, height, width, objects)
    model = _model(variant, backbone, checkpoint).to(where).eval()
    tracker = make_tracker(model, device, precision=precision, compile=compile, engine=engine)
    chosen = choose_precision(precision, where) if engine == "fast" else RELEASED_PRECISION
    settings = {
        "variant": model.variant.name,
        "backbone": model.backbone_name,
        "device": device,
        "precision": chosen,
        "engine": engine,
        "height": height,
        "width": width,
        "objects": objects,
        "frames": frames,
    }
    load = Load()
    timed = _time_protocols(tracker, model, (clip, mask), where, repeats, warmup)
    result = {
        **settings,
        "compiled": getattr(tracker, "compiled", False),
        "load": load.record(),
        **timed,
        # Last: its large matrices and buffers are no part of the tracker's memory.
        **_rooflines(model, (height, width), objects, chosen, timed, where),
        "protocol": PROTOCOL,
        "provenance": provenance(
            {**settings, "repeats": repeats, "warmup": warmup, "compile": compile},
            device=device_name(where),
            precision=chosen,
            threads=torch.get_num_threads(),
            checkpoint=str(checkpoint) if checkpoint else None,
        ),
    }
    return RowSpeed.model_validate({**result, "rows": make_rows(result)})


def _time_protocols(
    tracker: Tracker,
    model: TTVOS,
    clip: tuple[np.ndarray, np.ndarray],
    device: torch.device,
    repeats: int,
    warmup: int,
) -> dict[str, Any]:
    """What each protocol gives of a clip's frames and first mask, by its name."""
    with matrix_precision(RELEASED_PRECISION):
        released = time_released(model, *clip, device)  # first: it knows no warm-up
    with torch.random.fork_rng(devices=[]):  # new layers draw random weights first
        streaming = time_streaming(tracker, *clip, device, repeats, warmup)
    with matrix_precision(RELEASED_PRECISION):
        warm = time_released_warm(model, *clip, device, repeats, warmup)
    pipes = device.type == "cuda" and isinstance(tracker, FastTracker)
    return {
        "streaming": streaming,
        "pipelined": time_pipelined(tracker, *clip, device, repeats) if pipes else None,
        "released": released,
        "released_warm": warm,
        "ratio_to_released": ratio_to_released(streaming, warm),
    }


def _rooflines(
    model: TTVOS,
    size: tuple[int, int],
    objects: int,
    precision: str,
    timed: dict[str, Any],
    device: torch.device,
) -> dict[str, Any]:
    """Ceilings by precision, and what the protocols reach of them."""
    released = timed["released"]
    layers = count_layers(model, *size, objects)
    ceilings = {
        name: measure_ceilings(device, name)
        for name in dict.fromkeys((precision, RELEASED_PRECISION))
    }
    own, plain = ceilings[precision], ceilings[RELEASED_PRECISION]
    frame, plain_frame = roofline(layers.further, own), roofline(layers.further, plain)
    clip = roofline(layers.first + layers.further * (released["frames"] - 1), plain)
    return {
        "ceilings": ceilings,
        "roofline": {
            "streaming": frame | fractions(frame, own, 1 / timed["streaming"]["fps"]),
            "released": clip | fractions(clip, plain, released["seconds"]),
            "released_warm": plain_frame
            | fractions(plain_frame, plain, 1 / timed["released_warm"]["fps"]),
        },
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
    return {
        **streaming_figures([first for first, _ in clips], [steps for _, steps in clips]),
        "peak_memory_bytes": peak_memory(device),
        "warmup_clips": warmup,
    }


def _clip_latencies(
    tracker: Tracker, clip: np.ndarray, mask: np.ndarray, device: torch.device
) -> tuple[float, list[float]]:
    """Milliseconds of frame 0 and of each further frame of one clip."""
    before = read_clock(device)
    state = tracker.init(clip[0], mask)
    readings = [read_clock(device)]
    for frame in clip[1:]:
        _, state = tracker.step(frame, state)
        readings.append(read_clock(device))
    return 1000 * (readings[0] - before), (1000 * np.diff(readings)).tolist()


def time_pipelined(
    tracker: Tracker, clip: np.ndarray, mask: np.ndarray, device: torch.device, repeats: int
) -> dict[str, Any]:
    """Frames a second of the clip's frames after frame 0 as one stream, and seconds a repeat."""
    seconds = []
    for _ in range(repeats):
        state = tracker.init(clip[0], mask)
        before = read_clock(device)
        for _ in stream(tracker, clip[1:], state):
            pass
        seconds.append(read_clock(device) - before)
    return {"fps": (len(clip) - 1) * repeats / sum(seconds), "seconds": seconds}


def _model(variant: Variant | None, backbone: str | None, path: Path | str | None) -> TTVOS:
    if path is not None:
        return checkpoints.load(path, backbone=backbone, variant=variant)
    if variant is None or backbone is None:
        raise UserError("name a variant and a backbone, or a checkpoint that says them")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build_model(variant, backbone)


def _check(frames: int, repeats: int, warmup: int) -> None:
    if repeats < MIN_REPEATS:
        raise UserError(f"{repeats} repeats are too few to see the spread; take 5 or more")
    if frames < 2:
        raise UserError(f"a clip of {frames} frame has none to track; take 2 or more")
    if warmup < 0:
        raise UserError(f"warmup is {warmup}; take 0 or more clips")
