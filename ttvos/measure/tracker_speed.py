"""How fast any tracker is, frame by frame, as `ttvos.measure.speed` times TTVOS (streaming)."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from ttvos.core.device import device_name, find_device, peak_memory, read_clock
from ttvos.core.errors import UserError
from ttvos.core.provenance import provenance
from ttvos.core.reachable import reachable
from ttvos.measure.clip import disc_clip
from ttvos.measure.latency import Load, streaming_figures
from ttvos.measure.speedtable import row
from ttvos.records.schema import TrackerSpeed
from ttvos.tracking.precision import matrix_precision, precision_of
from ttvos.tracking.protocol import Tracker, check_prediction, cycle_of, object_ids, step_of

MIN_LATENCIES = 5
PROTOCOL = {
    "streaming": "frame by frame from host memory to the mask in host memory; two frames of "
    "warm-up; device synchronised before each clock reading; frame 0 apart (init_ms); every "
    "latency kept; peak memory: the process on CPU, what PyTorch allocated on CUDA",
    "with_initialisation": "all frames of the clip, frame 0 too, over the sum of their times",
    "growth": "bytes of the arrays and tensors in the tracker's state after frame 1 and after the "
    "last frame; median latency of the clip's last third over that of its first",
}


@dataclass
class TimedClip:
    """One clip: milliseconds of frame 0 and of each further frame, bytes of the state after each
    further frame."""

    init_ms: float
    steps_ms: list[float]
    state_bytes: list[int]


def speed_tracker(
    tracker: Tracker,
    device: str = "cpu",
    height: int = 480,
    width: int = 854,
    frames: int = 6,
    repeats: int = 1,
    objects: int = 1,
    origin: dict[str, Any] | None = None,
) -> TrackerSpeed:
    """Time a tracker on a synthetic clip of moving discs.

    frames: length of the clip with frame 0; where the tracker's work repeats after a cycle of
    more frames, a clip is a frame longer than the cycle. repeats: clips. origin: for the
    provenance, such as `ttvos.tracking.registry.tracker_origin`.
    Returns the record of what it gave, `ttvos.records.schema.TrackerSpeed`: precision is None where
    the tracker has none, a percentile where there are too few latencies (`ttvos.measure.latency`).
    Raises UserError for fewer than 5 latencies in all, a clip without a further frame, a cycle
    that is none, a wrong mask, or for CUDA where there is none.
    """
    where = find_device(device)
    if frames < 2:
        raise UserError(f"{frames} frames: a clip has frame 0 and 1 or more that are timed")
    frames = max(frames, 1 + cycle_of(tracker))
    if repeats * (frames - 1) < MIN_LATENCIES:
        raise UserError(f"{repeats * (frames - 1)} latencies are too few; take 6 frames or more")
    settings = {"tracker": tracker.name, "device": device, "height": height, "width": width}
    settings |= {"objects": objects, "frames": frames}
    precision, load = precision_of(tracker), Load()
    with matrix_precision(precision or "float32"):
        timed = _timed(tracker, where, repeats, *disc_clip(frames, height, width, objects))
    result = {
        **settings,
        "precision": precision,
        "engine": "own",
        "compiled": bool(getattr(tracker, "compiled", False)),
        "load": load.record(),
        **summary(timed),
        "protocol": PROTOCOL,
        "provenance": provenance(
            {**settings, "repeats": repeats, **getattr(tracker, "options", {})},
            device=device_name(where),
            precision=precision,
            threads=torch.get_num_threads(),
            **(origin or {}),
        ),
    }
    result["streaming"]["peak_memory_bytes"] = peak_memory(where)
    return TrackerSpeed.model_validate({**result, "rows": [row(result, tracker.name)]})


def _timed(
    tracker: Tracker, device: torch.device, repeats: int, clip: np.ndarray, mask: np.ndarray
) -> list[TimedClip]:
    """The clip so many times, after two frames of warm-up."""
    time_clip(tracker, clip[:2], mask, device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    return [time_clip(tracker, clip, mask, device) for _ in range(repeats)]


def summary(timed: list[TimedClip]) -> dict[str, Any]:
    """The figures of the timed clips: streaming, with_initialisation, growth."""
    latencies = np.array([clip.steps_ms for clip in timed])
    whole = latencies.sum() + sum(clip.init_ms for clip in timed)
    frames = latencies.shape[1] + 1
    third = max(1, latencies.shape[1] // 3)
    last, first = np.median(latencies[:, -third:]), np.median(latencies[:, :third])
    return {
        "streaming": streaming_figures([c.init_ms for c in timed], [c.steps_ms for c in timed]),
        "with_initialisation": {"fps": float(1000 * frames * len(timed) / whole), "frames": frames},
        "growth": {
            "frames": frames,
            "state_bytes_first": timed[-1].state_bytes[0],
            "state_bytes_last": timed[-1].state_bytes[-1],
            "time_ratio": float(last / first),
        },
    }


def time_clip(
    tracker: Tracker, clip: np.ndarray, mask: np.ndarray, device: torch.device
) -> TimedClip:
    """Track one clip; clip (T, H, W, 3) uint8, mask (H, W) uint8."""
    before = read_clock(device)
    state = tracker.init(clip[0], mask)
    timed, ids = TimedClip(1000 * (read_clock(device) - before), [], []), object_ids(mask)
    for frame in clip[1:]:
        before = read_clock(device)
        prediction, state = step_of(tracker, frame, state)
        timed.steps_ms.append(1000 * (read_clock(device) - before))
        check_prediction(prediction, frame, ids)
        timed.state_bytes.append(state_bytes(state))
    return timed


def state_bytes(state: Any) -> int:
    """Bytes of all arrays and tensors that a state holds, each storage once; networks aside."""
    found = {}
    for value in reachable(state):
        if isinstance(value, torch.Tensor):
            storage = value.untyped_storage()
            found[storage.data_ptr()] = storage.nbytes()
        elif isinstance(value, np.ndarray):
            owner = value if value.base is None else value.base
            found[id(owner)] = getattr(owner, "nbytes", value.nbytes)
    return sum(found.values())
