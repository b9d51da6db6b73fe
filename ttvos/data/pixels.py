"""The pixels of a batch of clips, made on the training device as the loader drew them.

B: clips, T: frames of a clip, H, W: frame size, L: layers (the B clips' own, then P pasted),
h, w: size of the coarse lookups. Few calls for the whole batch, the same on every device;
nothing here waits for the device or depends on what a pixel is.
"""

import torch
from torch import Tensor
from torch.nn import functional

from ttvos.core.video import IGNORED, IMAGENET_MEAN, IMAGENET_STD
from ttvos.data.warp import STEP

LUMA = (0.299, 0.587, 0.114)


@torch.no_grad()
def apply(batch: dict[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    """Make the clips of a batch from `ttvos.data.layers.collate`.

    Returns "frames" (B, T, 3, H, W) float32, ImageNet-normalised, and "labels" (B, T, H, W)
    int64 in {0, 1, 255}, both on `device`.
    """
    there = {name: value.to(device, non_blocking=True) for name, value in batch.items()}
    frames, labels = look_up(there["images"], there["masks"], there["source"], there["lookups"])
    if len(there["pasted"]):
        frames, labels = lay(frames, labels, there["pasted"], there["follow"])
    if "colours" in there:
        # A processor is done sooner with what fits into its cache: one clip at a time.
        piece = 1 if device.type == "cpu" else len(frames)
        for some in zip(frames.split(piece), there["colours"].split(piece), strict=True):
            change_colours(*some)
    return {"frames": normalise(frames), "labels": labels.long()}


def look_up(
    images: Tensor, masks: Tensor, source: Tensor, lookups: Tensor
) -> tuple[Tensor, Tensor]:
    """Look every frame of every layer up in its image; arguments as `collate` makes them.

    Returns frames (L, T, 3, H, W) float32 in [0, 255], bilinear, and labels (L, T, H, W)
    float32 in {0, 1, 255}, nearest. Beyond the border the picture is reflected about the
    border pixels' middles (a black frame round it would be a hint that no real video gives)
    and labels are 255: a mirrored piece of the object is neither it nor background.
    """
    size = masks.shape[1:]
    grid = _fine(lookups.flatten(0, 1), size)
    order = source.flatten()
    pictures = images.index_select(0, order).permute(0, 3, 1, 2).float()
    frames = functional.grid_sample(pictures, grid, "bilinear", "reflection", align_corners=True)
    # What is not found counts as zero, so the value for beyond the border is moved there.
    known = masks.index_select(0, order)[:, None].float().sub_(IGNORED)
    labels = functional.grid_sample(known, grid, "nearest", "zeros", align_corners=True)
    labels = labels[:, 0].add_(IGNORED)
    return frames.unflatten(0, source.shape), labels.unflatten(0, source.shape)


def _fine(lookups: Tensor, size: torch.Size) -> Tensor:
    """Coarse lookups (N, h, w, 2), interpolated: (N, H, W, 2)."""
    height, width = size
    # The coarse points are the middles of blocks of STEP pixels, from one before the frame on.
    coarse = lookups.permute(0, 3, 1, 2).contiguous()
    fine = functional.interpolate(coarse, scale_factor=STEP, mode="bilinear", align_corners=False)
    return fine[:, :, STEP : STEP + height, STEP : STEP + width].permute(0, 2, 3, 1)


def lay(frames: Tensor, labels: Tensor, pasted: Tensor, follow: Tensor) -> tuple[Tensor, Tensor]:
    """Lay the objects of the last P layers over the clips `pasted` (P,) int64.

    frames (L, T, 3, H, W) and labels (L, T, H, W) -> those of the B = L - P clips, changed in
    place. follow (P,) bool: whose labels stay (`ttvos.data.augment.covered_labels`).
    """
    clips = len(frames) - len(pasted)
    above = labels[clips:]
    covered = (above == 1).float()
    share = soften(covered)[:, :, None]
    laid = torch.lerp(frames.index_select(0, pasted), frames[clips:], share)
    own = labels.index_select(0, pasted).mul_(1 - covered)
    followed = torch.where(follow[:, None, None, None], above, own)
    return (
        frames[:clips].index_copy_(0, pasted, laid),
        labels[:clips].index_copy_(0, pasted, followed),
    )


def soften(covered: Tensor) -> Tensor:
    """Blur (P, T, H, W) by a 3x3 Gaussian (1 2 1): a hard edge would mark a pasted object."""
    blurred = functional.pad(covered, (1, 1, 1, 1), mode="reflect")
    for _ in range(2):  # adding neighbours twice weighs three pixels by 1 2 1
        blurred = blurred[..., 1:, :] + blurred[..., :-1, :]
        blurred = blurred[..., 1:] + blurred[..., :-1]
    return blurred / 16


def change_colours(frames: Tensor, colours: Tensor) -> None:
    """Turn the hue, then change saturation, contrast and brightness of each clip, in place.

    Saturation goes towards the pixel's own grey, contrast towards the clip's mean grey.
    frames (B, T, 3, H, W) float32 in [0, 255]; colours (B, 4) as
    `ttvos.data.augment.draw_colours` gives them.
    """
    brightness, contrast, saturation, turn = colours.view(-1, 4, 1, 1, 1).unbind(1)
    red, green, blue = turned = turn_hue(frames.unbind(2), turn)
    gray = (LUMA[0] * red).add_(green, alpha=LUMA[1]).add_(blue, alpha=LUMA[2])
    # Row by row first: the sum of few numbers has the same bits with any number of threads.
    mean = gray.mean(dim=3, keepdim=True).mean(dim=(1, 2), keepdim=True)
    offset = brightness * (1 - contrast) * mean
    share = brightness * contrast
    gray.mul_(share * (1 - saturation)).add_(offset)
    for channel, each in zip(frames.unbind(2), turned, strict=True):
        torch.addcmul(gray, each, share * saturation, out=channel)
    frames.clamp_(0, 255)


def turn_hue(colours: tuple[Tensor, ...], turn: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Turn the hue in HSV; value and saturation stay.

    colours: red, green and blue, (B, T, H, W) each; turn: (B, 1, 1, 1), share of a circle.
    """
    red, green, blue = colours
    low = torch.minimum(torch.minimum(red, green), blue)
    high = torch.maximum(torch.maximum(red, green), blue)
    chroma = high - low
    # The hue in sixths of the circle, from red over green (2) and blue (4), times the chroma.
    near_green = (blue - red).add_(chroma, alpha=2)
    near_blue = (red - green).add_(chroma, alpha=4)
    hue = torch.where(high == green, near_green, near_blue)
    hue = torch.where(high == red, green - blue, hue).div_(chroma.clamp(min=1e-6))
    hue.add_(6 * turn)
    hue.sub_((hue / 6).floor_(), alpha=6)
    return (
        torch.addcmul(low, chroma, (hue - 3).abs_().sub_(1).clamp_(0, 1)),
        torch.addcmul(low, chroma, (hue - 2).abs_().neg_().add_(2).clamp_(0, 1)),
        torch.addcmul(low, chroma, (hue - 4).abs_().neg_().add_(2).clamp_(0, 1)),
    )


def normalise(frames: Tensor) -> Tensor:
    """ImageNet's mean and deviation for (B, T, 3, H, W) in [0, 255], in place."""
    for channel, mean, std in zip(frames.unbind(2), IMAGENET_MEAN, IMAGENET_STD, strict=True):
        channel.sub_(255 * mean).div_(255 * std)
    return frames
