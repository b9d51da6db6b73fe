"""SiamMask: crops, the choice of a place, and boxes that move (docs/peers.md, section 4.8)."""

import numpy as np
import pytest
import torch

from tests.conftest import disc_frame
from tests.unit.peers.counting import DISCS, built
from ttvos.peers.siammask import Levels, place_windows
from ttvos.peers.siammask_crops import (
    Box,
    box_of,
    choose_place,
    cut,
    paste,
    search_side,
    template_side,
)

SQUARE = Box(100, 80, 40, 40)  # its template's crop is 80 pixels wide


def test_the_windows_of_a_place_lie_where_the_place_does() -> None:
    # each level holds the pixel in the search image of its own positions, counted from 1
    levels = [1.0 + stride * torch.arange(n) for stride, n in ((2, 125), (4, 63), (8, 31))]
    rows = Levels(*(x.view(1, 1, -1, 1).expand(1, 1, -1, len(x)) for x in levels))
    for row in (4, 12, 20):
        for window, size in zip(place_windows(rows, row, 12), (15, 31, 61), strict=True):
            assert window.shape[-2:] == (size, size)
            assert window[0, 0, 0, 0] == 1 + 8 * row - 32
    outside = place_windows(rows, 0, 12)
    assert outside[0][0, 0, :5, 7].tolist() == [0, 0, 0, 0, 1]
    last = place_windows(rows, 24, 24)
    assert [x.shape[-1] for x in last] == [15, 31, 61]


def test_box_of_a_mask() -> None:
    mask = np.zeros((20, 30), dtype=bool)
    mask[4:9, 10:12] = True
    assert box_of(mask) == Box(10.5, 6.0, 2, 5)


def test_crop_sizes_are_those_of_the_context() -> None:
    assert template_side(SQUARE) == pytest.approx(80)
    assert template_side(Box(0, 0, 10, 30)) == pytest.approx(np.sqrt(30 * 50))
    assert search_side(SQUARE) == pytest.approx(80 * 255 / 127)


def test_a_crop_has_the_box_in_its_middle_and_the_colour_outside() -> None:
    frame = np.zeros((60, 80, 3), dtype=np.uint8)
    frame[20:31, 0:11] = 250
    box = Box(5, 25, 11, 11)
    crop = cut(frame, box, template_side(box), 127, np.array([10, 20, 30]))
    assert crop.shape == (127, 127, 3)
    assert crop[63, 63].tolist() == [250, 250, 250]
    assert crop[63, 2].tolist() == [10, 20, 30]
    assert crop[2, 124].tolist() == [0, 0, 0]
    bright = np.nonzero(crop[:, 63, 0] > 125)[0]
    assert len(bright) == pytest.approx(127 / 2, abs=1.5)  # the box is half of its context
    assert (bright[0] + bright[-1]) / 2 == pytest.approx(63, abs=0.5)


@pytest.mark.parametrize(("row", "column"), [(12, 12), (6, 15)])
def test_a_mask_is_pasted_where_its_place_lies(row: int, column: int) -> None:
    mask = np.zeros((127, 127), dtype=np.float32)
    mask[44:83, 34:93] = 1  # 39 rows and 59 columns around the middle
    found = box_of(paste(mask, SQUARE, row, column, (160, 200)) > 0.5)
    step = 80 / 127  # pixels of the frame for one of the crop
    assert found.column == pytest.approx(100 + 8 * (column - 12) * step, abs=0.6)
    assert found.row == pytest.approx(80 + 8 * (row - 12) * step, abs=0.6)
    assert found.width == pytest.approx(59 * step, abs=1.1)
    assert found.height == pytest.approx(39 * step, abs=1.1)


def answers() -> tuple[np.ndarray, np.ndarray]:
    """Scores that are sure of nothing, and boxes that are the anchors."""
    scores, boxes = np.zeros((10, 25, 25), np.float32), np.zeros((20, 25, 25), np.float32)
    scores[5:] = -9
    return scores, boxes


def test_a_sure_place_moves_the_box() -> None:
    scores, boxes = answers()
    scores[5 + 2, 10, 15] = 9  # the square anchor
    boxes[2, 10, 15] = 0.5  # half an anchor to the right
    boxes[10 + 2, 10, 15] = np.log(1.25)
    row, column, box = choose_place(scores, boxes, SQUARE, (480, 854))
    assert (row, column) == (10, 15)
    step = 80 / 127
    assert box.column == pytest.approx(100 + (3 * 8 + 32) * step)
    assert box.row == pytest.approx(80 - 2 * 8 * step)
    # the change of shape lowers the rate: sides of 80 and 64 in the crop, before 63.5
    context = np.sqrt((80 + 72) * (64 + 72)) / (2 * 63.5)
    rate = np.exp(-0.04 * (context * 1.25 - 1)) / (1 + np.exp(-9))
    assert box.width == pytest.approx(40 * (1 - rate) + 80 * step * rate)
    assert box.height == pytest.approx(40 * (1 - rate) + 64 * step * rate)


def test_of_two_sure_places_the_near_one_and_the_unchanged_shape() -> None:
    scores, boxes = answers()
    scores[5 + 2, 2, 2] = scores[5 + 2, 11, 12] = 9
    assert choose_place(scores, boxes, SQUARE, (480, 854))[:2] == (11, 12)
    scores, boxes = answers()
    scores[5:, 12, 12] = 9  # all five anchors there
    box = choose_place(scores, boxes, SQUARE, (480, 854)).box
    assert box.width == pytest.approx(box.height)


def test_wild_answers_stay_in_the_frame() -> None:
    scores, boxes = answers()
    boxes[:] = 1e6
    box = choose_place(scores, boxes, SQUARE, (60, 90)).box
    assert np.isfinite(box).all()
    assert 0 <= box.column <= 89
    assert 0 <= box.row <= 59
    assert 10 <= box.width <= 90
    assert 10 <= box.height <= 60


def test_a_step_moves_the_boxes_and_keeps_the_templates() -> None:
    tracker, (frame, mask) = built("siammask"), disc_frame(0, DISCS)
    state = tracker.init(frame, mask)
    assert [o.template.shape for o in state.objects] == [(1, 256, 7, 7)] * 2
    assert state.objects[0].box == box_of(mask == 1)
    prediction, following = tracker.step(disc_frame(1, DISCS)[0], state)
    found = np.where(prediction.foreground.max(axis=0) > 0.35, prediction.mask > 0, True)
    assert found.all(), "a pixel above the threshold is no object's"
    assert following.objects[0].template is state.objects[0].template
    assert following.objects[0].box != state.objects[0].box


def test_of_the_first_mask_only_the_box_enters() -> None:
    tracker, (frame, mask) = built("siammask"), disc_frame(0, DISCS[:1])
    box = box_of(mask == 1)
    filled = np.zeros_like(mask)
    rows, columns = np.nonzero(mask)
    filled[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = 1
    one, two = tracker.init(frame, mask), tracker.init(frame, filled)
    assert (filled != mask).any()
    assert one.objects[0].box == two.objects[0].box == box
    assert torch.equal(one.objects[0].template, two.objects[0].template)
