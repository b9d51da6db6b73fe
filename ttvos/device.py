"""The device that computed, by its marketing name, for provenance."""

from typing import Any

from ttvos.provenance import cpu_name


def device_name(device: Any) -> str:
    """Name of the processor or GPU. device: a torch.device or its name ("cpu", "cuda:0")."""
    if str(device).startswith("cuda"):
        import torch  # takes seconds to import, and who has a GPU in hand has it already

        return torch.cuda.get_device_name(device)
    return cpu_name()
