"""Percentiles of latencies, and only those that a sample carries."""

from collections.abc import Sequence

import numpy as np

# The fewest samples that carry a percentile: some of them must lie beyond it.
FEWEST = {50: 1, 90: 30, 99: 300}


def percentiles(values: Sequence[float]) -> dict[str, float | None]:
    """{"p50", "p90", "p99"} in the values' unit; None where the sample is too small for one.

    Raises ValueError for an empty sample.
    """
    if not len(values):
        raise ValueError("no values: there are no percentiles of nothing")
    return {
        f"p{share}": float(np.percentile(values, share)) if len(values) >= fewest else None
        for share, fewest in FEWEST.items()
    }
