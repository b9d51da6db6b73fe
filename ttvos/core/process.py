"""How many threads PyTorch computes with: jobs that run side by side share the cores.

Memory of this process: what is freed is kept for the next frame.
"""

import os

import numpy as np

from ttvos.core.errors import UserError


def limit_threads() -> None:
    """Let TTVOS_THREADS set PyTorch's threads; UserError for what is no number from 1."""
    threads = os.environ.get("TTVOS_THREADS")
    if not threads:
        return
    if not threads.isdecimal() or int(threads) < 1:
        raise UserError(f"TTVOS_THREADS={threads}: expected a number of threads, 1 or more")
    import torch

    torch.set_num_threads(int(threads))


LARGEST_KEPT = 2**25 - 2**15  # bytes; just under glibc's own limit


def keep_freed_memory(size: int = LARGEST_KEPT) -> None:
    """Free one large array of `size` bytes: glibc then keeps what is freed later, up to that size.

    By default it hands the memory of every frame back to the system and takes it anew, page by
    page, for the next one. Elsewhere than with glibc it changes nothing.
    """
    np.empty(size, dtype=np.uint8)
