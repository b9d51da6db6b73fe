"""A second moving object pasted into a clip: a distractor or occluder, or the one to follow.

Not in the paper (measured in docs/training.md). Here it is decided which object the clip's
labels follow, by frame 0: it must be visible there. `ttvos.training.augment` lays the pixels.
Labels are (H, W) uint8 in {0, 1, 255}.
"""

import numpy as np

from ttvos.data.layers import VISIBLE


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
