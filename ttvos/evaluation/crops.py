"""J and F of all objects of a frame, each computed within the box around the object.

The boxes are found in one pass over the masks. The numbers are those of
`ttvos.evaluation.metrics`, to the bit. Both masks of an object go through every step together,
as two bits of one byte: 1 where predicted, 2 where true.
"""

from math import isqrt

import numpy as np

from ttvos.core.video import VOID
from ttvos.evaluation.metrics import FURTHER, f_measure, tolerance

Box = tuple[int, int, int, int]  # top, bottom, left, right; bottom and right just outside


def find_boxes(*masks: np.ndarray) -> dict[int, Box]:
    """Box of each id above 0 that any of the masks shows, around all its pixels in all of them.

    masks: (H, W) uint8 ids, all of one size.
    """
    rows = np.flatnonzero(np.maximum.reduce([mask.max(axis=1) for mask in masks]))
    highest = np.maximum.reduce([mask.max(axis=0) for mask in masks])
    columns = np.flatnonzero(highest)
    if not rows.size:
        return {}
    (top, bottom), (left, right) = (
        (where[0].item(), where[-1].item() + 1) for where in (rows, columns)
    )
    if highest.max() == 1:
        return {1: (top, bottom, left, right)}
    inner = _boxes_of_runs([mask[top:bottom, left:right] for mask in masks])
    return {
        object_id: (box[0] + top, box[1] + top, box[2] + left, box[3] + left)
        for object_id, box in inner.items()
    }


def _boxes_of_runs(masks: list[np.ndarray]) -> dict[int, Box]:
    """`find_boxes` by the runs of equal ids in a row, of which there are far fewer than pixels."""
    height, width = masks[0].shape
    # A column of background ends every row, so no run of an object goes on in the next one.
    rows = np.zeros((len(masks) * height, width + 1), dtype=np.uint8)
    for i, mask in enumerate(masks):
        rows[i * height : (i + 1) * height, :width] = mask
    flat = rows.ravel()
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    ids, lengths = flat[starts], np.diff(starts, append=flat.size)
    order = np.argsort(ids, kind="stable")
    order = order[np.count_nonzero(ids == 0) :]  # the background's come first
    ids, (row, left) = ids[order], np.divmod(starts[order], width + 1)
    row, right = row % height, left + lengths[order]
    firsts = np.concatenate([[0], np.flatnonzero(ids[1:] != ids[:-1]) + 1])
    edges = (
        np.minimum.reduceat(row, firsts),
        np.maximum.reduceat(row, firsts) + 1,
        np.minimum.reduceat(left, firsts),
        np.maximum.reduceat(right, firsts),
    )
    boxes = zip(*(edge.tolist() for edge in edges), strict=True)
    return dict(zip(ids[firsts].tolist(), boxes, strict=True))


PREDICTED, TRUE, BOTH = 1, 2, 3
Scores = tuple[float, ...]  # J and F of an object in a frame, then `metrics.FURTHER`
NAMES = ("J", "F", *FURTHER)
ABSENT = (1.0,) * len(NAMES)  # of an object that neither mask shows


def score_objects(
    result: np.ndarray, truth: np.ndarray, ignore_void: bool = False
) -> dict[int, Scores]:
    """The scores of each object that either mask shows in one frame, by its id; else `ABSENT`.

    result, truth: (H, W) uint8 ids. Where truth is 255 (void) is background, as in the official
    toolkit; with ignore_void nothing is judged there.
    """
    void = truth == VOID if ignore_void else None
    radius, scores = tolerance(*truth.shape), {}
    for object_id, box in find_boxes(result, truth).items():
        if object_id == VOID:
            continue
        window = window_of(box)
        bits = (result[window] == object_id).view(np.uint8)
        bits |= (truth[window] == object_id).view(np.uint8) << 1
        if void is not None:
            bits[void[window]] = 0
            if not bits.any():
                continue
        further = (
            metric(result == object_id, truth == object_id, void) for metric in FURTHER.values()
        )
        scores[object_id] = (*score_bits(bits, radius), *further)
    return scores


def score_frame(
    result: np.ndarray, truth: np.ndarray, count: int, ignore_void: bool = False
) -> list[Scores]:
    """`score_objects` of the objects 1 to `count`, in their order."""
    scores = score_objects(result, truth, ignore_void)
    return [scores.get(object_id, ABSENT) for object_id in range(1, count + 1)]


def window_of(box: Box) -> tuple[slice, slice]:
    """Slices of a box and one pixel beyond, within the image.

    All that J and F look at lies in it: a boundary pixel is at most one pixel outside its mask.
    """
    top, bottom, left, right = box
    return slice(max(top - 1, 0), bottom + 1), slice(max(left - 1, 0), right + 1)


def score_bits(bits: np.ndarray, radius: int) -> tuple[float, float]:
    """(J, F) of one object's (H, W) uint8 bits. radius: the tolerance of F, in pixels."""
    union, common = np.count_nonzero(bits), np.count_nonzero(bits == BOTH)
    if union == common:  # equal masks, or two empty ones
        return 1.0, 1.0
    edges = padded_boundaries(bits, radius)
    return common / union, boundary_score(edges, near_disk(edges, radius))


def boundary_score(edges: np.ndarray, near: np.ndarray) -> float:
    """F from what `padded_boundaries` and, of that, `near_disk` return."""
    flat = edges.ravel()
    at = np.flatnonzero(flat != 0)
    edge, near = flat[at], near[at]
    predicted, true = edge & PREDICTED != 0, edge & TRUE != 0
    return f_measure(
        np.count_nonzero(predicted),
        np.count_nonzero(true),
        np.count_nonzero(predicted & (near & TRUE != 0)),
        np.count_nonzero(true & (near & PREDICTED != 0)),
    )


def padded_boundaries(bits: np.ndarray, radius: int) -> np.ndarray:
    """`metrics.boundary` of both masks, with zeros `radius` wide above, below and on the right."""
    height, width = bits.shape
    padded = np.zeros((height + 2 * radius, width + radius), dtype=np.uint8)
    edges = padded[radius : radius + height, :width]
    edges[:, :-1] |= bits[:, :-1] ^ bits[:, 1:]
    edges[:-1] |= bits[:-1] ^ bits[1:]
    edges[:-1, :-1] |= bits[:-1, :-1] ^ bits[1:, 1:]
    return padded


def near_disk(edges: np.ndarray, radius: int) -> np.ndarray:
    """Both masks' pixels within `radius` of a set one: dilation by a disk, flat.

    edges: uint8 bits, padded as by `padded_boundaries`.

    A disk is a stack of horizontal bars, so the rows are widened step by step from the disk's
    poles to its equator, and each width is laid where the bar of that width is. A shift by whole
    rows and columns is one offset in the flat array; the padding takes what would wrap around.
    """
    width, flat = edges.shape[1], edges.ravel()
    widened, near, reach = flat.copy(), np.zeros_like(flat), 0
    for row in range(radius, 0, -1):
        while reach < isqrt(radius * radius - row * row):
            reach += 1
            _lay(widened, flat, reach)
        _lay(near, widened, row * width)
    while reach < radius:
        reach += 1
        _lay(widened, flat, reach)
    near |= widened
    return near


def _lay(onto: np.ndarray, bits: np.ndarray, offset: int) -> None:
    """Set the bits in `onto`, moved by `offset` to either side."""
    onto[offset:] |= bits[:-offset]
    onto[:-offset] |= bits[offset:]
