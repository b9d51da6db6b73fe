"""The device that computes: found by "cpu" or "cuda", recorded by its name, its time and memory.

PyTorch takes seconds to import, and some trackers do without: only who needs it imports it.
"""

import resource
import sys
import time
from typing import TYPE_CHECKING

from ttvos.core.errors import UserError
from ttvos.core.provenance import cpu_name

if TYPE_CHECKING:
    import torch


def find_device(name: "str | torch.device") -> "torch.device":
    """The device "cpu" or "cuda", or torch.device of either; a GPU other than the first is chosen
    by the environment's CUDA_VISIBLE_DEVICES.

    Raises UserError for any other, or for CUDA where there is none.
    """
    import torch

    kind = {"cpu": "cpu", "cuda": "cuda", "cuda:0": "cuda"}.get(str(name))
    if kind is None or not isinstance(name, (str, torch.device)):
        raise UserError(f"unknown device {name!r}: cpu or cuda (CUDA_VISIBLE_DEVICES picks a GPU)")
    if kind == "cuda" and not torch.cuda.is_available():
        way = "or run where torch sees a GPU"
        raise UserError(
            f'no CUDA device here: pass device="cpu", {way}',
            on_command_line=f"no CUDA device here: use --device cpu, {way}",
        )
    return torch.device(kind)


def device_name(device: "torch.device | str") -> str:
    """Name of the processor or GPU. device: a torch.device or its name ("cpu", "cuda:0")."""
    if str(device).startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(device)
    return cpu_name()


def read_clock(device: "torch.device | str") -> float:
    """Seconds, read after the device has done all it was given."""
    if str(device).startswith("cuda"):
        import torch

        torch.cuda.synchronize(device)
    return time.perf_counter()


def peak_memory(device: "torch.device") -> int:
    """Bytes: PyTorch's peak on CUDA, the whole process's peak resident set on the CPU."""
    if device.type == "cuda":
        import torch

        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage counts in bytes on macOS only
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
