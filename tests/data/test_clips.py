"""Training clips: the right object, labels of three values, the same clip for the same number."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from ttvos.config import Stage
from ttvos.data import clips as module
from ttvos.data.clips import Clip, collate, make_clips, one_object, resize_pair
from ttvos.errors import UserError
from ttvos.video import read_mask, write_mask

LENGTH = 24


def stage(source, *roots, **changes):
    values = {
        "name": source,
        "source": source,
        "roots": tuple(str(root) for root in roots),
        "height": 64,
        "width": 96,
        "frames": 3,
        "batch": 4,
        "learning_rate": 1e-4,
        "steps": 10,
        "augment": False,
    }
    return Stage(**{**values, **changes})


def write_pair(frame_path, mask_path, number, ids):
    """A frame whose red is 8 x its number and whose green is 60 x the pixel's id."""
    frame_path.parent.mkdir(parents=True, exist_ok=True)
    red = np.full_like(ids, 8 * number)
    image = Image.fromarray(np.stack([red, 60 * ids, 0 * ids], axis=-1))
    image.save(frame_path)
    if mask_path is not None:
        write_mask(mask_path, ids)


def two_squares(number, second_from=0):
    """Object 1 moves right by a pixel a frame; object 2 stands still from `second_from` on."""
    ids = np.zeros((64, 96), np.uint8)
    ids[10:30, 5 + number : 25 + number] = 1
    if number >= second_from:
        ids[36:56, 60:80] = 2
    return ids


@pytest.fixture
def davis(tmp_path):
    for i in range(LENGTH):
        ids = two_squares(i, second_from=LENGTH - 2)
        frame = tmp_path / "JPEGImages/480p/squares" / f"{i:05d}.png"
        write_pair(frame, tmp_path / "Annotations/480p/squares" / f"{i:05d}.png", i, ids)
    (tmp_path / "ImageSets/2017").mkdir(parents=True)
    (tmp_path / "ImageSets/2017/train.txt").write_text("squares\n")
    return tmp_path


@pytest.fixture
def sparse(tmp_path):
    stems = [f"{i:05d}" for i in range(LENGTH)]
    for i, stem in enumerate(stems):
        mask = tmp_path / "Annotations/v" / f"{stem}.png" if i % 5 == 0 else None
        write_pair(tmp_path / "JPEGImages/v" / f"{stem}.png", mask, i, two_squares(i, 15))
    objects = {"1": {"frames": stems[::5]}, "2": {"frames": stems[15::5]}}
    (tmp_path / "meta.json").write_text(json.dumps({"videos": {"v": {"objects": objects}}}))
    return tmp_path


@pytest.fixture
def stills(tmp_path):
    for i in range(5):
        (tmp_path / "images").mkdir(exist_ok=True)
        (tmp_path / "ground_truth_mask").mkdir(exist_ok=True)
        mask = (two_squares(3 * i) == 1).astype(np.uint8) * 255
        Image.fromarray(np.repeat(mask[..., None], 3, -1)).save(tmp_path / f"images/{i}.jpg")
        Image.fromarray(mask).save(tmp_path / f"ground_truth_mask/{i}.png")
    return tmp_path


def numbers(clip: Clip) -> list[int]:
    """Which frames of the video the clip shows (see `write_pair`)."""
    return [int(frame[0, 0, 0]) // 8 for frame in clip.frames]


def shown(clip: Clip) -> int:
    """The id of the object that the labels of frame 0 mark."""
    return int(np.median(clip.frames[0, ..., 1][clip.labels[0] == 1])) // 60


def test_consecutive_frames_with_one_visible_object(davis):
    clips = make_clips(stage("davis", davis), seed=0)
    assert len(clips) == 1
    starts, objects = set(), set()
    for i in range(60):
        clip = clips[i]
        first = numbers(clip)[0]
        assert numbers(clip) == [first, first + 1, first + 2]
        assert clip.labels.shape == (3, 64, 96)
        assert set(np.unique(clip.labels)) == {0, 1}
        label = shown(clip)
        for frame, labels in zip(clip.frames, clip.labels, strict=True):
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
        labels = clips[number].labels[0]
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
        assert (clip.labels[0] == 1).sum() > 100
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


@pytest.mark.parametrize("source", ["davis", "stills"])
def test_a_number_always_gives_the_same_clip(source, request):
    root = request.getfixturevalue(source)
    settings = stage(source, root, augment=True)
    forward = make_clips(settings, seed=3)
    first = [forward[i] for i in range(12)]
    backward = make_clips(settings, seed=3)
    for i in reversed(range(12)):
        assert (backward[i].frames == first[i].frames).all()
        assert (backward[i].labels == first[i].labels).all()
    other = make_clips(settings, seed=4)
    assert any((other[i].frames != first[i].frames).any() for i in range(12))
    assert any((first[i].frames != first[0].frames).any() for i in range(1, 12))


def test_the_cache_does_not_change_a_clip(davis, monkeypatch):
    settings = stage("davis", davis, augment=True)
    order = (0, 1, 0, 2, 1)
    cached = make_clips(settings, seed=1)
    expected = [cached[i] for i in order]
    monkeypatch.setattr(module, "CACHE_BYTES", 0)
    uncached = make_clips(settings, seed=1)
    for i, clip in zip(order, expected, strict=True):
        assert (uncached[i].frames == clip.frames).all()
        assert (uncached[i].labels == clip.labels).all()
    assert cached._images.kept
    assert not uncached._images.kept


def test_an_epoch_has_every_still_once_in_an_order_of_its_own(stills):
    clips = make_clips(stage("stills", stills), seed=0)
    assert len(clips) == 5
    epochs = []
    for epoch in range(4):
        # The first frame is the still itself: its object's left edge tells which.
        lefts = [np.nonzero(clips[5 * epoch + i].labels[0] == 1)[1].min() for i in range(5)]
        assert sorted(lefts) == [5, 8, 11, 14, 17]
        epochs.append(tuple(lefts))
    assert len(set(epochs)) > 1


def test_augmented_clips_show_the_object_at_the_start(davis, stills, sparse):
    for source, root in (("davis", davis), ("stills", stills), ("ytvos", sparse)):
        clips = make_clips(stage(source, root, augment=True, rotation=30), seed=0)
        for i in range(25):
            labels = clips[i].labels
            assert set(np.unique(labels)) <= {0, 1, 255}
            assert (labels[0] == 1).sum() >= 25


def test_several_roots_are_joined(stills, davis):
    assert len(make_clips(stage("stills", stills, stills), seed=0)) == 10


def test_frames_are_brought_to_the_stage_s_size(davis, stills):
    for source, root in (("davis", davis), ("stills", stills)):
        clip = make_clips(stage(source, root, height=32, width=64), seed=0)[0]
        assert clip.frames.shape == (3, 32, 64, 3)
        assert clip.labels.shape == (3, 32, 64)
        assert clip.frames.dtype == clip.labels.dtype == np.uint8


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
    assert all((clips[i].labels[0] == 1).any() for i in range(10))


def test_mask_and_frame_of_different_sizes_are_refused(sparse):
    write_mask(sparse / "Annotations/v/00005.png", np.ones((32, 48), np.uint8))
    clips = make_clips(stage("ytvos", sparse), seed=0)
    with pytest.raises(UserError, match=r"00005\.png: 48x32, but its frame has 96x64"):
        [clips[i] for i in range(20)]


def test_a_stage_without_roots_is_refused():
    with pytest.raises(UserError, match="no data"):
        make_clips(stage("stills"), seed=0)


def test_batches_are_normalised_floats_and_labels():
    frames = np.zeros((2, 32, 48, 3), np.uint8)
    frames[..., 1] = 255
    labels = np.zeros((2, 32, 48), np.uint8)
    labels[0, 0, :3] = [0, 1, 255]
    batch = collate([Clip(frames, labels)] * 3)
    assert batch["frames"].shape == (3, 2, 3, 32, 48)
    assert batch["frames"].dtype == torch.float32
    assert batch["labels"].dtype == torch.int64
    assert batch["labels"][0, 0, 0, :3].tolist() == [0, 1, 255]
    expected = [(0 - 0.485) / 0.229, (1 - 0.456) / 0.224, (0 - 0.406) / 0.225]
    np.testing.assert_allclose(batch["frames"][1, 1, :, 5, 5], expected, rtol=1e-5)


def test_clips_are_normalised_as_in_tracking():
    from ttvos.model.tracking import normalise

    frames = np.random.default_rng(0).integers(0, 256, (2, 32, 48, 3), dtype=np.uint8)
    batch = module.collate([module.Clip(frames, np.zeros((2, 32, 48), np.uint8))])
    tracked = normalise(torch.from_numpy(frames).permute(0, 3, 1, 2))
    torch.testing.assert_close(batch["frames"][0], tracked, rtol=0, atol=1e-6)
