"""Clips of one still: warps that compose, keep the object in sight, and move as configured."""

from itertools import pairwise

import cv2
import numpy as np
import pytest

from tests.unit.data.pixels import disagreement, disc, painted, pixels, still_scene
from ttvos.data.layers import Clip
from ttvos.data.warp import (
    STEP,
    affine,
    chain,
    coarse_lookup,
    map_mask,
    random_affine,
    random_spline,
    still_warps,
    thin_plate_spline,
    unchanged,
)

HEIGHT, WIDTH = 96, 160


def warp_clip(mask, frames, seed, *settings):
    """Frames and labels of a clip made of a painted still."""
    warps = still_warps(mask, frames, np.random.default_rng(seed), *settings)
    return pixels(Clip((still_scene(mask, warps).seen(unchanged),)))


@pytest.mark.parametrize("kind", ["tps", "affine"])
def test_warps_move_picture_and_mask_together(kind):
    mask = disc()
    for seed in range(8):
        frames, labels = warp_clip(mask, 4, seed, kind)
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
    frames, labels = warp_clip(mask, 2, 0, "affine", 10, (0.6, 0.6))
    assert (labels[1] == 255).mean() > 0.1
    assert ((frames[1, ..., 0] > 127) & (labels[1] == 255)).any()
    assert disagreement(frames, labels) < 0.01


def test_warped_frames_keep_the_object_in_sight():
    mask = disc(radius=12)
    for seed in range(20):
        _, labels = warp_clip(mask, 6, seed, "affine", 60)
        assert ((labels == 1).sum(axis=(1, 2)) >= mask.sum() / 4).all()


def test_a_warp_out_of_sight_is_left_out_and_the_object_rests():
    mask = disc(row=8, column=8, radius=7)
    rests = 0
    for seed in range(20):
        warps = still_warps(mask, 4, np.random.default_rng(seed), "affine", 0, (1, 1), 2.0)
        labels = [map_mask(mask, warp) for warp in warps]
        assert all((label == 1).sum() * 4 >= mask.sum() for label in labels)
        rests += sum(np.array_equal(a, b) for a, b in pairwise(labels))
    assert rests > 10


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
        _, labels = warp_clip(mask, 4, seed)
        for t in range(1, 4):
            now = labels[t] == 1
            overlap[t - 1] += (now & (mask == 1)).sum() / (now | (mask == 1)).sum() / 12
    assert 1 > overlap[0] > overlap[1] > overlap[2] > 0.4


def test_motion_shifts_by_a_share_of_the_object_s_box():
    """Motion.shift: between two frames, of a disc of 45 pixels, within and up to its bound."""
    mask = disc()
    moves = []
    for seed in range(40):
        warps = still_warps(mask, 3, np.random.default_rng(seed), "affine", 0, (1, 1), 0.2)
        centres = [np.argwhere(map_mask(mask, warp) == 1).mean(axis=0) for warp in warps]
        moves += list(np.diff(centres, axis=0))
    moves = np.abs(moves)
    assert 0.15 * 45 < moves.max() <= 0.2 * 45 + 1
    assert (moves.max(axis=0) > 0.15 * 45).all()


def test_motion_scales_between_two_frames():
    """Motion.scale: zooms multiply along the clip."""
    mask = disc(radius=12)
    _, labels = warp_clip(mask, 4, 0, "affine", 0, (1.2, 1.2), 0.0)
    areas = (labels == 1).sum(axis=(1, 2))
    np.testing.assert_allclose(areas[1:] / areas[:-1], 1.44, rtol=0.06)


@pytest.mark.parametrize(("radius", "zoom"), [(8, 1.25), (16, 0.8)])
def test_each_frame_moves_from_where_the_object_was(radius, zoom):
    """Zoom about the object's place in the frame before: its centre moves by the shift alone,
    which is a share of its size there."""
    mask = disc(radius=radius)
    for seed in range(12):
        rng = np.random.default_rng(seed)
        warps = still_warps(mask, 5, rng, "affine", 0, (zoom, zoom), 0.3)
        places = [np.argwhere(map_mask(mask, warp) == 1) for warp in warps]
        if any((place == 0).any() or (place == [HEIGHT - 1, WIDTH - 1]).any() for place in places):
            continue  # cut by the border, the centre is not to be seen
        for before, after in pairwise(places):
            step = np.abs(after.mean(axis=0) - before.mean(axis=0))
            extent = before.max(axis=0) - before.min(axis=0) + 1
            assert (step <= 0.3 * extent + 0.7).all()


def test_a_chain_leads_from_the_last_warp_to_the_first():
    double = affine(np.array([[2.0, 0, 0], [0, 2, 0]]))
    right = affine(np.array([[1.0, 0, 3], [0, 1, 0]]))
    assert chain([double, right])(np.array([[1.0, 1.0]])).tolist() == [[8, 2]]
    assert chain([])(np.array([[1.0, 1.0]])).tolist() == [[1, 1]]


def coarse_errors(kind, seed):
    """How far, in pixels, a clip's last lookup between coarse points is from the warp itself."""
    size = (HEIGHT, WIDTH)
    rng = np.random.default_rng(seed)
    view = affine(random_affine(rng, size, 20, (0.75, 1.25), 0.1))
    warp = chain([still_warps(disc(), 4, rng, kind)[-1], view])
    coarse = coarse_lookup(warp, size)
    assert coarse.shape == (HEIGHT // STEP + 3, WIDTH // STEP + 3, 2)
    fine = cv2.resize(coarse, None, fx=STEP, fy=STEP)[STEP : STEP + HEIGHT, STEP : STEP + WIDTH]
    points = np.stack(np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT)), axis=-1).reshape(-1, 2)
    return np.linalg.norm(fine.reshape(-1, 2) - warp(points), axis=-1)


def test_coarse_lookups_stand_for_the_whole_frame():
    """Affine maps lose nothing between the coarse points, splines little."""
    for seed in range(5):
        assert coarse_errors("affine", seed).max() < 1e-3
        errors = coarse_errors("tps", seed)
        assert errors.mean() < 0.15
        assert np.percentile(errors, 99) < 1.5
