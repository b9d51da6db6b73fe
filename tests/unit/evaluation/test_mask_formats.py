"""Masks score the same in every format and layout in which they are published."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.unit.evaluation.mask_formats import FORMATS, VARIANTS, write_masks
from ttvos.core.errors import UserError
from ttvos.core.files import write_json
from ttvos.core.video import read_mask
from ttvos.data.davis import load_sequences
from ttvos.data.mask_folders import masks_folder
from ttvos.evaluation.davis import evaluate


@pytest.fixture
def davis16(tiny_davis) -> Path:
    return tiny_davis.parent / "davis16"


def written(folder: Path, davis16: Path, name: str) -> Path:
    """The ground truth moved by 3 pixels, in a format."""
    for sequence in load_sequences(davis16, 2016, "val"):
        masks = [np.roll(read_mask(path, 2016), 3, axis=1) > 0 for path in sequence.masks]
        write_masks(folder / sequence.name, masks, name)
    return folder


@pytest.mark.parametrize("name", [*FORMATS, *VARIANTS])
def test_every_format_scores_what_ids_score(davis16, results, tmp_path, name):
    """results: the same masks as `write_mask` writes them, with ids."""
    expected = evaluate(results, davis16, 2016, "val")
    found = evaluate(written(tmp_path / "theirs", davis16, name), davis16, 2016, "val")
    assert found["frames"] == expected["frames"]
    assert found["global"] == expected["global"]
    assert 0 < found["global"]["J-Mean"] < 1


@pytest.mark.parametrize("below", ["top", "top/Annotations/480p", "a/b/c/d"])
def test_masks_are_found_below_a_top_folder(davis16, tmp_path, below):
    root = tmp_path / "theirs"
    written(root / below, davis16, "1-bit")
    junk = root / "__MACOSX" / below / "one"
    junk.mkdir(parents=True)
    (junk / "00000.png").write_bytes(b"junk")
    (root / below / "one" / "._00000.png").write_bytes(b"junk")
    (root / below / "overlay.png").write_bytes(b"junk")
    assert masks_folder(root, ["one"]) == root / below
    assert evaluate(root, davis16, 2016, "val")["global"]["J-Mean"] < 1


def test_the_nearest_folder_counts_and_two_of_one_depth_do_not(davis16, tmp_path):
    root = tmp_path / "theirs"
    written(root / "2016", davis16, "1-bit")
    shutil.copytree(root / "2016", root / "2017")
    with pytest.raises(
        UserError, match=r"theirs: masks of the same sequences in .*2016 and .*2017"
    ):
        evaluate(root, davis16, 2016, "val")
    shutil.copytree(root / "2016/one", root / "one")
    assert masks_folder(root, ["one", "two"]) == root
    assert masks_folder(root, ["three"]) is None
    assert masks_folder(tmp_path / "none", ["one"]) is None


def test_where_published_masks_are_from_is_recorded(davis16, tmp_path):
    folder = written(tmp_path / "theirs", davis16, "1-bit")
    assert "masks_origin" not in evaluate(folder, davis16, 2016, "val")["provenance"]
    write_json(folder / "origin.json", {"from": "an address"})
    scores = evaluate(folder, davis16, 2016, "val")
    assert scores["provenance"]["masks_origin"] == {"from": "an address"}


@pytest.mark.parametrize("name", ["palette 0/1", "grey 0/1", "1-bit"])
def test_ids_of_2017_may_be_stored_without_a_palette(tiny_davis, results, tmp_path, name):
    """Sequence `one` has one object, so its masks are binary; they are ids all the same."""
    expected = evaluate(results, tiny_davis, 2017, "val")
    masks = [read_mask(path, 2017) > 0 for path in sorted((results / "one").glob("*.png"))]
    write_masks(tmp_path / "theirs/one", masks, name)
    for path in (results / "two").glob("*.png"):
        (tmp_path / "theirs/two").mkdir(exist_ok=True)
        Image.fromarray(read_mask(path, 2017)).save(tmp_path / "theirs/two" / path.name)
    found = evaluate(tmp_path / "theirs", tiny_davis, 2017, "val")
    assert found["frames"] == expected["frames"]
