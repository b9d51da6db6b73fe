"""What the convolutions compute in: float32, unless the user names another or asks for speed."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from ttvos.core.errors import UserError
from ttvos.engine.joined import joins
from ttvos.engine.options import PRECISIONS

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


@contextmanager
def matrix_precision(precision: str) -> Iterator[None]:
    """Let CUDA use TF32 only where it is asked for: PyTorch's own default has it half on."""
    flags = (torch.backends.cuda.matmul, torch.backends.cudnn)
    saved = [flag.allow_tf32 for flag in flags]
    try:
        for flag in flags:
            flag.allow_tf32 = precision == "tf32"
        yield
    finally:
        for flag, value in zip(flags, saved, strict=True):
            flag.allow_tf32 = value
