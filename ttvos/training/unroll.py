"""One clip through the model as in tracking, with gradients through the whole recurrence.

B: clips of a batch, T: frames of a clip, H, W: frame size (multiples of 16), h, w: 1/8 of it.
"""

import torch
from torch import Tensor

from ttvos.config import TrainConfig
from ttvos.losses import Outputs, clip_losses, one_hot
from ttvos.model.ttvos import TTVOS
from ttvos.training.corrupt import corrupt


def clip_loss(
    model: TTVOS, batch: dict[str, Tensor], config: TrainConfig, spoilt: float = 0.0
) -> dict[str, Tensor]:
    """Losses of a batch of clips; "total" is the one to minimise (`ttvos.losses.clip_losses`).

    batch: "frames" (B,T,3,H,W) float32, ImageNet-normalised; "labels" (B,T,H,W) int64 in
    {0, 1, 255}. One object a clip. spoilt: share of the fed-back heatmaps that get an error.
    """
    is_half = config.precision != "float32"
    with torch.autocast(batch["frames"].device.type, torch.bfloat16, enabled=is_half):
        outputs = unroll(model, batch["frames"], batch["labels"][:, 0], spoilt)
    return clip_losses(outputs, batch["labels"], model.variant, config)


def unroll(model: TTVOS, frames: Tensor, first_labels: Tensor, spoilt: float = 0.0) -> Outputs:
    """Track frames (B,T,3,H,W) from the labels (B,H,W) of frame 0 (255 is background there).

    The features of all frames come from one backbone call, so batch-norms that train take
    their statistics over B*T images. Unlike inference with a single object, which feeds back
    the aggregated heatmap fg^2/(fg^2+bg^2), training feeds back the softmax itself.
    """
    clips, length = frames.shape[:2]
    features = model.features(frames.transpose(0, 1).flatten(0, 1))
    of_frame = [features.select(slice(t * clips, (t + 1) * clips)) for t in range(length)]
    state = model.start(of_frame[0], one_hot(first_labels))
    steps = []
    for t in range(1, length):
        step = model.step(of_frame[t], state)
        steps.append(step)
        if t < length - 1:
            heatmap = step.logits.softmax(dim=1)
            if spoilt:
                heatmap = corrupt(heatmap, spoilt)
            state = model.advance(of_frame[t], state, step, heatmap)
    return Outputs(
        logits=_stacked([step.logits for step in steps]),
        transition=_stacked([step.transition for step in steps]),
        template_logits=_stacked([step.template_logit for step in steps]),
    )


def _stacked(maps: list[Tensor | None]) -> Tensor | None:
    """Maps of all tracked frames in float32, which the losses need."""
    return None if maps[0] is None else torch.stack(maps, dim=1).float()
