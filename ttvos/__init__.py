"""TTVOS, measured: `ttvos.load` a checkpoint, `ttvos.track` a clip.

PyTorch is imported when one of the two is first used, so that `ttvos --help` answers at once.
"""

from typing import TYPE_CHECKING

from ttvos.core.errors import UserError
from ttvos.core.process import name_unknown_user

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import torch

    from ttvos.model.ttvos import TTVOS
    from ttvos.tracking.protocol import Track

__version__ = "0.1.0"
__all__ = ["UserError", "load", "track"]

name_unknown_user()


def load(checkpoint: "Path | str", backbone: str | None = None) -> "TTVOS":
    """Load a model, in eval mode, from one of our checkpoints or one of the authors'.

    checkpoint: the name of shipped weights ("ttvos-hrnet-davis": weights/*.safetensors), a
    `.safetensors` file of ours (its backbone and variant stand in it), or a released file
    (`.pth.tar` with {"net": state dict}, or safetensors with the same keys).
    backbone: "hrnet", "resnet18", "resnet50" or "mobilenetv3"; must be given for a released file,
    which does not say it, and is checked otherwise.
    Weights only; no code in a file is run. Raises UserError when the file does not fit.
    """
    from ttvos.model import weights as checkpoints

    return checkpoints.load(checkpoint, backbone=backbone)


def track(
    model: "TTVOS",
    frames: "np.ndarray",
    first_mask: "np.ndarray",
    device: "str | torch.device" = "cpu",
    single_object: str = "aggregated",
    input_scale: float = 1.0,
    precision: str = "float32",
    compile: str = "auto",
    engine: str = "fast",
    progress: bool | None = None,
) -> "Track":
    """Follow the objects of a first mask through a clip.

    model: what `ttvos.load` returned.
    frames: (T, H, W, 3) uint8 RGB of any size, as an array, a torch tensor, or a list of T arrays,
    tensors or PIL images. OpenCV reads BGR: pass `frame[..., ::-1]`.
    first_mask: (H, W) ids, 0 background, 1 to 254 objects, 255 void (belongs to none and is not
    followed); or truth values for one object. For a mask of 0 and 255 pass `mask > 0`.
    device: "cpu", "cuda", or a torch.device; CUDA_VISIBLE_DEVICES picks a GPU.
    single_object: how one object's heatmap is fed back: "aggregated", as several objects' are
    (released code), or "direct", as it is (paper; ledger item 7).
    input_scale: above 0 and at most 4; the network sees frames of this share of their height and
    width (0.5: a quarter of the pixels), and its heatmaps are enlarged to the frames' size.
    Not in the paper, which has 1.
    precision: of the convolutions: "float32", "bfloat16", "float16", "tf32" (CUDA only), or "auto",
    the fastest that keeps the masks on this device (docs/performance.md).
    compile: "on" compiles the step for each size of frame and number of objects (about a minute,
    needs a C++ compiler) and keeps it on disk; "auto" uses what is kept there; "off" never does.
    engine: "fast", or "reference" for plain PyTorch in float32, never compiled, to compare with.
    progress: whether a bar on stderr counts the frames; None shows it on a terminal only.

    Returns a `ttvos.tracking.protocol.Track`: masks (T, H, W) uint8 ids, [0] being the first
    mask without void; foreground (T, O, H, W) float32 in [0, 1], each of the O objects'
    probability before aggregation, [0] being the given mask; update_weights (T-1, O) float32 in
    (0, 1), the adaptive weight, NaN where the variant has none; objects, the O ids in the order
    of that axis. All of it is kept in memory. Raises UserError, one line, for a mask without an
    object, sizes that differ, other types or values, and for weights that give no numbers.
    """
    from ttvos.engine.tracker import make_tracker
    from ttvos.tracking.readable import track_clip

    tracker = make_tracker(
        model, device, single_object, input_scale, precision, compile, engine, details=True
    )
    return track_clip(tracker, frames, first_mask, progress)
