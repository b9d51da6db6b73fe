"""Boxes of all ids at once, against each id's own pixels."""

import numpy as np
import pytest

from tests.unit.evaluation.random_masks import random_clip
from ttvos.evaluation.crops import find_boxes


def box_of(*masks: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(np.logical_or.reduce(masks))
    return rows.min(), rows.max() + 1, columns.min(), columns.max() + 1


def assert_boxes(*masks: np.ndarray) -> None:
    ids = set(np.concatenate([np.unique(mask) for mask in masks]).tolist()) - {0}
    expected = {i: box_of(*(mask == i for mask in masks)) for i in ids}
    assert find_boxes(*masks) == expected


@pytest.mark.parametrize("seed", range(10))
def test_are_those_of_each_id_in_both_masks(seed):
    result, truth, _ = random_clip(seed)
    for masks in zip(result, truth, strict=True):
        assert_boxes(*masks)
        assert_boxes(masks[0])


@pytest.mark.parametrize("shape", [(1, 1), (1, 6), (6, 1), (5, 8)])
def test_of_masks_full_of_ids_to_every_border(shape):
    rng = np.random.default_rng(0)
    for highest in (1, 2, 255):
        for _ in range(20):
            assert_boxes(*rng.integers(0, highest + 1, (2, *shape), dtype=np.uint8))
        assert_boxes(np.full(shape, highest, dtype=np.uint8))


def test_an_object_that_touches_both_sides_is_no_other_row_s():
    mask = np.zeros((4, 6), dtype=np.uint8)
    mask[1, 4:], mask[2, :2] = 7, 7
    mask[0, 0] = 2
    assert find_boxes(mask) == {2: (0, 1, 0, 1), 7: (1, 3, 0, 6)}


def test_empty_masks_have_none():
    empty = np.zeros((5, 7), dtype=np.uint8)
    assert find_boxes(empty, empty) == {}


def test_a_part_of_a_larger_array_will_do():
    whole = np.zeros((6, 20), dtype=np.uint8)
    whole[2:4, 5:9], whole[3, 8] = 1, 2
    assert_boxes(whole[:, 1::2])
