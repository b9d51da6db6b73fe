"""One object in one frame, set right step by step (docs/failures.md): arrays in, numbers out.

Bits are those of `ttvos.evaluation.crops`: 1 where predicted, 2 where true.
"""

from dataclasses import dataclass

import numpy as np

from ttvos.core.video import VOID
from ttvos.evaluation.crops import (
    BOTH,
    PREDICTED,
    TRUE,
    boundary_score,
    find_boxes,
    near_disk,
    padded_boundaries,
    score_bits,
    window_of,
)
from ttvos.evaluation.metrics import tolerance

OFF = 0.5  # share of the smaller mask on the other, below which a mask lies off its object


@dataclass(frozen=True)
class Fixed:
    """What the fixes bring one object in one frame, fractions.

    shown: whether the truth shows the object. j: of the mask as it is. jf: J&F of the mask as it
    is, and after the fixes of wrong objects, of spill, and of missed parts. own_j: J after the
    first of these. off: whether the mask then lies off the object.
    """

    shown: bool
    j: float
    jf: tuple[float, float, float, float]
    own_j: float
    off: bool


RIGHT = (1.0, 1.0, 1.0, 1.0)
ABSENT = Fixed(False, 1.0, RIGHT, 1.0, False)  # of an object that neither mask shows


def fix_objects(
    result: np.ndarray, truth: np.ndarray, ignore_void: bool = False
) -> dict[int, Fixed]:
    """The findings on each object that either mask shows in one frame, by its id; else `ABSENT`.

    result, truth, ignore_void: as of `ttvos.evaluation.crops.score_objects`.
    """
    radius, found = tolerance(*truth.shape), {}
    for object_id, box in find_boxes(result, truth).items():
        if object_id == VOID:
            continue
        window = window_of(box)
        ours, true = result[window], truth[window]
        bits = (ours == object_id).view(np.uint8)
        bits |= (true == object_id).view(np.uint8) << 1
        if ignore_void:
            bits[true == VOID] = 0
        others = _others(ours, object_id) | _others(true, object_id)
        found[object_id] = fix(bits, others, radius)
    return found


def fix(bits: np.ndarray, others: np.ndarray, radius: int) -> Fixed:
    """The findings on one object.

    bits: (H, W) uint8. others: (H, W) bool, pixels that either mask gives to another object.
    radius: the tolerance of F, in pixels.
    """
    shown = bool((bits & TRUE).any())
    wrong = (bits == PREDICTED) | (bits == TRUE)
    if not wrong.any():
        return Fixed(shown, 1.0, RIGHT, 1.0, False)
    edges = padded_boundaries(bits, radius)
    near = near_disk(edges, radius)
    j = _jaccard(bits)
    as_it_is = (j + boundary_score(edges, near)) / 2
    coarse = _coarse(bits, wrong, _inner(near, edges.shape, radius), radius)
    own, own_jf = _fixed(bits, coarse & others, as_it_is, radius)
    own_j = _jaccard(own)
    if shown and _is_off(_set_right(own, wrong & ~coarse)):
        return Fixed(shown, j, (as_it_is, own_jf, own_jf, own_jf), own_j, True)
    whole, no_spill = _fixed(own, coarse & (own == PREDICTED), own_jf, radius)
    _, no_gap = _fixed(whole, coarse & (own == TRUE), no_spill, radius)
    return Fixed(shown, j, (as_it_is, own_jf, no_spill, no_gap), own_j, False)


def _others(mask: np.ndarray, object_id: int) -> np.ndarray:
    return (mask != 0) & (mask != object_id) & (mask != VOID)


def _coarse(bits: np.ndarray, wrong: np.ndarray, near: np.ndarray, radius: int) -> np.ndarray:
    """Wrong pixels that are no matter of the contour, (H, W) bool.

    near: bits of the contours within the radius. A wrong pixel with only one of them, and all
    that are wrong as it is and within the radius of it.
    """
    beyond = np.where(wrong & (near != BOTH), bits, np.uint8(0))
    if not beyond.any():
        return np.zeros(bits.shape, dtype=bool)
    padded = np.pad(beyond, ((radius, radius), (0, radius)))
    grown = _inner(near_disk(padded, radius), padded.shape, radius)
    return wrong & (bits & grown != 0)


def _inner(flat: np.ndarray, shape: tuple[int, ...], radius: int) -> np.ndarray:
    """What `near_disk` returned, without the padding of `padded_boundaries`."""
    return flat.reshape(shape)[radius:-radius, :-radius]


def _fixed(
    bits: np.ndarray, where: np.ndarray, before: float, radius: int
) -> tuple[np.ndarray, float]:
    """Bits set right at some pixels, and their J&F. before: that of the bits given."""
    if not where.any():
        return bits, before
    fixed = _set_right(bits, where)
    return fixed, sum(score_bits(fixed, radius)) / 2


def _set_right(bits: np.ndarray, where: np.ndarray) -> np.ndarray:
    true = bits & TRUE
    return np.where(where, true | true >> 1, bits)


def _jaccard(bits: np.ndarray) -> float:
    union = np.count_nonzero(bits)
    return np.count_nonzero(bits == BOTH) / union if union else 1.0


def _is_off(bits: np.ndarray) -> bool:
    """Whether less than `OFF` of the smaller mask lies on the other; one without pixels does."""
    smaller = min(np.count_nonzero(bits & PREDICTED), np.count_nonzero(bits & TRUE))
    return not smaller or np.count_nonzero(bits == BOTH) < OFF * smaller
