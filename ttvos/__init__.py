"""TTVOS, measured: `ttvos.load` a checkpoint, `ttvos.track` a clip.

PyTorch is imported when one of the two is first used, so that `ttvos --help` answers at once.
"""

from typing import TYPE_CHECKING

from ttvos.errors import UserError
from ttvos.home import name_unknown_user

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from ttvos.model.ttvos import TTVOS
    from ttvos.tracker import Track

__version__ = "0.1.0"
__all__ = ["UserError", "load", "track"]

name_unknown_user()


def load(checkpoint: "Path | str", backbone: str | None = None) -> "TTVOS":
    """Load a model, in eval mode, from one of our checkpoints or one of the authors'.

    checkpoint: the name of shipped weights ("ttvos-hrnet-davis": weights/*.safetensors), a
    `.safetensors` file of ours (its backbone and variant stand in it), or a released file
    (`.pth.tar` with {"net": state dict}, or safetensors with the same keys), for which
    `backbone` must be given: hrnet, resnet18, resnet50 or mobilenetv3.
    Weights only; no code in a file is run. Raises UserError when the file does not fit.
    """
    from ttvos import checkpoint as checkpoints

    return checkpoints.load(checkpoint, backbone=backbone)


def track(
    model: "TTVOS",
    frames: "np.ndarray",
    first_mask: "np.ndarray",
    device: str = "cpu",
    single_object: str = "aggregated",
    input_scale: float = 1.0,
    precision: str = "float32",
    compile: str = "auto",
    engine: str = "fast",
) -> "Track":
    """Follow the objects of a first mask through a clip.

    frames: (T, H, W, 3) uint8 RGB of any size. first_mask: (H, W) uint8 ids, 0 background,
    255 void. single_object: "aggregated" (released code) or "direct" (paper; ledger item 7).
    input_scale: see `ttvos.model.tracking.TTVOSTracker`. precision, compile: see
    `ttvos.engine.tracker.FastTracker`. engine: "fast", or "reference" for plain float32 PyTorch.
    Returns a `ttvos.tracker.Track`: masks (T, H, W) uint8 ids, foreground (T, O, H, W) float32
    before aggregation, update_weights (T-1, O) float32. Raises UserError for an empty first
    mask or sizes that differ.
    """
    from ttvos.engine.choose import make_tracker
    from ttvos.model.tracking import track_clip

    tracker = make_tracker(
        model, device, single_object, input_scale, precision, compile, engine, details=True
    )
    return track_clip(tracker, frames, first_mask)
