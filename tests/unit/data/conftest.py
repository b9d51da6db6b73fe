"""The squares as data sets of three layouts."""

import json

import numpy as np
import pytest
from PIL import Image

from tests.unit.data.squares import LENGTH, two_squares, write_pair


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
