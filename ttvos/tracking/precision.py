"""What a tracker computes in: as it says itself, or as its tensors show; and CUDA held to it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ttvos.core.reachable import reachable


def precision_of(tracker: Any) -> str | None:
    """The tracker's attribute `precision`, e.g. "bfloat16"; without one, the types of the
    floating-point parameters and tensors that it holds, e.g. "float32".

    None for a tracker that holds none: one of NumPy or OpenCV has no precision that we know of.
    """
    stated = getattr(tracker, "precision", None)
    if stated is not None:
        return str(stated)
    torch = sys.modules.get("torch")
    if torch is None:  # then it holds no tensor, and the import takes seconds
        return None
    tensors: list[Any] = []
    for value in reachable(tracker):
        if isinstance(value, torch.nn.Module):
            tensors += value.parameters()
        elif isinstance(value, torch.Tensor):
            tensors.append(value)
    names = {str(tensor.dtype) for tensor in tensors if tensor.is_floating_point()}
    return ", ".join(sorted(name.removeprefix("torch.") for name in names)) or None


@contextmanager
def matrix_precision(precision: str) -> Iterator[None]:
    """Let CUDA use TF32 only where it is asked for: PyTorch's own default has it half on."""
    import torch  # takes seconds, and some trackers do without

    flags = (torch.backends.cuda.matmul, torch.backends.cudnn)
    saved = [flag.allow_tf32 for flag in flags]
    try:
        for flag in flags:
            flag.allow_tf32 = precision == "tf32"
        yield
    finally:
        for flag, value in zip(flags, saved, strict=True):
            flag.allow_tf32 = value
