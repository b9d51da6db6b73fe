"""Numbers too small for float32's full precision, taken as zero: a processor is slow with them."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def as_zero() -> Iterator[None]:
    """Take denormal numbers (below 1.2e-38) as 0 in this thread and in all it starts.

    The saturated softmax of a trained long-term template has many in its gradient. It should
    stand round a process's first computation, whose threads all later ones use.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)
