"""Variation of clips: bounds of the colours, labels moving with the picture, still warps."""

import numpy as np
import pytest

from ttvos.data.augment import (
    augment,
    jitter_colours,
    map_frames,
    map_labels,
    random_affine,
)
from ttvos.data.warp import random_spline, thin_plate_spline, warp_clip

HEIGHT, WIDTH = 96, 160


def disc(row=50, column=80, radius=22):
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    return ((rows - row) ** 2 + (columns - column) ** 2 <= radius**2).astype(np.uint8)


def painted(mask):
    """A picture that is white on the object and black elsewhere."""
    return np.repeat((255 * (mask == 1)).astype(np.uint8)[..., None], 3, axis=-1)


def disagreement(frames, labels):
    """Share of the pixels that count where the picture says otherwise than the labels."""
    known = labels != 255
    return ((frames[..., 0] > 127) != (labels == 1))[known].mean()


@pytest.mark.parametrize("kind", ["tps", "affine"])
def test_warps_move_picture_and_mask_together(kind):
    mask = disc()
    for seed in range(8):
        rng = np.random.default_rng(seed)
        frames, labels = warp_clip(painted(mask), mask, 4, rng, kind)
        assert frames.shape == (4, HEIGHT, WIDTH, 3)
        assert labels.shape == (4, HEIGHT, WIDTH)
        assert set(np.unique(labels)) <= {0, 1, 255}
        assert (frames[0] == painted(mask)).all()
        assert (labels[0] == mask).all()
        # A black mirrored border may hold a piece of the disc only where labels are 255.
        assert disagreement(frames, labels) < 0.01
        assert (labels[1] != labels[0]).any()
        assert (labels[2] != labels[1]).any()


def test_what_a_warp_brings_in_from_beyond_the_still_is_ignored():
    mask = disc(column=10)  # cut by the left border, so that a mirrored piece would show
    rng = np.random.default_rng(0)
    frames, labels = warp_clip(painted(mask), mask, 2, rng, "affine", 10, (0.6, 0.6))
    assert (labels[1] == 255).mean() > 0.1
    assert ((frames[1, ..., 0] > 127) & (labels[1] == 255)).any()
    assert disagreement(frames, labels) < 0.01


def test_warped_frames_keep_the_object_in_sight():
    mask = disc(radius=12)
    for seed in range(20):
        _, labels = warp_clip(painted(mask), mask, 6, np.random.default_rng(seed), "affine", 60)
        assert ((labels == 1).sum(axis=(1, 2)) >= mask.sum() / 4).all()


def test_spline_takes_control_points_where_they_belong():
    rng = np.random.default_rng(0)
    output = rng.uniform(0, 100, (5, 2))
    source = output + rng.uniform(-8, 8, (5, 2))
    np.testing.assert_allclose(thin_plate_spline(output, source)(output), source, atol=1e-6)
    still = thin_plate_spline(output, output)
    elsewhere = rng.uniform(-50, 150, (30, 2))
    np.testing.assert_allclose(still(elsewhere), elsewhere, atol=1e-6)


def test_spline_moves_points_by_about_a_tenth_of_the_box():
    box = (40.0, 20.0, 120.0, 70.0)
    moves = []
    for seed in range(50):
        centre = np.array([[80.0, 45.0]])
        moves.append(random_spline(np.random.default_rng(seed), box)(centre) - centre)
    moves = np.abs(np.concatenate(moves))
    assert moves[:, 0].max() < 0.2 * 80
    assert moves[:, 1].max() < 0.2 * 50
    assert moves[:, 0].max() > 0.03 * 80


def test_spline_clip_is_composed_of_its_warps():
    """Frame 2 differs from the still by more than one warp: displacements add up."""
    mask = disc()
    overlap = np.zeros(3)
    for seed in range(12):
        _, labels = warp_clip(painted(mask), mask, 4, np.random.default_rng(seed))
        for t in range(1, 4):
            now = labels[t] == 1
            overlap[t - 1] += (now & (mask == 1)).sum() / (now | (mask == 1)).sum() / 12
    assert 1 > overlap[0] > overlap[1] > overlap[2] > 0.4


def test_affine_maps_labels_with_the_picture_and_ignores_what_lies_beyond():
    labels = np.stack([disc(), disc(column=90)])
    frames = painted(labels)
    matrix = random_affine(np.random.default_rng(3), (HEIGHT, WIDTH), 20, (0.7, 0.7))
    moved, known = map_frames(frames, matrix), map_labels(labels, matrix)
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


def test_a_clip_is_mapped_and_flipped_as_one():
    """A still disc stays still: all frames and labels of a clip go the same way."""
    labels = np.stack([disc(column=60)] * 3)
    flips = set()
    for seed in range(20):
        rng = np.random.default_rng(seed)
        frames, varied = augment(painted(labels), labels, rng, 15, (0.75, 1.25))
        assert (frames == frames[:1]).all()
        assert (varied == varied[:1]).all()
        assert disagreement(frames, varied) < 0.01
        assert (varied[0] == 1).sum() * 4 >= labels[0].sum()
        flips.add(np.nonzero(varied[0] == 1)[1].mean() > (WIDTH - 1) / 2)
    assert flips == {False, True}


def test_void_stays_ignored():
    labels = disc()[None].copy()
    labels[0, :10] = 255
    for seed in range(5):
        rng = np.random.default_rng(seed)
        _, varied = augment(painted(labels), labels, rng, 0, (1, 1))
        assert (varied[0, :10] == 255).all()
        assert (varied[0, 10:] != 255).all()


def test_colours_change_within_bounds_and_alike_in_all_frames():
    frame = np.random.default_rng(1).integers(60, 190, (8, 12, 3), dtype=np.uint8)
    frames = np.stack([frame] * 3)
    ratios, grays = [], 0
    for seed in range(300):
        jittered = jitter_colours(frames, np.random.default_rng(seed))
        assert (jittered == jittered[:1]).all()
        ratios.append(jittered.mean() / frames.mean())
        grays += (np.ptp(jittered[0].astype(int), axis=-1) <= 1).all()
    assert 0.7 < min(ratios) < 0.8
    assert 1.2 < max(ratios) < 1.3
    assert 15 <= grays <= 50  # one in ten


def test_hue_turns_by_at_most_a_tenth_of_the_circle():
    red = np.zeros((1, 4, 4, 3), np.uint8)
    red[..., 0] = 200
    seen = set()
    for seed in range(60):
        r, g, b = (int(x) for x in jitter_colours(red, np.random.default_rng(seed))[0, 0, 0])
        assert r >= max(g, b)
        seen.add("green" if g > b else "blue" if b > g else "neither")
    assert {"green", "blue"} <= seen
