"""What a Python caller gives as a clip and its first mask, made into arrays."""

from pathlib import Path
from typing import Any

import numpy as np

from ttvos.core.errors import UserError

READ = "read it first, e.g. numpy.array(PIL.Image.open(path))"


def as_frames(frames: Any) -> np.ndarray:
    """Frames as an array (T, H, W, 3) with T > 0.

    frames: an array, a torch tensor, or a list of (H, W, 3) arrays, tensors or PIL images of one
    size. Raises UserError for anything else; what a frame holds is checked by the tracker.
    """
    if isinstance(frames, (str, Path)):
        raise UserError(f"frames is the path {str(frames)!r}: pass the frames themselves; {READ}")
    if isinstance(frames, (list, tuple)):
        array = _stack([_as_array(frame, "a frame") for frame in frames])
    elif hasattr(frames, "__array__"):
        array = _as_array(frames, "frames")
    else:
        kind = type(frames).__name__
        raise UserError(f"frames is of type {kind}: pass an array (T, H, W, 3) or a list of frames")
    if array.ndim != 4 or len(array) == 0:
        raise UserError(f"frames must be (T, H, W, 3) with T > 0, these are {array.shape}")
    return array


def as_mask(mask: Any) -> np.ndarray:
    """A first mask as an array (H, W) of uint8 ids.

    mask: an array, tensor, list or PIL image of ids (whole numbers from 0 to 255), or of truth
    values, where True becomes object 1. Raises UserError for anything else.
    """
    array = _as_array(mask, "the first mask")
    if array.dtype == bool:
        return array.astype(np.uint8)
    if array.dtype.kind in "iu" and array.size:
        if array.min() < 0 or array.max() > 255:
            found = f"{array.min()} to {array.max()}"
            raise UserError(f"the first mask has ids from {found}; they run from 0 to 255")
        return array.astype(np.uint8)
    return array


def _stack(frames: list[np.ndarray]) -> np.ndarray:
    try:
        return np.asarray(frames)
    except ValueError:
        raise UserError("frames must all be of one size, (H, W, 3) uint8 RGB") from None


def _as_array(value: Any, what: str) -> np.ndarray:
    """A NumPy array of what can be one; torch tensors come from any device."""
    if isinstance(value, (str, Path)):
        raise UserError(f"{what} is the path {str(value)!r}: {READ}")
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    try:
        array = np.asarray(value)
    except (TypeError, ValueError):
        array = np.empty(0, dtype=object)
    if array.dtype.kind not in "biufc" or array.ndim == 0:
        kind = type(value).__name__
        raise UserError(f"{what} is of type {kind}: pass an array of numbers, or a PIL image")
    return array
