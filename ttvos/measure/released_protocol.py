"""The released timing protocol (docs/facts.md, section 5), and its loop warmed up, to compare with.

The authors take one reading of the clock around a whole clip, frame 0 and all that a first run
sets up included. A ratio against that would count frame 0 and the cold start on one side only.
"""

import time
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ttvos.core.device import read_clock
from ttvos.model.ttvos import TTVOS, State
from ttvos.tracking.geometry import as_image, normalise
from ttvos.tracking.protocol import object_ids, one_hot
from ttvos.tracking.readable import PADDING, aggregate, label

MAX_FRAMES = 128  # the authors cut longer clips


@torch.inference_mode()
def time_released(
    model: TTVOS, clip: np.ndarray, mask: np.ndarray, device: torch.device
) -> dict[str, Any]:
    """Wall time of one whole clip whose images lie on the device; results stay there."""
    images, heatmap = _inputs(clip, mask, device)
    before = time.perf_counter()
    _track(model, images[1:], _start(model, images[0], heatmap))
    seconds = time.perf_counter() - before
    read_clock(device)  # outside the measurement: leave no work behind for the next one
    return {"fps": len(images) / seconds, "seconds": seconds, "frames": len(images)}


@torch.inference_mode()
def time_released_warm(
    model: TTVOS,
    clip: np.ndarray,
    mask: np.ndarray,
    device: torch.device,
    repeats: int,
    warmup: int,
) -> dict[str, Any]:
    """The released loop as streaming is timed: warmed up, frame 0 apart; seconds of each repeat.

    frames: those of a repeat.
    """
    images, heatmap = _inputs(clip, mask, device)
    seconds = []
    for _ in range(warmup + repeats):
        state = _start(model, images[0], heatmap)
        before = read_clock(device)
        _track(model, images[1:], state)
        seconds.append(read_clock(device) - before)
    kept, frames = seconds[warmup:], len(images) - 1
    fps = frames * repeats / sum(kept)
    return {"fps": fps, "seconds": kept, "frames": frames, "warmup_clips": warmup}


def ratio_to_released(streaming: dict[str, Any], warm: dict[str, Any]) -> float:
    """How many times as many frames a second streaming tracks as the warm released loop.

    Over the frames that both timed: the released loop cuts long clips.
    """
    latencies = np.array(streaming["repeats"])[:, : warm["frames"]]
    return float(1000 * latencies.size / latencies.sum() / warm["fps"])


def _inputs(
    clip: np.ndarray, mask: np.ndarray, device: torch.device
) -> tuple[list[Tensor], Tensor]:
    """The clip's padded images (1, 3, h, w) and the first heatmap (N, 2, h, w), on the device."""
    images = [PADDING.pad(normalise(as_image(frame, device))) for frame in clip[:MAX_FRAMES]]
    foreground = torch.from_numpy(one_hot(mask, object_ids(mask))).to(device)
    return images, PADDING.pad(torch.stack([1 - foreground, foreground], dim=1))


def _start(model: TTVOS, image: Tensor, heatmap: Tensor) -> State:
    return model.start(model.features(image).expand(len(heatmap)), heatmap)


def _track(model: TTVOS, images: list[Tensor], state: State) -> list[Tensor]:
    """The masks of the frames after frame 0, which stay on the device."""
    labels = []
    for image in images:
        features = model.features(image).expand(len(state.clue))
        step = model.step(features, state)
        fed_back = aggregate(step.logits.softmax(dim=1))
        state = model.advance(features, state, step, fed_back)
        labels.append(label(fed_back))
    return labels
