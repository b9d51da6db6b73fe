"""Scores on crops, against the definitions on whole frames: equal to the bit.

Void in the truth is background, unless it is to be ignored; both are held to the definitions.
"""

import numpy as np
import pytest

from tests.unit.evaluation.random_masks import ellipse, random_clip
from ttvos.evaluation import metrics
from ttvos.evaluation.crops import find_boxes, near_disk, score_frame, score_objects
from ttvos.evaluation.metrics import boundary_f, jaccard


def by_definition(result, truth, count, ignore_void=False):
    void = truth == 255 if ignore_void else None
    masks = [(result == i, truth == i, void) for i in range(1, count + 1)]
    return [(jaccard(*pair), boundary_f(*pair)) for pair in masks]


@pytest.mark.parametrize("seed", range(20))
def test_equal_the_definitions(seed):
    result, truth, count = random_clip(seed)
    if seed % 2:  # void of any shape, over objects and between them
        truth[np.random.default_rng(seed).random(truth.shape) < 0.05] = 255
        truth[:, truth.shape[1] // 2 :, :5] = 255
    scores = []
    for pair in zip(result, truth, strict=True):
        for ignore_void in (True, False):
            scores.append(score_frame(*pair, count, ignore_void))
            assert scores[-1] == by_definition(*pair, count, ignore_void)
    values = np.array(scores)
    assert 0 <= values.min() < 0.9
    assert values.max() == 1


def test_equal_the_definitions_at_480p():
    truth = ellipse((480, 854), np.array([200, 500]), np.array([90, 140])).astype(np.uint8)
    truth[300:, 800:] = 2
    result = np.roll(truth, (6, -7), axis=(0, 1))
    scores = score_frame(result, truth, 2)
    assert scores == by_definition(result, truth, 2)
    assert all(0 < f < 1 for _, f in scores)


SHAPES = {
    "a pixel": (slice(4, 5), slice(6, 7)),
    "a corner": (slice(0, 1), slice(0, 1)),
    "the last corner": (slice(-1, None), slice(-1, None)),
    "a row": (slice(3, 4), slice(None)),
    "the last row": (slice(-1, None), slice(None)),
    "a column": (slice(None), slice(5, 6)),
    "the last column": (slice(None), slice(-1, None)),
    "half": (slice(None), slice(0, 7)),
    "all": (slice(None), slice(None)),
    "none": (slice(0, 0), slice(0, 0)),
}


@pytest.mark.parametrize("predicted", SHAPES)
@pytest.mark.parametrize("true", SHAPES)
def test_equal_the_definitions_for_every_pair_of_odd_shapes(predicted, true):
    result, truth = np.zeros((2, 11, 13), dtype=np.uint8)
    result[SHAPES[predicted]], truth[SHAPES[true]] = 1, 1
    assert score_frame(result, truth, 1) == by_definition(result, truth, 1)
    truth[2:5, 4:9] = 255
    for ignore_void in (True, False):
        expected = by_definition(result, truth, 1, ignore_void)
        assert score_frame(result, truth, 1, ignore_void) == expected


@pytest.mark.parametrize("shape", [(1, 1), (1, 2), (2, 1), (2, 2), (3, 5)])
def test_equal_the_definitions_in_tiny_frames(shape):
    rng = np.random.default_rng(0)
    for _ in range(40):
        result = rng.integers(0, 3, shape, dtype=np.uint8)
        truth = rng.choice(np.array([0, 1, 2, 255], dtype=np.uint8), shape)
        for ignore_void in (True, False):
            expected = by_definition(result, truth, 2, ignore_void)
            assert score_frame(result, truth, 2, ignore_void) == expected


def test_void_is_background_and_ignored_only_by_name():
    """Half of the object's result lies in void."""
    truth, result = np.zeros((2, 40, 60), dtype=np.uint8)
    truth[10:30, 10:30], truth[10:30, 30:50], result[10:30, 10:50] = 1, 255, 1
    assert score_frame(result, truth, 1)[0][0] == 0.5
    assert score_frame(result, truth, 1) == score_frame(result, truth * (truth != 255), 1)
    assert score_frame(result, truth, 1, ignore_void=True) == [(1.0, 1.0)]


def test_an_object_is_shown_where_something_of_it_is_judged():
    """A result that lies in ignored void only is no more there than one that lies nowhere."""
    truth, result = np.zeros((2, 10, 10), dtype=np.uint8)
    truth[:3], truth[5, 5], result[:2] = 255, 4, 7
    assert score_objects(result, truth) == {4: (0.0, 0.0), 7: (0.0, 0.0)}
    assert score_objects(result, truth, ignore_void=True) == {4: (0.0, 0.0)}


@pytest.mark.parametrize("radius", [1, 2, 3, 5, 8, 13, 18, 37])
def test_near_is_a_disk_for_every_radius(radius):
    """Also for the radii of 1080p and 4K, without the price of such frames."""
    rng = np.random.default_rng(radius)
    for shape in [(1, 1), (25, 40), (3, 90), (90, 3)]:
        masks = rng.random((2, *shape)) < 0.01
        masks[:, 0, 0], masks[0, -1, -1] = True, True
        edges = np.zeros((shape[0] + 2 * radius, shape[1] + radius), dtype=np.uint8)
        inner = (slice(radius, radius + shape[0]), slice(0, shape[1]))
        edges[inner] = masks[0] + 2 * masks[1]
        near = near_disk(edges, radius).reshape(edges.shape)[inner]
        expected = [metrics._near(mask, radius) for mask in masks]
        np.testing.assert_array_equal(near, expected[0] + 2 * expected[1])


def test_an_object_in_neither_mask_scores_1():
    mask = np.zeros((6, 8), dtype=np.uint8)
    mask[2:4, 2:4] = 2
    other = np.roll(mask, 4, axis=1)
    assert score_frame(mask, other, 3) == [(1.0, 1.0), (0.0, 0.0), (1.0, 1.0)]


def test_ids_to_every_border_and_parts_of_larger_arrays():
    """Boxes of all ids are found at once; one that touches both sides is no other row's."""
    rng = np.random.default_rng(0)
    for highest in (1, 2, 254):
        masks = rng.integers(0, highest + 1, (2, 6, 20), dtype=np.uint8)[:, :, 1::2]
        assert score_frame(*masks, highest) == by_definition(*masks, highest)
    mask = np.zeros((4, 6), dtype=np.uint8)
    mask[1, 4:], mask[2, :2] = 7, 7
    assert find_boxes(mask) == {7: (1, 3, 0, 6)}
    assert find_boxes(np.zeros_like(mask)) == {}
