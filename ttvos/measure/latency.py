"""Percentiles of latencies, where there are enough of them."""

from collections.abc import Iterable
from typing import Any

import numpy as np

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
