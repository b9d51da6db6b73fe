"""One clip through the model as in tracking, with gradients through the whole recurrence.

The heatmaps that are fed back may be spoilt, so that the model learns to undo errors. This is not
in the paper (measured in docs/training.md): a clip of a few frames hardly shows the model what an
occlusion or a confusion makes of its own heatmap after fifty, and the template of the first frame
can only correct such errors if training has seen them.

B: clips of a batch, T: frames of a clip, H, W: frame size (multiples of 16), h, w: 1/8 of it.
"""

from functools import partial

import torch
from torch import Tensor

from ttvos.config.run import TrainConfig
from ttvos.engine.learning import LAYERS, recomputed
from ttvos.model.backbones import Features
from ttvos.model.ttvos import TTVOS, State, Step
from ttvos.training.losses import Outputs, clip_losses, one_hot

# Half of the erased rectangle's sides, as a share of the frame's.
SMALLEST, LARGEST = 0.08, 0.35


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
    spoilt: share of the heatmaps fed back that get an error (`corrupt`).
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
    checkpointing: each frame is computed again for its gradient (`ttvos.engine.learning`).
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


def corrupt(heatmap: Tensor, share: float) -> Tensor:
    """Spoil this share of a batch of heatmaps (B,2,H,W), each in one of two ways.

    Erased: a rectangle about a random place of the object becomes background. Confused: the
    object of another clip of the batch is added; a clip that is alone in its batch, or in its part
    of one, gets its own object a second time, elsewhere. The rest keeps its gradient.
    """
    clips = heatmap.shape[0]
    draw = torch.rand(4, clips, device=heatmap.device)
    is_spoilt, is_erased = draw[0] < share, draw[1] < 0.5
    sides = SMALLEST + (LARGEST - SMALLEST) * draw[2:4]
    inside = _rectangles(heatmap[:, 1].detach().float(), sides)
    foreground = heatmap[:, 1]
    erased = torch.where(inside, torch.zeros_like(foreground), foreground)
    confused = torch.maximum(foreground, _other_objects(foreground))
    spoilt = torch.where(is_erased.view(-1, 1, 1), erased, confused)
    foreground = torch.where(is_spoilt.view(-1, 1, 1), spoilt, foreground)
    return torch.stack([1 - foreground, foreground], dim=1)


def _other_objects(foreground: Tensor) -> Tensor:
    """For each clip of (B,H,W) the object of the one before it.

    A single clip's own object is moved by a quarter to three quarters of the frame, both ways, so
    that it cannot lie where it was; what leaves the frame comes in on the other side.
    """
    if len(foreground) > 1:
        return foreground.roll(1, dims=0)
    shares = 0.25 + 0.5 * torch.rand(2)
    down, right = (round(s * n) for s, n in zip(shares.tolist(), foreground.shape[1:], strict=True))
    return foreground.roll((down, right), dims=(1, 2))


def _rectangles(foreground: Tensor, sides: Tensor) -> Tensor:
    """Masks (B,H,W) of rectangles about a pixel drawn from the foreground (B,H,W).

    sides (2,B): half height and half width as shares of the frame's.
    """
    height, width = foreground.shape[-2:]
    place = torch.multinomial(foreground.flatten(1) + 1e-6, 1)
    rows = torch.arange(height, device=foreground.device)
    columns = torch.arange(width, device=foreground.device)
    tall = (rows - place // width).abs() < sides[0, :, None] * height
    wide = (columns - place % width).abs() < sides[1, :, None] * width
    return tall[:, :, None] & wide[:, None, :]
