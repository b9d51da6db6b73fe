"""How many threads PyTorch computes with: jobs that run side by side share the cores."""

import os

from ttvos.errors import UserError


def limit_threads() -> None:
    """Let TTVOS_THREADS set PyTorch's threads; UserError for what is no number from 1."""
    threads = os.environ.get("TTVOS_THREADS")
    if not threads:
        return
    if not threads.isdecimal() or int(threads) < 1:
        raise UserError(f"TTVOS_THREADS={threads}: expected a number of threads, 1 or more")
    import torch

    torch.set_num_threads(int(threads))
