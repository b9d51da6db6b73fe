"""What a stage may have beyond the paper: its share of the clips, and its effect on one."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from tests.unit.data.pixels import pixels
from tests.unit.data.squares import LENGTH, numbers, shown, stage, write_pair
from ttvos.config.run import Motion
from ttvos.core.errors import UserError
from ttvos.data.augment import covered_labels
from ttvos.data.clips import make_clips
from ttvos.data.layers import VISIBLE


def is_still(clip):
    """A clip made of a still has one image; its frames here are three."""
    return len(clip.layers[0].images) == 1


def first_labels(clip):
    return pixels(clip)[1][0]


def test_half_of_the_clips_run_backwards(davis):
    clips = make_clips(stage("davis", davis, reverse=True, gaps=2), seed=0)
    steps = [tuple(np.diff(numbers(clips[i]))) for i in range(100)]
    assert set(steps) == {(1, 1), (2, 2), (-1, -1), (-2, -2)}
    assert 30 < sum(first < 0 for first, _ in steps) < 70


def test_a_clip_at_whose_end_the_object_is_gone_is_not_reversed(davis):
    for i in range(LENGTH - 3, LENGTH):  # object 1 leaves before the last three frames
        ids = np.zeros((64, 96), np.uint8)
        ids[36:56, 60:80] = 2
        frame = davis / "JPEGImages/480p/squares" / f"{i:05d}.png"
        write_pair(frame, davis / "Annotations/480p/squares" / f"{i:05d}.png", i, ids)
    clips = make_clips(stage("davis", davis, reverse=True), seed=0)
    ends = set()
    for i in range(120):
        clip = clips[i]
        assert (clip.layers[0].labels[0] == 1).sum() > VISIBLE
        if shown(clip) == 1:
            ends.add(max(numbers(clip)) >= LENGTH - 3)
    assert ends == {False, True}


def test_without_reverse_none_runs_backwards(davis):
    clips = make_clips(stage("davis", davis), seed=0)
    assert all(np.diff(numbers(clips[i])).min() > 0 for i in range(30))


def with_stills(davis, stills, **changes):
    return stage("davis", davis, stills_roots=(str(stills),), **changes)


@pytest.mark.parametrize("share", [0.3, 1.0])
def test_a_share_of_a_video_stage_s_clips_is_made_of_stills(davis, stills, share):
    clips = make_clips(with_stills(davis, stills, stills_share=share), seed=0)
    assert len(clips) == 1, "stills do not lengthen an epoch"
    made = np.mean([is_still(clips[i]) for i in range(150)])
    assert abs(made - share) < 0.12
    assert made == 1 or share < 1


def test_a_share_of_the_clips_gets_another_object(davis, stills):
    clips = make_clips(with_stills(davis, stills, paste=0.4), seed=0)
    drawn = [clips[i] for i in range(150)]
    assert not any(is_still(clip) for clip in drawn), "the clips' own stay videos"
    pasted = [clip for clip in drawn if len(clip.layers) == 2]
    assert 0.28 < len(pasted) / 150 < 0.52
    assert 0.3 < np.mean([clip.follow_pasted for clip in pasted]) < 0.7
    for clip in pasted[:20]:
        assert (first_labels(clip) == 1).sum() > VISIBLE


def test_both_objects_are_seen_alike_and_the_followed_one_stays_in_sight(davis, stills):
    """Also where the map takes half of the frame out of sight."""
    varied = {"augment": True, "shift": 0.4, "scale": (1.0, 1.6)}
    clips = make_clips(with_stills(davis, stills, paste=1.0, **varied), seed=0)
    for i in range(60):
        clip = clips[i]
        own, other = clip.layers
        assert np.array_equal(own.lookups[0], other.lookups[0])
        followed = covered_labels(own.labels[0], other.labels[0], clip.follow_pasted)
        assert (first_labels(clip) == 1).sum() * 4 >= (followed == 1).sum()


def test_stills_get_another_object_of_their_own_set(stills):
    clips = make_clips(stage("stills", stills, paste=1.0), seed=0)
    for i in range(10):
        assert [len(layer.images) for layer in clips[i].layers] == [1, 1]


def test_nothing_is_pasted_unless_asked_for(davis, stills):
    for source, root in (("davis", davis), ("stills", stills)):
        clips = make_clips(stage(source, root, augment=True), seed=0)
        assert all(len(clips[i].layers) == 1 for i in range(20))


def object_steps(clips, count=40):
    """Distance, in pixels, that the object's centre goes between two frames; per axis."""
    steps = []
    for i in range(count):
        centres = [np.argwhere(label == 1).mean(axis=0) for label in pixels(clips[i])[1]]
        steps += [np.abs(b - a) for a, b in itertools.pairwise(centres)]
    return np.array(steps)


def test_motion_moves_the_object_of_a_still(stills):
    """Squares of 20 pixels, shifted by up to a quarter of that and neither turned nor zoomed."""
    shifting = Motion(rotation=0, scale=(1, 1), shift=0.25)
    clips = make_clips(stage("stills", stills, warp="affine", motion=shifting), seed=0)
    steps = object_steps(clips)
    assert 4 < steps.max() <= 0.25 * 20 + 0.5
    resting = replace(shifting, shift=0)
    clips = make_clips(stage("stills", stills, warp="affine", motion=resting), seed=0)
    assert object_steps(clips, 5).max() == 0


def test_without_motion_a_still_moves_by_the_stage_s_own_bounds(stills):
    settings = stage("stills", stills, warp="affine", rotation=0, scale=(1.25, 1.25))
    for i in range(5):
        areas = (pixels(make_clips(settings, seed=0)[i])[1] == 1).sum(axis=(1, 2))
        assert areas[1] / areas[0] == pytest.approx(1.25**2, rel=0.1)


def test_shift_moves_the_whole_clip(davis):
    """The same for all frames, by up to a fifth of the frame; without it, nothing is moved."""
    still = {"augment": True, "rotation": 0, "scale": (1, 1)}
    moved = make_clips(stage("davis", davis, shift=0.2, **still), seed=0)
    rows = []
    for i in range(60):
        layer = moved[i].layers[0]
        assert (layer.lookups == layer.lookups[:1]).all()
        rows.append(layer.lookups[0, 1, 1, 1] - 3.5)  # where the first block's middle looks
    assert 0.15 * 63 < np.abs(rows).max() <= 0.2 * 63
    assert min(rows) < 0 < max(rows)
    resting = make_clips(stage("davis", davis, **still), seed=0)
    assert all(resting[i].layers[0].lookups[0, 1, 1, 1] == 3.5 for i in range(10))


def test_sequences_held_out_are_never_seen(tiny_davis):
    settings = stage("davis", tiny_davis)
    both, one = make_clips(settings, 0), make_clips(settings, 0, heldout=("two",))
    assert [video.sequence.name for video in both.items] == ["one", "two"]
    assert [video.sequence.name for video in one.items] == ["one"]
    everything = make_clips(replace(settings, years=(2016, 2017)), 0, heldout=("two",))
    assert {video.sequence.name for video in everything.items} == {"one"}


def test_a_wrong_name_held_out_is_refused(tiny_davis):
    with pytest.raises(UserError, match=r"stage davis: heldout names three, which the split train"):
        make_clips(stage("davis", tiny_davis), 0, heldout=("two", "three"))


def test_holding_out_everything_leaves_no_data(tiny_davis):
    with pytest.raises(UserError, match="no data"):
        make_clips(stage("davis", tiny_davis), 0, heldout=("one", "two"))


def test_heldout_names_do_not_concern_other_sources(sparse, stills):
    for source, root in (("ytvos", sparse), ("stills", stills)):
        assert len(make_clips(stage(source, root), 0, heldout=("v", "squares"))) > 0
