"""What the convolutions compute in: float32, unless the user names another or asks for speed."""

import torch

from ttvos.core.errors import UserError
from ttvos.engine import PRECISIONS
from ttvos.engine.joined import joins

LAYERS = {
    "float32": torch.float32,
    "tf32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


def choose_precision(name: str, device: torch.device) -> str:
    """Precision to use on a device; "auto": bfloat16 on a CPU with AMX, where benchmarks/masks.py
    found that it keeps the masks; float16 on CUDA, where that has yet to be run; else float32.

    Heatmaps, the long-term template and the update weight are float32 in all of them.
    """
    if name not in PRECISIONS:
        raise UserError(f"unknown precision {name!r}; known: {', '.join(PRECISIONS)}")
    if name == "auto":
        return _fastest(device)
    if name == "tf32" and device.type != "cuda":
        raise UserError("precision tf32 exists on CUDA only; use float32")
    return name


def _fastest(device: torch.device) -> str:
    if device.type == "cuda":
        return "float16"
    return "bfloat16" if _has_amx() and joins(torch.bfloat16) else "float32"


def _has_amx() -> bool:
    """Whether the processor multiplies tiles in bfloat16, as far as this PyTorch can tell."""
    return bool(getattr(torch.cpu, "_is_amx_tile_supported", lambda: False)())
