"""How near a measured time is to what the device could do at best (the roofline).

A layer cannot be done sooner than its operations at the device's matrix rate, nor sooner than
its bytes at the memory's bandwidth. The sum of the larger of the two over a frame's layers is the
frame's roofline time. Both ceilings are measured on the spot, with the same threads.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch

from ttvos.core.device import read_clock
from ttvos.engine.precision import LAYERS
from ttvos.measure.layers import Layer
from ttvos.tracking.precision import matrix_precision

REPEATS = 5
SMALLEST_SIDE, LARGEST_SIDE = 512, 8192
PRODUCT_SECONDS = 0.03  # a product that takes less is repeated with a larger matrix
SMALLEST_BUFFER, LARGEST_BUFFER = 256 << 20, 1 << 30
PROTOCOL = (
    "roofline time of a frame: sum over its convolutions, transposed convolutions and matrix "
    "products (of the reference model, without training-only heads) of the larger of operations / "
    "matrix rate and bytes / bandwidth; a layer reads its inputs and weights once and writes its "
    "output once, in the precision used; all else counts as fused away; matrix rate: the best of "
    "several products of large square matrices in that precision; bandwidth: the best of several "
    "copies of a large buffer, one read and one write; fraction: roofline time / measured time; "
    "it can exceed 1 where maps stay in a cache that is faster than the memory"
)


def measure_ceilings(device: torch.device, precision: str) -> dict[str, Any]:
    """Matrix rate and memory bandwidth now, on this device, with PyTorch's present threads.

    precision: a key of `ttvos.engine.precision.LAYERS`. Returns flops_per_s (2 a multiply-
    accumulate) with side (of the matrices) and product_seconds (each repeat); bytes_per_s with
    buffer_bytes, copy_seconds and cache_bytes (the last cache's size, None where not known);
    precision and threads.
    """
    with torch.no_grad(), matrix_precision(precision):
        side, products = _time_products(device, LAYERS[precision])
        size, copies = _time_copies(device)
    return {
        "precision": precision,
        "threads": torch.get_num_threads(),
        "flops_per_s": 2 * side**3 / min(products),
        "side": side,
        "product_seconds": products,
        "bytes_per_s": 2 * size / min(copies),
        "buffer_bytes": size,
        "copy_seconds": copies,
        "cache_bytes": last_cache_bytes(device),
    }


def roofline(layers: Iterable[Layer], ceilings: dict[str, Any]) -> dict[str, Any]:
    """Work of the layers and their roofline time under `measure_ceilings`' ceilings.

    Returns macs, bytes, seconds, and memory_bound: the share of the seconds that belongs to
    layers whose bytes take longer than their operations.
    """
    itemsize = LAYERS[ceilings["precision"]].itemsize
    macs = total_bytes = 0
    seconds = waiting = 0.0
    for layer in layers:
        computing = 2 * layer.macs / ceilings["flops_per_s"]
        moving = layer.elements * itemsize / ceilings["bytes_per_s"]
        macs += layer.macs
        total_bytes += layer.elements * itemsize
        seconds += max(computing, moving)
        waiting += moving if moving > computing else 0.0
    return {
        "macs": macs,
        "bytes": total_bytes,
        "seconds": seconds,
        "memory_bound": waiting / seconds if seconds else 0.0,
    }


def fractions(found: dict[str, Any], ceilings: dict[str, Any], seconds: float) -> dict[str, float]:
    """What a measured time reaches: of the `roofline`, and of the matrix rate alone."""
    return {
        "fraction": found["seconds"] / seconds,
        "matrix_rate_fraction": 2 * found["macs"] / (seconds * ceilings["flops_per_s"]),
    }


def last_cache_bytes(device: torch.device) -> int | None:
    """Size of the device's last-level cache, None where the system does not say."""
    if device.type == "cuda":
        return torch.cuda.get_device_properties(device).L2_cache_size
    sizes = []
    for path in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"):
        text = path.read_text().strip()
        sizes.append(int(text[:-1]) * {"K": 1 << 10, "M": 1 << 20}[text[-1]])
    return max(sizes, default=None)


def _time_products(device: torch.device, dtype: torch.dtype) -> tuple[int, list[float]]:
    """Side of the square matrices, large enough to keep the device busy, and seconds of each."""
    side, numbers = SMALLEST_SIDE, torch.Generator(device).manual_seed(0)
    while True:
        a, b = (
            torch.rand(side, side, device=device, generator=numbers).to(dtype) for _ in range(2)
        )
        seconds = _time(lambda a=a, b=b: a @ b, device)
        if min(seconds) >= PRODUCT_SECONDS or 2 * side > LARGEST_SIDE:
            return side, seconds
        side *= 2


def _time_copies(device: torch.device) -> tuple[int, list[float]]:
    """Bytes of the buffer, where possible not below the last cache's, and seconds of each copy."""
    size = min(max(SMALLEST_BUFFER, last_cache_bytes(device) or 0), LARGEST_BUFFER)
    source, target = (torch.ones(size // 4, device=device) for _ in range(2))
    return size // 4 * 4, _time(lambda: target.copy_(source), device)


def _time(run: Callable[[], Any], device: torch.device) -> list[float]:
    """Seconds of each repeat, after one that is not counted."""
    run()
    seconds = []
    for _ in range(REPEATS):
        before = read_clock(device)
        run()
        seconds.append(read_clock(device) - before)
    return seconds
