"""One clip through the model as in tracking, with gradients through the whole recurrence.

B: clips of a batch, T: frames of a clip, H, W: frame size (multiples of 16), h, w: 1/8 of it.
"""

from functools import partial

import torch
from torch import Tensor

from ttvos.config.run import TrainConfig
from ttvos.model.backbones import Features
from ttvos.model.ttvos import TTVOS, State, Step
from ttvos.training.corrupt import corrupt
from ttvos.training.frozen import LAYERS
from ttvos.training.losses import Outputs, clip_losses, one_hot
from ttvos.training.recompute import recomputed


def clip_loss(
    model: TTVOS,
    batch: dict[str, Tensor],
    config: TrainConfig,
    counts: dict[str, Tensor] | None = None,
    spoilt: float = 0.0,
) -> dict[str, Tensor]:
    """Losses of a batch of clips; "total" is the one to minimise
    (`ttvos.training.losses.clip_losses`).

    batch: "frames" (B,T,3,H,W) float32, ImageNet-normalised; "labels" (B,T,H,W) int64 in
    {0, 1, 255}. One object a clip. counts: of the whole batch, where this is a part of it.
    spoilt: share of the heatmaps fed back that get an error (`ttvos.training.corrupt`).
    """
    layers = LAYERS[config.precision]
    frames, first = batch["frames"], batch["labels"][:, 0]
    with torch.autocast(frames.device.type, layers, enabled=layers != torch.float32):
        outputs = unroll(model, frames, first, spoilt, config.checkpointing)
    return clip_losses(outputs, batch["labels"], model.variant, config, counts)


def unroll(
    model: TTVOS,
    frames: Tensor,
    first_labels: Tensor,
    spoilt: float = 0.0,
    checkpointing: bool = False,
) -> Outputs:
    """Track frames (B,T,3,H,W) from the labels (B,H,W) of frame 0 (255 is background there).

    The features of all frames come from one backbone call, so batch-norms that train take
    their statistics over B*T images. Unlike inference with a single object, which feeds back
    the aggregated heatmap fg^2/(fg^2+bg^2), training feeds back the softmax itself.
    checkpointing: each frame is computed again for its gradient (`ttvos.training.recompute`).
    """
    clips, length = frames.shape[:2]
    features = model.features(frames.transpose(0, 1).flatten(0, 1))
    of_frame = _by_frame(features, clips)
    state = model.start(of_frame[0], one_hot(first_labels))
    track = partial(recomputed, model, _track) if checkpointing else _track
    steps = []
    for t in range(1, length):
        step, state = track(model, of_frame[t], state, spoilt, t == length - 1)
        steps.append(step)
    return Outputs(
        logits=_stacked([step.logits for step in steps]),
        transition=_stacked([step.transition for step in steps]),
        template_logits=_stacked([step.template_logit for step in steps]),
    )


def _by_frame(features: Features, clips: int) -> list[Features]:
    """Features of T*B images, frame 0 of all clips first, as T times those of B."""
    # Splitting once: every slice of its own would make a gradient of the whole's size.
    f4, f8, f16, *entry = (
        maps.split(clips) for maps in (features.f4, features.f8, features.f16, *features.entry)
    )
    return [Features(*maps) for maps in zip(f4, f8, f16, zip(*entry, strict=True), strict=True)]


def _track(
    model: TTVOS, features: Features, state: State, spoilt: float, is_last: bool
) -> tuple[Step, State]:
    """One frame; the state stays as it is where no frame comes after."""
    step = model.step(features, state)
    if is_last:
        return step, state
    heatmap = step.logits.softmax(dim=1)
    if spoilt:
        heatmap = corrupt(heatmap, spoilt)
    return step, model.advance(features, state, step, heatmap)


def _stacked(maps: list[Tensor | None]) -> Tensor | None:
    """Maps of all tracked frames in float32, which the losses need."""
    return None if maps[0] is None else torch.stack(maps, dim=1).float()
