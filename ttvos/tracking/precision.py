"""What a tracker computes in, for the record: as it says itself, or as its tensors show."""

import sys
from typing import Any


def precision_of(tracker: Any) -> str | None:
    """The tracker's attribute `precision`, e.g. "bfloat16"; without one, the types of the
    floating-point parameters and tensors that it holds, e.g. "float32".

    None for a tracker that holds none: one of NumPy or OpenCV has no precision that we know of.
    """
    stated = getattr(tracker, "precision", None)
    if stated is not None:
        return str(stated)
    if "torch" not in sys.modules:  # then it holds no tensor, and the import takes seconds
        return None
    import torch

    from ttvos.measure.tracker_speed import reachable

    tensors: list[torch.Tensor] = []
    for value in reachable(tracker):
        if isinstance(value, torch.nn.Module):
            tensors += value.parameters()
        elif isinstance(value, torch.Tensor):
            tensors.append(value)
    names = {str(tensor.dtype) for tensor in tensors if tensor.is_floating_point()}
    return ", ".join(sorted(name.removeprefix("torch.") for name in names)) or None
