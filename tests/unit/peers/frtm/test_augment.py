"""Samples of a first frame: deterministic, the original first, and the target always visible."""

import cv2
import numpy as np
import pytest

from ttvos.peers.frtm.augment import (
    CutOut,
    Placement,
    Placements,
    Shuffled,
    augment,
    fitting_scale,
    motion_kernel,
)

HEIGHT, WIDTH = 60, 90
PLAIN = Placement((30.0, 60.0), 0.0, False, 1.0, 0.0, (0, 0), 1.0, 0)


@pytest.fixture
def drawn() -> tuple[np.ndarray, np.ndarray]:
    """A bright rectangle of 16 rows and 11 columns around (27.5, 20) on dark noise."""
    frame = np.random.default_rng(0).integers(0, 60, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[20:36, 15:26] = True
    frame[mask] = 240
    return frame, mask


def test_the_first_sample_is_the_original(drawn):
    frames, masks = augment(*drawn, 5)
    assert frames.shape == (5, HEIGHT, WIDTH, 3)
    assert frames.dtype == np.uint8
    assert masks.dtype == bool
    assert (frames[0] == drawn[0]).all()
    assert (masks[0] == drawn[1]).all()


def test_the_same_twice_and_other_with_another_seed(drawn):
    frames, masks = augment(*drawn, 5)
    again = augment(*drawn, 5)
    assert (frames == again[0]).all()
    assert (masks == again[1]).all()
    other, _ = augment(*drawn, 5, seed=1)
    assert (frames[1:] != other[1:]).any()
    assert all((frames[i] != frames[j]).any() for i in range(5) for j in range(i))


@pytest.mark.parametrize("seed", range(4))
def test_the_target_is_seen_in_every_sample_and_where_the_mask_says(drawn, seed):
    frames, masks = augment(*drawn, 15, seed=seed)
    for frame, mask in zip(frames, masks, strict=True):
        assert mask.any()
        bright = frame.mean(axis=2) > 140
        around = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        assert not (bright & ~around).any()
        assert bright.sum() > mask.sum() / 2  # its soft edges are thinner than the mask


@pytest.mark.parametrize("pixels", [1, 3])
def test_the_smallest_targets_work(pixels):
    frame = np.full((HEIGHT, WIDTH, 3), 50, dtype=np.uint8)
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[0, :pixels] = True
    _, masks = augment(frame, mask, 15)
    assert masks.any(axis=(1, 2)).all()


def test_a_target_as_large_as_the_frame_works():
    frame = np.full((HEIGHT, WIDTH, 3), 50, dtype=np.uint8)
    _, masks = augment(frame, np.ones((HEIGHT, WIDTH), dtype=bool), 5)
    assert masks.any(axis=(1, 2)).all()


def test_a_plain_placement_moves_the_target_and_fills_its_hole(drawn):
    image, mask = CutOut(*drawn).paste(PLAIN)
    rows, columns = np.nonzero(mask)
    assert (rows.mean(), columns.mean()) == pytest.approx((30, 60), abs=0.6)
    assert mask.sum() == drawn[1].sum()
    assert image[drawn[1] & ~mask].max() < 120  # nothing bright is left where it was
    assert image[28:32, 58:62].min() > 235


def area(drawn, **changes) -> float:
    placement = Placement(**{**vars(PLAIN), **changes})
    return CutOut(*drawn).paste(placement)[1].sum() / drawn[1].sum()


def test_scale_rotation_flip_and_skew_do_what_they_say(drawn):
    assert area(drawn, scale=2.0) == pytest.approx(4, rel=0.1)
    assert area(drawn, skew=0.1) == pytest.approx(1, rel=0.1)
    assert area(drawn, rotation=20.0) == pytest.approx(1, rel=0.1)
    frame, mask = drawn
    mask = mask.copy()
    mask[20:28, 21:26] = False  # not symmetric any more
    cut_out = CutOut(frame, mask)
    plain = cut_out.paste(PLAIN)[1]
    flipped = cut_out.paste(Placement(**{**vars(PLAIN), "flip": True}))[1]
    columns = np.nonzero(plain)[1]
    left, right = columns.min(), columns.max()
    assert (flipped[:, left : right + 1] == plain[:, left : right + 1][:, ::-1]).mean() > 0.95
    assert (flipped != plain).any()


def test_a_motion_blurs_the_target_and_a_background_blur_the_rest(drawn):
    cut_out = CutOut(*drawn)
    plain, mask = cut_out.paste(PLAIN)
    moved, same = cut_out.paste(Placement(**{**vars(PLAIN), "motion": (2, 0)}))
    assert (mask == same).all()
    assert (moved != plain).any()
    blurred, _ = cut_out.paste(Placement(**{**vars(PLAIN), "background_blur": 5}))
    corner = np.s_[45:, :40]
    assert blurred[corner].std() < plain[corner].std() / 3


def test_the_scale_is_limited_by_the_frame_and_by_ten_pixels():
    assert fitting_scale(2.5, (30, 30), (60, 90)) == 2
    assert fitting_scale(0.5, (4, 12), (60, 90)) == pytest.approx(10 / 12)
    assert fitting_scale(0.7, (30, 30), (60, 90)) == pytest.approx(0.7)


@pytest.mark.parametrize(("degrees", "step"), [(0, (0, 1)), (90, (1, 0)), (45, (-1, 1))])
def test_a_motions_kernel_is_a_line_through_the_middle(degrees, step):
    kernel = motion_kernel(2, degrees)
    assert kernel.sum() == pytest.approx(1)
    rows, columns = np.nonzero(kernel)
    assert len(rows) == 3
    assert {(2 + s * step[0], 2 + s * step[1]) for s in (-1, 0, 1)} == {
        (int(r), int(c)) for r, c in zip(rows, columns, strict=True)
    }


def test_shuffled_lists_give_each_value_once_before_any_comes_again():
    values = Shuffled(tuple(range(6)), np.random.default_rng(0))
    first, second = [[values.draw() for _ in range(6)] for _ in range(2)]
    assert sorted(first) == sorted(second) == list(range(6))
    assert first != second


def test_centres_are_spread_over_the_frame():
    placements = Placements((HEIGHT, WIDTH), 14, np.random.default_rng(0))
    centres = np.array([placements.draw().centre for _ in range(14)])
    assert (centres >= 0).all()
    assert (centres < (HEIGHT, WIDTH)).all()
    cells = {(int(r // placements.cell[0]), int(c // placements.cell[1])) for r, c in centres}
    assert len(cells) == 14
