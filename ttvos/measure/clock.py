"""Time and memory of a device, read so that they mean what they say."""

import resource
import sys
import time

import torch


def read_clock(device: torch.device) -> float:
    """Seconds, read after the device has done all it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()


def peak_memory(device: torch.device) -> int:
    """Bytes: PyTorch's peak on CUDA, the whole process's peak resident set on the CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage counts in bytes on macOS only
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
