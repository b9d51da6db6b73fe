"""Errors put into the heatmaps that training feeds back, so that the model learns to undo them.

Not in the paper (measured in docs/training.md). A clip of a few frames hardly shows the model what
an occlusion or a confusion makes of its own heatmap after fifty; the template of the first frame
can only correct such errors if training has seen them.
"""

import torch
from torch import Tensor

SMALLEST, LARGEST = 0.08, 0.35  # half of the erased rectangle's sides, as a share of the frame's


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
