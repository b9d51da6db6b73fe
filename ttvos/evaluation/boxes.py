"""The box around each object of a frame, all found in one pass over the masks."""

import numpy as np

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
