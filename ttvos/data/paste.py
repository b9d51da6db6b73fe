"""The moving object of one clip pasted into another: a second object, distractor or occluder.

Not in the paper (measured in docs/training.md). Clips are frames (T, H, W, 3) uint8 RGB with
labels (T, H, W) uint8 in {0, 1, 255}, of the same T, H, W.
"""

import cv2
import numpy as np

Pixels = tuple[np.ndarray, np.ndarray]


def paste(clip: Pixels, pasted: Pixels, follow_pasted: bool) -> Pixels:
    """Lay the object of `pasted` over `clip`; returns new frames and labels.

    follow_pasted: whether the labels are of the pasted object; otherwise they stay those of
    the clip's own, which is hidden where the pasted one covers it.
    """
    covered = pasted[1] == 1
    frames = np.stack([_lay(*pair) for pair in zip(clip[0], pasted[0], covered, strict=True)])
    if follow_pasted:
        return frames, covered.astype(np.uint8)
    return frames, np.where(covered, 0, clip[1]).astype(np.uint8)


def _lay(frame: np.ndarray, above: np.ndarray, covered: np.ndarray) -> np.ndarray:
    """One frame over another with a soft edge: a hard one would mark every pasted object."""
    share = cv2.GaussianBlur(covered.astype(np.float32), (3, 3), 0)[..., None]
    return np.rint(frame * (1 - share) + above * share).astype(np.uint8)
