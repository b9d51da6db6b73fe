"""How training clips are varied: drawn clip by clip, done on the training device for a whole batch.

Each variation stands here twice, side by side: what is random is drawn for one clip on the CPU, by
the processes that read clips, and goes with the clip (`ttvos.data.layers`); the pixels are made of
it by `make_pixels`, in few calls for a whole batch, the same on every device; nothing there waits
for the device or depends on what a pixel is.

- *View*: one affine map and a flip, the same for all frames (docs/facts.md, section 4). It is part
  of each frame's lookup.
- *Pasting*: a second moving object, a distractor or occluder, or the one to follow. Not in the
  paper (measured in docs/training.md). Which object the labels follow is decided by frame 0: it
  must be visible there.
- *Colours*: brightness, contrast, saturation and hue, the same for all frames.

B: clips, T: frames of a clip, H, W: frame size, L: layers (the B clips' own, then P pasted),
h, w: size of the coarse lookups. Labels are 1 on the object, 0 elsewhere, 255 ignored.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from ttvos.core.video import IGNORED, IMAGENET_MEAN, IMAGENET_STD
from ttvos.data.layers import VISIBLE
from ttvos.data.warp import (
    STEP,
    Warp,
    affine,
    chain,
    flip,
    is_kept,
    map_mask,
    random_affine,
    unchanged,
)

Rng = np.random.Generator
GRAYSCALE = 0.1  # probability
JITTER = 0.25  # brightness, contrast and saturation change by up to this share
HUE = 0.1  # of a full turn
LUMA = (0.299, 0.587, 0.114)


@torch.no_grad()
def make_pixels(batch: dict[str, Tensor], device: torch.device) -> dict[str, Tensor]:
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


# --- view


def draw_view(
    label: np.ndarray,
    rng: Rng,
    rotation: float,
    scale: tuple[float, float],
    shift: float = 0.0,
) -> Warp:
    """One affine map, then a horizontal flip with probability 0.5.

    label (H, W) uint8 of frame 0, 1 on the object. rotation: largest rotation and shear in
    degrees; scale: smallest and largest zoom; shift: largest move, as a share of the frame's
    sides. The map is drawn up to five times until a quarter of the object's pixels is still in
    frame 0; else the clip stays unmapped.
    """
    view = unchanged
    for _ in range(5):
        drawn = affine(random_affine(rng, label.shape, rotation, scale, shift))
        if is_kept(label, map_mask(label, drawn)):
            view = drawn
            break
    if rng.random() < 0.5:
        return chain([view, flip(label.shape[1])])
    return view


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


# --- pasting


def draw_followed(label: np.ndarray, pasted: np.ndarray, rng: Rng) -> bool:
    """Whether to follow the pasted object: always if it hides the clip's own, else by half."""
    own = covered_labels(label, pasted, follow_pasted=False)
    return np.count_nonzero(own == 1) <= VISIBLE or rng.random() < 0.5


def covered_labels(label: np.ndarray, pasted: np.ndarray, follow_pasted: bool) -> np.ndarray:
    """Labels of the followed object where the object of `pasted` lies over the clip.

    follow_pasted: they are those of the pasted object, 255 beyond its image's border; otherwise
    those of the clip's own, which is hidden where the pasted one covers it.
    """
    return pasted if follow_pasted else np.where(pasted == 1, 0, label).astype(np.uint8)


def lay(frames: Tensor, labels: Tensor, pasted: Tensor, follow: Tensor) -> tuple[Tensor, Tensor]:
    """Lay the objects of the last P layers over the clips `pasted` (P,) int64.

    frames (L, T, 3, H, W) and labels (L, T, H, W) -> those of the B = L - P clips, changed in
    place. follow (P,) bool: whose labels stay (`covered_labels`).
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


# --- colours


def draw_colours(rng: Rng) -> np.ndarray:
    """(4,) float32: factors of brightness, contrast and saturation, and the hue's turn.

    The factors lie in [0.75, 1.25], the turn (of a circle) in [-0.1, 0.1]; with probability
    0.1 the clip is grey: saturation and turn are 0.
    """
    is_gray = rng.random() < GRAYSCALE
    brightness, contrast, saturation = rng.uniform(1 - JITTER, 1 + JITTER, 3)
    turn = rng.uniform(-HUE, HUE)
    if is_gray:
        saturation, turn = 0.0, 0.0
    return np.array([brightness, contrast, saturation, turn], dtype=np.float32)


def change_colours(frames: Tensor, colours: Tensor) -> None:
    """Turn the hue, then change saturation, contrast and brightness of each clip, in place.

    Saturation goes towards the pixel's own grey, contrast towards the clip's mean grey.
    frames (B, T, 3, H, W) float32 in [0, 255]; colours (B, 4) as
    `draw_colours` gives them.
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
