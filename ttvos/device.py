"""The device that computes: found by "cpu" or "cuda", recorded by its marketing name."""

from typing import TYPE_CHECKING

from ttvos.errors import UserError
from ttvos.provenance import cpu_name

if TYPE_CHECKING:
    import torch


def find_device(name: str) -> "torch.device":
    """The device "cpu" or "cuda"; UserError for another name, or for CUDA where there is none."""
    import torch  # takes seconds, and the reference trackers only need `device_name`

    if name not in ("cpu", "cuda"):
        raise UserError(f"unknown device {name!r}: cpu or cuda (CUDA_VISIBLE_DEVICES picks a GPU)")
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("no CUDA device here: use --device cpu, or run where torch sees a GPU")
    return torch.device(name)


def device_name(device: "torch.device | str") -> str:
    """Name of the processor or GPU. device: a torch.device or its name ("cpu", "cuda:0")."""
    if str(device).startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(device)
    return cpu_name()
