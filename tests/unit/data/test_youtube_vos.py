"""Sparse videos: masks only where there are any, and meta.json's word checked."""

import json

import numpy as np
import pytest
from PIL import Image

from ttvos.core.errors import UserError
from ttvos.core.video import write_mask
from ttvos.data.layouts.ytvos import load_sparse_sequences


@pytest.fixture
def root(tmp_path):
    """One video of 11 frames, masks on 0, 5 and 10; object 2 appears at frame 5."""
    for i in range(11):
        path = tmp_path / "train/JPEGImages/video" / f"{i:05d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((32, 48, 3), 9 * i, np.uint8)).save(path)
    for i in (0, 5, 10):
        ids = np.zeros((32, 48), np.uint8)
        ids[4:16, 4:16] = 1
        ids[18:30, 20:40] = 2 if i else 0
        write_mask(tmp_path / "train/Annotations/video" / f"{i:05d}.png", ids)
    objects = {
        "1": {"category": "cat", "frames": ["00000", "00005", "00010"]},
        "2": {"category": "dog", "frames": ["00005", "00010"]},
    }
    write_meta(tmp_path, {"videos": {"video": {"objects": objects}}})
    return tmp_path


def write_meta(root, value):
    (root / "train/meta.json").write_text(json.dumps(value))


@pytest.mark.parametrize("below", ["", "train"])
def test_frames_without_mask_have_none(root, below):
    (sequence,) = load_sparse_sequences(root / below)
    assert sequence.name == "video"
    assert [path.stem for path in sequence.frames] == [f"{i:05d}" for i in range(11)]
    stems = [mask.stem if mask else None for mask in sequence.masks]
    assert stems == [f"{i:05d}" if i % 5 == 0 else None for i in range(11)]


def test_frames_without_masks_may_be_left_out_of_the_copy(root):
    """YouTube-VOS's usual archive has the annotated frames only."""
    for path in (root / "train/JPEGImages/video").iterdir():
        if int(path.stem) % 5:
            path.unlink()
    (sequence,) = load_sparse_sequences(root)
    assert [path.stem for path in sequence.frames] == [path.stem for path in sequence.masks]


def test_missing_meta_is_named(root):
    (root / "train/meta.json").unlink()
    with pytest.raises(UserError, match=r"meta\.json: no such file"):
        load_sparse_sequences(root)


@pytest.mark.parametrize("meta", [{}, [], {"videos": {}}])
def test_meta_without_videos_is_refused(root, meta):
    write_meta(root, meta)
    with pytest.raises(UserError, match="names no videos"):
        load_sparse_sequences(root)


@pytest.mark.parametrize("video", [{}, {"objects": []}, {"objects": {"1": {}}}, 3])
def test_meta_of_another_form_is_refused(root, video):
    write_meta(root, {"videos": {"video": video}})
    with pytest.raises(UserError, match="video video: expected objects"):
        load_sparse_sequences(root)


@pytest.mark.parametrize(
    ("lost", "text"),
    [
        ("Annotations/video/00005.png", "00005.png: missing"),
        ("JPEGImages/video/00005.jpg", "a mask without a frame"),
    ],
)
def test_lost_files_are_named(root, lost, text):
    (root / "train" / lost).unlink()
    with pytest.raises(UserError, match=text):
        load_sparse_sequences(root)


def test_video_without_folder_is_named(root):
    write_meta(root, {"videos": {"other": {"objects": {}}}})
    with pytest.raises(UserError, match="other: no such sequence folder"):
        load_sparse_sequences(root)
