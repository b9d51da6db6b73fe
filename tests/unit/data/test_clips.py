"""Training clips: the right object, labels of three values, the same clip for the same number."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tests.unit.data.pixels import pixels
from tests.unit.data.squares import LENGTH, numbers, same, shown, stage
from ttvos.config.run import Stage
from ttvos.core.errors import UserError
from ttvos.core.video import read_mask, write_mask
from ttvos.data import clips as images
from ttvos.data.clips import make_clips, one_object, resize_pair


def test_consecutive_frames_with_one_visible_object(davis):
    clips = make_clips(stage("davis", davis), seed=0)
    assert len(clips) == 1
    starts, objects = set(), set()
    for i in range(60):
        clip = clips[i]
        first = numbers(clip)[0]
        assert numbers(clip) == [first, first + 1, first + 2]
        frames, all_labels = pixels(clip)
        assert all_labels.shape == (3, 64, 96)
        assert set(np.unique(all_labels)) == {0, 1}
        label = shown(clip)
        for frame, labels in zip(frames, all_labels, strict=True):
            assert ((frame[..., 1] == 60 * label) == (labels == 1)).all()
        starts.add(first)
        objects.add(label)
    # Every start leaves room for a whole clip; object 2 appears too late for any of them.
    assert starts <= set(range(LENGTH - 2))
    assert len(starts) > 15
    assert objects == {1}


def test_years_are_read_each_in_its_way(tiny_davis):
    both = Stage("d", "davis", (str(tiny_davis),), 64, 96, 2, 1, 0.001, steps=1, augment=False)
    clips = make_clips(replace(both, years=(2016, 2017)), seed=0)
    assert len(clips) == 4
    masks = [read_mask(path, 2017) for path in sorted(tiny_davis.rglob("two/*.png"))]
    merged, single = set(), set()
    for number in range(40):
        labels = pixels(clips[number])[1][0]
        merged |= {t for t, mask in enumerate(masks) if np.array_equal(labels, mask > 0)}
        single |= {t for t, mask in enumerate(masks) if np.array_equal(labels, mask == 1)}
    assert merged
    assert single


def test_gaps_widen_the_step(davis):
    clips = make_clips(stage("davis", davis, gaps=3), seed=0)
    steps = {tuple(np.diff(numbers(clips[i]))) for i in range(40)}
    assert steps == {(1, 1), (2, 2), (3, 3)}


def test_sparse_masks_are_honoured(sparse):
    clips = make_clips(stage("ytvos", sparse), seed=0)
    seen, objects = set(), set()
    for i in range(60):
        clip = clips[i]
        assert all(n % 5 == 0 for n in numbers(clip))
        assert set(np.diff(numbers(clip))) == {5}
        assert (clip.layers[0].labels[0] == 1).sum() > 100
        seen.add(numbers(clip)[0])
        objects.add(shown(clip))
    assert seen == {0, 5, 10}
    assert objects == {1}


def test_a_short_video_is_played_to_and_fro(sparse):
    clips = make_clips(stage("ytvos", sparse, frames=8), seed=0)
    order = [0, 5, 10, 15, 20, 15, 10, 5]
    objects = set()
    for i in range(40):
        shown_numbers = numbers(clips[i])
        assert len(shown_numbers) == 8
        assert set(np.abs(np.diff(shown_numbers))) == {5}
        assert sorted(shown_numbers) == sorted(order)
        objects.add(shown(clips[i]))
    assert objects == {1, 2}, "an object that appears late is chosen when a clip starts there"


EXTRAS = {"paste": 0.5, "gaps": 3, "reverse": True, "shift": 0.1, "augment": True}


@pytest.mark.parametrize("source", ["davis", "stills"])
def test_a_number_always_gives_the_same_clip(source, request):
    root = request.getfixturevalue(source)
    others = {}
    if source == "davis":
        others = {"stills_roots": (str(request.getfixturevalue("stills")),), "stills_share": 0.3}
    settings = stage(source, root, **EXTRAS, **others)
    forward = make_clips(settings, seed=3)
    first = [forward[i] for i in range(12)]
    assert {len(clip.layers) for clip in first} == {1, 2}
    backward = make_clips(settings, seed=3)
    assert all(same(backward[i], first[i]) for i in reversed(range(12)))
    other = make_clips(settings, seed=4)
    assert not any(same(other[i], first[i]) for i in range(12))
    assert not any(same(first[i], first[0]) for i in range(1, 12))


def test_the_cache_does_not_change_a_clip(davis, monkeypatch):
    settings = stage("davis", davis, augment=True)
    order = (0, 1, 0, 2, 1)
    cached = make_clips(settings, seed=1)
    expected = [cached[i] for i in order]
    monkeypatch.setattr(images, "CACHE_BYTES", 0)
    uncached = make_clips(settings, seed=1)
    for i, clip in zip(order, expected, strict=True):
        assert same(uncached[i], clip)
    assert cached._images.kept
    assert not uncached._images.kept


def test_an_epoch_has_every_still_once_in_an_order_of_its_own(stills):
    clips = make_clips(stage("stills", stills), seed=0)
    assert len(clips) == 5
    epochs = []
    for epoch in range(4):
        # The first frame is the still itself: its object's left edge tells which.
        lefts = [np.nonzero(clips[5 * epoch + i].layers[0].labels[0])[1].min() for i in range(5)]
        assert sorted(lefts) == [5, 8, 11, 14, 17]
        epochs.append(tuple(lefts))
    assert len(set(epochs)) > 1


def test_augmented_clips_show_the_object_at_the_start(davis, stills, sparse):
    for source, root in (("davis", davis), ("stills", stills), ("ytvos", sparse)):
        clips = make_clips(stage(source, root, augment=True, rotation=30), seed=0)
        for i in range(25):
            labels = pixels(clips[i])[1]
            assert set(np.unique(labels)) <= {0, 1, 255}
            assert (labels[0] == 1).sum() >= 25


def test_several_roots_are_joined(stills, davis):
    assert len(make_clips(stage("stills", stills, stills), seed=0)) == 10


def test_frames_are_brought_to_the_stage_s_size(davis, stills):
    for source, root in (("davis", davis), ("stills", stills)):
        clip = make_clips(stage(source, root, height=32, width=64), seed=0)[0]
        layer = clip.layers[0]
        assert layer.images.shape[1:] == (32, 64, 3)
        assert layer.labels.shape == (3 if source == "davis" else 1, 32, 64)
        assert layer.images.dtype == layer.labels.dtype == np.uint8
        frames, labels = pixels(clip)
        assert frames.shape == (3, 32, 64, 3)
        assert labels.shape == (3, 32, 64)


def test_resizing_keeps_ids_as_they_are():
    ids = np.zeros((40, 60), np.uint8)
    ids[10:30, 20:40] = 7
    ids[:5] = 255
    image = np.repeat(ids[..., None], 3, -1)
    frame, small = resize_pair(image, ids, 16, 32)
    assert set(np.unique(small)) == {0, 7, 255}
    assert frame.shape == (16, 32, 3)


def test_one_object_of_several():
    ids = np.array([[0, 1, 2, 255]], np.uint8)
    assert one_object(ids, 2).tolist() == [[0, 0, 1, 255]]


def test_masks_without_any_object_are_refused(davis, tmp_path):
    for path in (tmp_path / "Annotations/480p/squares").iterdir():
        ids = np.zeros((64, 96), np.uint8)
        ids[:5, :5] = 1
        write_mask(path, ids)
    clips = make_clips(stage("davis", davis), seed=0)
    with pytest.raises(UserError, match=r"stage davis: no mask under .* more than 100 pixels"):
        clips[0]


def test_an_item_without_object_is_passed_over(stills):
    Image.fromarray(np.zeros((64, 96), np.uint8)).save(stills / "ground_truth_mask/0.png")
    clips = make_clips(stage("stills", stills), seed=0)
    assert all((clips[i].layers[0].labels[0] == 1).any() for i in range(10))


def test_mask_and_frame_of_different_sizes_are_refused(sparse):
    write_mask(sparse / "Annotations/v/00005.png", np.ones((32, 48), np.uint8))
    clips = make_clips(stage("ytvos", sparse), seed=0)
    with pytest.raises(UserError, match=r"00005\.png: 32x48, but its frame has 64x96"):
        [clips[i] for i in range(20)]


def test_a_stage_without_roots_is_refused():
    with pytest.raises(UserError, match="no data"):
        make_clips(stage("stills"), seed=0)
