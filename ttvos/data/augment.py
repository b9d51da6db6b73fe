"""What one training clip is varied by: colour, one affine map and a flip.

Facts: docs/facts.md, section 4. Here it is drawn, the same for all frames of a clip;
`ttvos.data.pixels` does it.

A second moving object pasted into a clip: a distractor or occluder, or the one to follow.

Not in the paper (measured in docs/training.md). Here it is decided which object the clip's
labels follow, by frame 0: it must be visible there. `ttvos.data.pixels` lays the pixels.
Labels are (H, W) uint8 in {0, 1, 255}.
"""

import numpy as np

from ttvos.data.layers import VISIBLE
from ttvos.data.warp import Warp, affine, chain, flip, is_kept, map_mask, random_affine, unchanged

Rng = np.random.Generator
GRAYSCALE = 0.1  # probability
JITTER = 0.25  # brightness, contrast and saturation change by up to this share
HUE = 0.1  # of a full turn


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


def draw_followed(label: np.ndarray, pasted: np.ndarray, rng: np.random.Generator) -> bool:
    """Whether to follow the pasted object: always if it hides the clip's own, else by half."""
    own = covered_labels(label, pasted, follow_pasted=False)
    return np.count_nonzero(own == 1) <= VISIBLE or rng.random() < 0.5


def covered_labels(label: np.ndarray, pasted: np.ndarray, follow_pasted: bool) -> np.ndarray:
    """Labels of the followed object where the object of `pasted` lies over the clip.

    follow_pasted: they are those of the pasted object, 255 beyond its image's border; otherwise
    those of the clip's own, which is hidden where the pasted one covers it.
    """
    return pasted if follow_pasted else np.where(pasted == 1, 0, label).astype(np.uint8)
