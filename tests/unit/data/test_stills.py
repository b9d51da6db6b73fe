"""Still images with masks: the three layouts, the threshold, and what is refused."""

import re

import numpy as np
import pytest
from PIL import Image

from ttvos.core.errors import UserError
from ttvos.data.layouts.stills import load_stills, read_still


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array.astype(np.uint8)).save(path)


def picture(height=20, width=30):
    return np.full((height, width, 3), 90)


def half_mask(height=20, width=30):
    mask = np.zeros((height, width))
    mask[:, : width // 2] = 255
    return mask


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("images/0001.jpg", "ground_truth_mask/0001.png"),
        ("imgs/0001.png", "gt/0001.png"),
        ("0001.jpg", "0001.png"),
    ],
    ids=["ecssd", "hku-is", "msra10k"],
)
def test_layouts(tmp_path, image, mask):
    for name in ("0002", "0001"):
        save(tmp_path / image.replace("0001", name), picture())
        save(tmp_path / mask.replace("0001", name), half_mask())
    stills = load_stills(tmp_path)
    assert [still.image.stem for still in stills] == ["0001", "0002"]
    assert stills[0].mask == tmp_path / mask
    frame, labels = read_still(stills[0])
    assert frame.shape == (20, 30, 3)
    assert labels[:, :15].all()
    assert not labels[:, 15:].any()


def test_mask_threshold_is_200(tmp_path):
    mask = np.zeros((20, 30))
    mask[0, :4] = [199, 200, 201, 255]
    save(tmp_path / "images/a.jpg", picture())
    save(tmp_path / "ground_truth_mask/a.png", mask)
    assert read_still(load_stills(tmp_path)[0])[1][0, :4].tolist() == [0, 0, 1, 1]


def test_a_mask_off_by_one_pixel_is_resized(tmp_path):
    save(tmp_path / "images/a.jpg", picture(20, 30))
    save(tmp_path / "ground_truth_mask/a.png", half_mask(21, 30))
    frame, labels = read_still(load_stills(tmp_path)[0])
    assert labels.shape == frame.shape[:2] == (20, 30)
    assert labels.mean() == 0.5


def test_a_mask_of_another_size_is_refused(tmp_path):
    save(tmp_path / "images/a.jpg", picture(20, 30))
    save(tmp_path / "ground_truth_mask/a.png", half_mask(20, 33))
    with pytest.raises(UserError, match=r"a\.png: 20x33, but its image has 20x30"):
        read_still(load_stills(tmp_path)[0])


def test_a_missing_mask_is_named(tmp_path):
    save(tmp_path / "images/a.jpg", picture())
    save(tmp_path / "images/b.jpg", picture())
    save(tmp_path / "ground_truth_mask/a.png", half_mask())
    with pytest.raises(UserError, match=r"ground_truth_mask/b\.png: missing"):
        load_stills(tmp_path)


def test_a_folder_without_images_or_none_at_all_is_refused(tmp_path):
    with pytest.raises(UserError, match="no images here"):
        load_stills(tmp_path)
    with pytest.raises(UserError, match=re.escape(f"{tmp_path / 'nowhere'}: no such folder")):
        load_stills(tmp_path / "nowhere")


def test_a_truncated_image_is_refused(tmp_path):
    save(tmp_path / "images/a.jpg", np.random.default_rng(0).integers(0, 255, (40, 40, 3)))
    save(tmp_path / "ground_truth_mask/a.png", half_mask(40, 40))
    path = tmp_path / "images/a.jpg"
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(UserError, match=r"a\.jpg"):
        read_still(load_stills(tmp_path)[0])


def test_real_ecssd_is_read(shared):
    stills = load_stills(shared / "data/ecssd")
    assert len(stills) == 1000
    image, mask = read_still(stills[0])
    assert image.shape[:2] == mask.shape == (336, 224)
    assert 0.05 < mask.mean() < 0.95
