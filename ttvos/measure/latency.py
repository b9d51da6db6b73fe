"""What latencies tell, and whether to trust them: percentiles, where there are enough of them,
what other processes computed meanwhile, and how far the repeats lie apart.
"""

import os
import resource
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ttvos.core.process import available_cpus

# Latencies from which on a percentile is told: the slowest tenth is then 3 of them, the slowest
# hundredth too. With fewer it says how slow one or two frames were, and calls that a share.
SAMPLES = {50: 1, 90: 30, 99: 300}


def percentiles(latencies: Iterable[float]) -> dict[str, float | None]:
    """p50_ms, p90_ms and p99_ms of latencies in ms; None where there are too few (`SAMPLES`)."""
    values = np.fromiter(latencies, dtype=float)
    return {
        f"p{percent}_ms": float(np.percentile(values, percent)) if len(values) >= least else None
        for percent, least in SAMPLES.items()
    }


def streaming_figures(init_ms: list[float], repeats: list[list[float]]) -> dict[str, Any]:
    """That part of a speed file: fps, percentiles, repeats, init_ms, spread, timed_frames.

    init_ms: of each repeat's frame 0. repeats: ms of each further frame, a list a repeat.
    """
    latencies = np.array(repeats)
    return {
        "fps": float(1000 * latencies.size / latencies.sum()),
        **percentiles(latencies.flat),
        "repeats": repeats,
        "init_ms": init_ms,
        "spread": spread(repeats),
        "timed_frames": int(latencies.size),
    }


def carried(streaming: dict[str, Any]) -> dict[str, float | None]:
    """The percentiles that a kept result's own latencies carry, also of a file that has others.

    streaming: that part of a speed file, with every latency under "repeats" or at least their
    number under "timed_frames".
    """
    count = samples(streaming) or 0
    return {
        f"p{percent}_ms": streaming.get(f"p{percent}_ms") if count >= least else None
        for percent, least in SAMPLES.items()
    }


def samples(streaming: dict[str, Any]) -> int | None:
    """How many latencies stand behind a kept result's percentiles; None where it says nothing."""
    if "repeats" in streaming:
        return sum(len(clip) for clip in streaming["repeats"])
    return streaming.get("timed_frames")


STAT = Path("/proc/stat")
TICKS = 100  # a second, in /proc/stat on every processor that Linux runs on
IDLE = (3, 4)  # the columns idle and iowait; 8 and 9, guests, are in the first two already
# A tenth of the cores shows in the latencies of a model that fills them; repeats of a free machine
# lie within a few per cent.
HIGH_SHARE = 0.1
HIGH_SPREAD = 0.2


class Load:
    """Counts, from when it is made, the time of the processors that this process may use."""

    def __init__(self) -> None:
        self._before = _read()

    def record(self) -> dict[str, Any]:
        """For a result file: cores, those that this process may use, and used_by_others, those
        that other processes kept busy on average since; None where the system does not say."""
        cores, after, others = available_cpus(), _read(), None
        if self._before.busy is not None and after.busy is not None:
            busy, own = after.busy - self._before.busy, after.own - self._before.own
            others = float(np.clip((busy - own) / (after.wall - self._before.wall), 0, cores))
        return {"cores": cores, "used_by_others": others}


@dataclass(frozen=True)
class _Reading:
    """Seconds: of the clock, of this process on all processors, of these processors in all."""

    wall: float
    own: float
    busy: float | None


def _read() -> _Reading:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    own = sum(each.ru_utime + each.ru_stime for each in used)
    try:
        busy = busy_seconds(STAT.read_text(), _processors())
    except (OSError, ValueError):
        busy = None
    return _Reading(time.perf_counter(), own, busy)


def _processors() -> set[int]:
    if hasattr(os, "sched_getaffinity"):
        return os.sched_getaffinity(0)
    return set(range(os.cpu_count() or 1))


def busy_seconds(text: str, processors: set[int]) -> float:
    """Seconds since start-up in which these processors did anything, from /proc/stat's text."""
    total = 0
    for line in text.splitlines():
        name, *counts = line.split()
        if name.startswith("cpu") and name[3:].isdecimal() and int(name[3:]) in processors:
            total += sum(int(n) for i, n in enumerate(counts[:8]) if i not in IDLE)
    return total / TICKS


def spread(latencies: list[list[float]]) -> dict[str, float] | None:
    """How far the repeats lie apart; latencies: milliseconds of each frame, a list a repeat.

    fps_min, fps_max: frames a second of the slowest and the quickest repeat; relative: their
    difference over the median. None for a single repeat.
    """
    if len(latencies) < 2:
        return None
    each = np.array([1000 * len(clip) / sum(clip) for clip in latencies])
    relative = (each.max() - each.min()) / np.median(each)
    return {
        "fps_min": float(each.min()),
        "fps_max": float(each.max()),
        "relative": float(relative),
    }


def doubts(result: dict[str, Any]) -> list[str]:
    """Lines that say why a timing should not be used; none where nothing speaks against it.

    result: with `load` (`Load.record`), and for a speed `streaming` with its `spread`.
    """
    load, apart = result["load"], result.get("streaming", {}).get("spread")
    lines = []
    if load["used_by_others"] is not None and load["used_by_others"] >= HIGH_SHARE * load["cores"]:
        found = f"{load['used_by_others']:.1f} of {load['cores']} cores"
        lines.append(f"other processes used {found}: do not use these figures")
    if apart and apart["relative"] >= HIGH_SPREAD:
        lines.append(
            f"the repeats lie {apart['relative']:.0%} apart ({apart['fps_min']:.2f} to "
            f"{apart['fps_max']:.2f} FPS): do not use these figures"
        )
    return lines
