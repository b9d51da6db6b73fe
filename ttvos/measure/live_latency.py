"""Latencies to play a clip with: of a result file, of a speed that somebody gives, or measured."""

import math
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from zlib import crc32

import numpy as np

from ttvos.core.errors import UserError
from ttvos.core.files import read_json
from ttvos.records.schema import Live, LiveLatency, RowSpeed, Timing, TrackerSpeed
from ttvos.records.store import read


def read_latency(path: Path | str) -> LiveLatency:
    """The latencies that a file of `ttvos speed` holds, or one of `ttvos live`.

    Raises UserError for a file of another kind, one that does not say where its numbers come from,
    and one without latencies or with one that is none.
    """
    data = read_json(path)
    if isinstance(data, dict) and "streaming" in data:
        return _of_speed(path, read(path, RowSpeed | TrackerSpeed, sourced=True))
    if isinstance(data, dict) and "latency" in data:
        found = read(path, Live, sourced=True).latency.plain()
        return _checked(
            path, LiveLatency.model_validate({**found, "source": "file", "file": str(path)})
        )
    raise UserError(f"{path}: holds no latencies; name a file that ttvos speed --out has written")


def _of_speed(path: Path | str, speed: RowSpeed | TrackerSpeed) -> LiveLatency:
    streaming = speed.streaming
    steps = [ms for clip in streaming.repeats for ms in clip]
    found = LiveLatency(
        source="file",
        device=str(speed.origin.device),
        precision=speed.precision,
        height=speed.height,
        width=speed.width,
        objects=speed.objects,
        file=str(path),
        p50_ms=median(steps or [0.0]),
        pooled=Timing(init_ms=streaming.init_ms, step_ms=steps),
    )
    return _checked(path, found)


def given_latency(fps: float, device: str) -> LiveLatency:
    """A constant latency from frames a second, of frame 0 too; device: that they were had on.

    Raises UserError for a speed that is not above 0 and finite.
    """
    if not 0 < fps < math.inf:
        raise UserError(f"{fps:g} frames a second: a speed is above 0 and finite (--fps)")
    each = [1000 / fps]
    pooled = Timing(init_ms=each, step_ms=each)
    return LiveLatency(source="given", device=device, p50_ms=each[0], pooled=pooled)


def measured_latency(
    timed: dict[str, Timing], device: str, precision: str | None, size: tuple[int, int]
) -> LiveLatency:
    """What the steps of a tracker took on the scored clips themselves; size: (H, W) of a frame."""
    steps = [ms for timing in timed.values() for ms in timing.step_ms]
    return LiveLatency(
        source="measured",
        device=device,
        precision=precision,
        height=size[0],
        width=size[1],
        p50_ms=median(steps),
        sequences=timed,
    )


def timing_of(latency: LiveLatency, sequence: str) -> Timing:
    """The latencies of a sequence: its own, else those of all."""
    if sequence in latency.sequences:
        return latency.sequences[sequence]
    if latency.pooled:
        return latency.pooled
    every = latency.sequences.values()
    return Timing(
        init_ms=[ms for timing in every for ms in timing.init_ms],
        step_ms=[ms for timing in every for ms in timing.step_ms],
    )


def draw(timing: Timing, seed: int, sequence: str, frames: int) -> tuple[float, list[float]]:
    """Draw with replacement: the latency of frame 0, and of as many frames as follow it.

    The same for every rate, and whichever other sequences are played.
    """
    rng = np.random.default_rng([seed, crc32(sequence.encode())])
    init = float(rng.choice(timing.init_ms))
    return init, rng.choice(timing.step_ms, frames - 1).tolist()


def _checked(path: Path | str, latency: LiveLatency) -> LiveLatency:
    timings = [*latency.sequences.values(), *([latency.pooled] if latency.pooled else [])]
    if not timings or not all(timing.init_ms and timing.step_ms for timing in timings):
        raise UserError(f"{path}: holds no latencies; measure them anew with ttvos speed --out")
    if wrong := _wrong(ms for timing in timings for ms in (*timing.init_ms, *timing.step_ms)):
        raise UserError(f"{path}: a latency of {wrong[0]:g} ms; measure them anew")
    return latency


def _wrong(latencies: Iterable[float]) -> list[float]:
    return [ms for ms in latencies if not 0 <= ms < math.inf]
