"""What this process asks of the system: processors, threads, memory, its user's name."""

import getpass
import os

from ttvos.core.errors import UserError

LARGEST_KEPT = 2**25 - 2**15  # bytes; just under glibc's own limit


def available_cpus() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def limit_threads() -> None:
    """Let TTVOS_THREADS set PyTorch's threads, so that jobs side by side can share the cores.

    Raises UserError for what is no number from 1.
    """
    threads = os.environ.get("TTVOS_THREADS")
    if not threads:
        return
    if not threads.isdecimal() or int(threads) < 1:
        raise UserError(f"TTVOS_THREADS={threads}: expected a number of threads, 1 or more")
    import torch

    torch.set_num_threads(int(threads))


def keep_freed_memory(size: int = LARGEST_KEPT) -> None:
    """Free one large array of `size` bytes: glibc then keeps what is freed later, up to that size.

    By default it hands the memory of every frame back to the system and takes it anew, page by
    page, for the next one. Elsewhere than with glibc it changes nothing.
    """
    import numpy as np

    np.empty(size, dtype=np.uint8)


def name_unknown_user() -> None:
    """Give a user whom the system does not know a name, which PyTorch asks for when imported."""
    try:
        getpass.getuser()
    except (ImportError, KeyError, OSError):  # by versions of Python
        os.environ["USER"] = f"uid{os.getuid()}"
