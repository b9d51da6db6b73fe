"""Data of moving squares, whose colours tell which frame and which object one sees."""

import numpy as np
from PIL import Image

from ttvos.config.run import Stage
from ttvos.core.video import write_mask
from ttvos.data.layers import Clip

LENGTH = 24


def stage(source, *roots, **changes):
    values = {
        "name": source,
        "source": source,
        "roots": tuple(str(root) for root in roots),
        "height": 64,
        "width": 96,
        "frames": 3,
        "batch": 4,
        "learning_rate": 1e-4,
        "steps": 10,
        "augment": False,
    }
    return Stage(**{**values, **changes})


def write_pair(frame_path, mask_path, number, ids):
    """A frame whose red is 8 x its number and whose green is 60 x the pixel's id."""
    frame_path.parent.mkdir(parents=True, exist_ok=True)
    red = np.full_like(ids, 8 * number)
    image = Image.fromarray(np.stack([red, 60 * ids, 0 * ids], axis=-1))
    image.save(frame_path)
    if mask_path is not None:
        write_mask(mask_path, ids)


def two_squares(number, second_from=0):
    """Object 1 moves right by a pixel a frame; object 2 stands still from `second_from` on."""
    ids = np.zeros((64, 96), np.uint8)
    ids[10:30, 5 + number : 25 + number] = 1
    if number >= second_from:
        ids[36:56, 60:80] = 2
    return ids


def numbers(clip: Clip) -> list[int]:
    """Which frames of the video the clip shows (see `write_pair`)."""
    return [int(frame[0, 0, 0]) // 8 for frame in clip.layers[0].images]


def shown(clip: Clip) -> int:
    """The id of the object that the labels of frame 0 mark."""
    own = clip.layers[0]
    return int(np.median(own.images[0, ..., 1][own.labels[0] == 1])) // 60


def same(first: Clip, second: Clip) -> bool:
    """Whether two clips are equal to the last bit of what was drawn and read."""
    arrays = [(each.images, each.labels, each.lookups) for each in first.layers]
    others = [(each.images, each.labels, each.lookups) for each in second.layers]
    return (
        len(arrays) == len(others)
        and all(
            np.array_equal(a, b)
            for layer, other in zip(arrays, others, strict=True)
            for a, b in zip(layer, other, strict=True)
        )
        and first.follow_pasted == second.follow_pasted
        and np.array_equal(first.colours, second.colours)
    )
