"""Variation of clips: bounds of what is drawn, and labels moving with the picture."""

import numpy as np
import pytest

from tests.unit.data.pixels import disagreement, disc, painted, pixels, video_scene
from ttvos.data.augment import draw_colours, draw_view
from ttvos.data.layers import Clip
from ttvos.data.warp import affine, chain, flip, map_mask, random_affine, unchanged

HEIGHT, WIDTH = 96, 160


def seen(frames, labels, view, colours=None):
    """Frames and labels of a video through a view."""
    return pixels(Clip((video_scene(frames, labels).seen(view),), colours=colours))


def test_affine_maps_labels_with_the_picture_and_ignores_what_lies_beyond():
    labels = np.stack([disc(), disc(column=90)])
    matrix = random_affine(np.random.default_rng(3), (HEIGHT, WIDTH), 20, (0.7, 0.7))
    moved, known = seen(painted(labels), labels, affine(matrix))
    assert (known == 255).any()
    assert disagreement(moved, known) < 0.01
    # Zoom 0.7 leaves about half of the disc's area (the shear keeps it).
    assert (known[0] == 1).sum() == pytest.approx(0.49 * labels[0].sum(), rel=0.1)


def test_affine_stays_within_its_bounds():
    for seed in range(50):
        matrix = random_affine(np.random.default_rng(seed), (HEIGHT, WIDTH), 15, (0.75, 1.25))
        forward = np.linalg.inv(matrix[:, :2])
        assert 0.75 <= np.sqrt(np.linalg.det(forward)) <= 1.25
        assert abs(np.rad2deg(np.arctan2(forward[1, 0], forward[0, 0]))) <= 15
        centre = np.array([(WIDTH - 1) / 2, (HEIGHT - 1) / 2])
        np.testing.assert_allclose(matrix[:, :2] @ centre + matrix[:, 2], centre)


def test_shift_moves_the_centre_by_up_to_its_share_of_the_frame():
    last = np.array([WIDTH, HEIGHT]) - 1
    moves = []
    for seed in range(80):
        matrix = random_affine(np.random.default_rng(seed), (HEIGHT, WIDTH), 0, (1, 1), 0.15)
        np.testing.assert_allclose(matrix[:, :2], np.eye(2))
        moves.append(-matrix[:, 2] / last)  # the picture moves against the lookup
    moves = np.array(moves)
    assert 0.12 < np.abs(moves).max() <= 0.15
    assert (moves.min(axis=0) < -0.1).all()
    assert (moves.max(axis=0) > 0.1).all()


def test_a_shift_of_five_columns_is_one_of_the_picture():
    label = disc(column=60)
    moved = affine(np.array([[1.0, 0, -5], [0, 1, 0]]))
    frames, labels = seen(painted(label)[None], label[None], moved)
    assert (labels[0, :, 5:] == label[:, :-5]).all()
    assert (labels[0, :, :5] == 255).all()
    assert (frames[0, :, 5:] == painted(label)[:, :-5]).all()


def test_a_clip_is_mapped_and_flipped_as_one():
    """A still disc stays still: all frames and labels of a clip go the same way."""
    labels = np.stack([disc(column=60)] * 3)
    flips = set()
    for seed in range(20):
        rng = np.random.default_rng(seed)
        view = draw_view(labels[0], rng, 15, (0.75, 1.25))
        frames, varied = seen(painted(labels), labels, view)
        assert (frames == frames[:1]).all()
        assert (varied == varied[:1]).all()
        assert disagreement(frames, varied) < 0.01
        assert (varied[0] == 1).sum() * 4 >= labels[0].sum()
        flips.add(np.nonzero(varied[0] == 1)[1].mean() > (WIDTH - 1) / 2)
    assert flips == {False, True}


def test_half_of_the_clips_are_flipped():
    label = disc(column=40)
    flipped = 0
    for seed in range(200):
        label_seen = map_mask(label, draw_view(label, np.random.default_rng(seed), 0, (1, 1)))
        flipped += np.array_equal(label_seen, label[:, ::-1])
        assert np.array_equal(label_seen, label) or np.array_equal(label_seen, label[:, ::-1])
    assert 75 <= flipped <= 125


def test_flipping_is_exact_and_comes_after_the_map():
    label = disc(column=40)
    assert np.array_equal(map_mask(label, flip(WIDTH)), label[:, ::-1])
    view = affine(random_affine(np.random.default_rng(5), (HEIGHT, WIDTH), 25, (0.8, 0.8)))
    both = map_mask(label, chain([view, flip(WIDTH)]))
    # Positions half way between two pixels may be rounded either way.
    assert (both != map_mask(label, view)[:, ::-1]).mean() < 0.001


def test_a_clip_is_mapped_and_then_flipped():
    """The map is the one that the same random numbers give; half of the views are mirrored."""
    label = disc(column=60)
    mirrored = set()
    for seed in range(10):
        rng = np.random.default_rng(seed)
        matrix = random_affine(rng, label.shape, 20, (0.8, 1.2), 0.1)
        mapped = map_mask(label, affine(matrix))
        view = draw_view(label, np.random.default_rng(seed), 20, (0.8, 1.2), 0.1)
        differs = [(map_mask(label, view) != way).mean() for way in (mapped, mapped[:, ::-1])]
        assert min(differs) < 0.001
        mirrored.add(bool(differs[1] < differs[0]))
    assert mirrored == {False, True}


def test_a_map_that_loses_the_object_is_drawn_again_up_to_five_times():
    """Most maps shift this object out of sight, but few clips stay unmapped."""
    label = disc(row=10, column=10, radius=8)
    lost, unmapped = 0, 0
    for seed in range(200):
        matrix = random_affine(np.random.default_rng(seed), label.shape, 0, (1, 1), 0.5)
        lost += (map_mask(label, affine(matrix)) == 1).sum() * 4 < label.sum()
        after = map_mask(label, draw_view(label, np.random.default_rng(seed), 0, (1, 1), 0.5))
        assert (after == 1).sum() * 4 >= label.sum()
        unmapped += np.array_equal(after, label) or np.array_equal(after, label[:, ::-1])
    assert 0.5 < lost / 200 < 0.8
    assert unmapped / 200 == pytest.approx((lost / 200) ** 5, abs=0.06)


def test_void_stays_ignored():
    label = disc()
    label[:10] = 255
    for seed in range(5):
        view = draw_view(label, np.random.default_rng(seed), 0, (1, 1))
        _, varied = seen(painted(label)[None], label[None], view)
        assert (varied[0, :10] == 255).all()
        assert (varied[0, 10:] != 255).all()


def coloured(frame, seed, count=1):
    """`count` equal frames after the colours of a seed."""
    frames = np.stack([frame] * count)
    labels = np.zeros(frames.shape[:3], np.uint8)
    return seen(frames, labels, unchanged, draw_colours(np.random.default_rng(seed)))[0]


def test_colours_change_within_bounds_and_alike_in_all_frames():
    frame = np.random.default_rng(1).integers(60, 190, (8, 12, 3), dtype=np.uint8)
    ratios, grays = [], 0
    for seed in range(300):
        jittered = coloured(frame, seed, 3)
        assert (jittered == jittered[:1]).all()
        ratios.append(jittered.mean() / frame.mean())
        grays += (np.ptp(jittered[0].astype(int), axis=-1) <= 1).all()
    assert 0.7 < min(ratios) < 0.8
    assert 1.2 < max(ratios) < 1.3
    assert 15 <= grays <= 50  # one in ten


def test_hue_turns_by_at_most_a_tenth_of_the_circle():
    red = np.zeros((4, 4, 3), np.uint8)
    red[..., 0] = 200
    seen_hues = set()
    for seed in range(60):
        r, g, b = (int(x) for x in coloured(red, seed)[0, 0, 0])
        assert r >= max(g, b)
        seen_hues.add("green" if g > b else "blue" if b > g else "neither")
    assert {"green", "blue"} <= seen_hues


def test_colours_are_drawn_evenly_from_their_ranges():
    drawn = np.stack([draw_colours(np.random.default_rng(seed)) for seed in range(600)])
    gray = drawn[:, 2] == 0
    assert 30 <= gray.sum() <= 90
    assert (drawn[gray, 3] == 0).all()
    for column, low, high in ((0, 0.75, 1.25), (1, 0.75, 1.25), (2, 0.75, 1.25), (3, -0.1, 0.1)):
        values = drawn[~gray, column]
        assert low <= values.min() < low + 0.02 * (high - low)
        assert high >= values.max() > high - 0.02 * (high - low)
        assert values.mean() == pytest.approx((low + high) / 2, abs=0.05 * (high - low))
