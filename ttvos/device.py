"""The device that computes: found by "cpu" or "cuda", recorded by its marketing name."""

from typing import TYPE_CHECKING

from ttvos.errors import UserError
from ttvos.provenance import cpu_name

if TYPE_CHECKING:
    import torch


def find_device(name: "str | torch.device") -> "torch.device":
    """The device "cpu" or "cuda", or torch.device of either; a GPU other than the first is chosen
    by the environment's CUDA_VISIBLE_DEVICES.

    Raises UserError for any other, or for CUDA where there is none.
    """
    import torch  # takes seconds, and the reference trackers only need `device_name`

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
