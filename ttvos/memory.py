"""Memory of this process: what is freed is kept for the next frame."""

import numpy as np

LARGEST_KEPT = 2**25 - 2**15  # bytes; just under glibc's own limit


def keep_freed_memory(size: int = LARGEST_KEPT) -> None:
    """Free one large array of `size` bytes: glibc then keeps what is freed later, up to that size.

    By default it hands the memory of every frame back to the system and takes it anew, page by
    page, for the next one. Elsewhere than with glibc it changes nothing.
    """
    np.empty(size, dtype=np.uint8)
