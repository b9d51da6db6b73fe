"""A second object in a clip: whose labels stay, what is drawn where, and the share of clips."""

import numpy as np

from tests.unit.data.pixels import disc, painted, pixels, still_scene, video_scene
from ttvos.data.augment import covered_labels, draw_followed
from ttvos.data.layers import VISIBLE, Clip, Scene
from ttvos.data.warp import affine, unchanged

OWN, OTHER = disc(column=60), disc(column=90)
HIDES = disc(column=60, radius=40)  # covers OWN wholly
COVERED = (OWN == 1) & (OTHER == 1)


def pair(follow, under=OWN, above=OTHER, view=unchanged, warps=(unchanged, unchanged)):
    """Frames and labels of a grey clip under a white pasted disc."""
    frames = np.full((len(warps), *under.shape, 3), 100, np.uint8)
    below = video_scene(frames, np.stack([under] * len(warps)))
    layers = (below.seen(view), still_scene(above, list(warps)).seen(view))
    return pixels(Clip(layers, follow))


def test_labels_of_the_object_that_is_covered():
    labels = covered_labels(OWN, OTHER, follow_pasted=False)
    assert (labels == np.where(COVERED, 0, OWN)).all()
    assert labels.dtype == np.uint8
    assert np.array_equal(OWN, disc(column=60))


def test_labels_of_the_object_that_covers():
    assert (covered_labels(OWN, OTHER, follow_pasted=True) == OTHER).all()


def test_void_under_a_pasted_object_is_known():
    void = OWN.copy()
    void[:, 80:] = 255
    kept = covered_labels(void, OTHER, follow_pasted=False)
    assert (kept[OTHER == 1] == 0).all()
    assert (kept[:, 80:][OTHER[:, 80:] == 0] == 255).all()
    assert set(np.unique(covered_labels(void, OTHER, follow_pasted=True))) == {0, 1}


def test_the_pixels_follow_the_same_rule():
    for follow in (False, True):
        _, labels = pair(follow)
        assert (labels == covered_labels(OWN, OTHER, follow)).all()


def test_the_pasted_object_lies_on_top_with_a_soft_edge():
    """White on grey: 255 inside, 100 outside, and in between along the edge, a pixel wide."""
    white = Scene(np.full((1, *OTHER.shape, 3), 255, np.uint8), OTHER[None], [unchanged])
    grey = video_scene(np.full((1, *OWN.shape, 3), 100, np.uint8), OWN[None])
    frames, _ = pixels(Clip((grey.seen(unchanged), white.seen(unchanged))))
    frame = frames[0, ..., 0]
    inside = np.minimum.reduce([np.roll(OTHER, move, (0, 1)) for move in moves()])
    outside = np.maximum.reduce([np.roll(OTHER, move, (0, 1)) for move in moves()])
    assert (frame[inside == 1] == 255).all()
    assert (frame[outside == 0] == 100).all()
    edge = frame[(inside == 0) & (outside == 1)]
    assert ((edge > 100) & (edge < 255)).all()
    assert len(np.unique(edge)) > 3


def moves():
    return [(row, column) for row in (-1, 0, 1) for column in (-1, 0, 1)]


def test_the_pasted_object_moves_by_its_own_warps():
    left = affine(np.array([[1.0, 0, 12], [0, 1, 0]]))
    frames, labels = pair(True, warps=(unchanged, left))
    assert (labels[0] == OTHER).all()
    assert (labels[1][:, :-12] == OTHER[:, 12:]).all()
    assert (labels[1][:, -12:] == 255).all(), "beyond the pasted still nothing is known"
    assert (frames[1] != frames[0]).any()


def test_both_are_seen_through_the_same_view():
    """A view moves clip and pasted object alike: the covered share of the clip's own stays."""
    view = affine(np.array([[1.0, 0, -7], [0, 1, 5]]))
    before = pair(False)[1]
    after = pair(False, view=view)[1]
    assert ((after == 1).sum(axis=(1, 2)) == (before == 1).sum(axis=(1, 2))).all()
    assert (after[:, :-5, 7:] == before[:, 5:, :-7]).all()


def test_the_followed_object_is_visible_in_frame_0():
    rng = np.random.default_rng(0)
    assert all(draw_followed(OWN, HIDES, rng) for _ in range(50)), "the clip's own is hidden"
    almost = HIDES.copy()
    almost[np.unravel_index(np.flatnonzero(OWN)[:VISIBLE], OWN.shape)] = 0
    assert all(draw_followed(OWN, almost, rng) for _ in range(50))
    almost[np.unravel_index(np.flatnonzero(OWN)[VISIBLE], OWN.shape)] = 0
    drawn = [draw_followed(OWN, almost, rng) for _ in range(50)]
    assert 10 < sum(drawn) < 40, "one pixel more, and each is followed by half"


def test_pasting_leaves_the_sources_as_they_are():
    under, above = painted(OWN), painted(OTHER)
    clip = Clip(
        (
            video_scene(under[None], OWN[None]).seen(unchanged),
            still_scene(OTHER, [unchanged]).seen(unchanged),
        ),
        True,
        np.array([0.8, 1.2, 0.9, 0.05], np.float32),
    )
    first = pixels(clip)
    second = pixels(clip)
    assert (first[0] == second[0]).all()
    assert (clip.layers[0].images[0] == under).all()
    assert (clip.layers[1].images[0] == above).all()
