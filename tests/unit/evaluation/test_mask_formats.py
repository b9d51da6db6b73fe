"""Masks score the same in every format and layout in which they are published."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.unit.evaluation.mask_formats import FORMATS, VARIANTS, write_masks
from ttvos.core.errors import UserError
from ttvos.core.files import write_json
from ttvos.core.video import read_mask, write_mask
from ttvos.data.davis import load_sequences
from ttvos.data.mask_folders import masks_folder
from ttvos.evaluation.davis import evaluate

SHORT = ("car-shadow", "cows")  # of the eight real sequences: an easy one and a hard one


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


@pytest.fixture(scope="module")
def real_scores(shared) -> dict:
    """Of OSVOS's masks as they are."""
    masks, dataset = shared / "data/osvos-masks", shared / "data/davis2016-val8"
    return evaluate(masks, dataset, 2016, "val", only=SHORT, workers=2)


@pytest.mark.parametrize("name", FORMATS)
def test_real_masks_in_every_format_score_what_the_official_toolkit_says(
    shared, real_scores, tmp_path, name
):
    golden = json.loads((shared / "golden/davis-evaluator.json").read_text())["frames"]
    dataset = shared / "data/davis2016-val8"
    for sequence in SHORT:
        files = sorted((shared / "data/osvos-masks" / sequence).glob("*.png"))
        masks = [read_mask(path, 2016) > 0 for path in files]
        write_masks(tmp_path / sequence, masks, name, int(files[0].stem))
    found = evaluate(tmp_path, dataset, 2016, "val", only=SHORT, workers=2)["frames"]
    assert found == real_scores["frames"]
    for sequence in SHORT:
        for metric in ("J", "F"):
            values = golden[f"{sequence}_1"][metric]
            assert found[f"{sequence}_1"][metric] == pytest.approx(values, abs=1e-9)


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


def test_a_folder_without_masks_is_named(davis16, tmp_path):
    with pytest.raises(UserError, match="no result masks for sequence one"):
        evaluate(tmp_path / "none", davis16, 2016, "val")


def test_where_published_masks_are_from_is_recorded(davis16, tmp_path):
    folder = written(tmp_path / "theirs", davis16, "1-bit")
    assert "masks_origin" not in evaluate(folder, davis16, 2016, "val")["provenance"]
    write_json(folder / "origin.json", {"from": "an address"})
    scores = evaluate(folder, davis16, 2016, "val")
    assert scores["provenance"]["masks_origin"] == {"from": "an address"}


def test_another_size_than_the_ground_truth_s_is_refused(davis16, tmp_path):
    folder = written(tmp_path / "theirs", davis16, "palette 0/1")
    write_masks(tmp_path / "other", [np.ones((30, 40), bool)], "1-bit")
    shutil.copy(tmp_path / "other/00000.png", folder / "two/00004.png")
    with pytest.raises(UserError, match=r"two/00004\.png: 30x40, but the ground truth has 64x96"):
        evaluate(folder, davis16, 2016, "val")


def test_a_missing_first_frame_is_refused_in_any_format(davis16, tmp_path):
    folder = written(tmp_path / "theirs", davis16, "1-bit")
    (folder / "one/00000.png").unlink()
    with pytest.raises(UserError, match=r"one/00000\.png: missing"):
        evaluate(folder, davis16, 2016, "val")


def test_anti_aliased_edges_are_no_mask(davis16, tmp_path):
    folder = written(tmp_path / "theirs", davis16, "grey 0/255")
    values = np.zeros((64, 96), np.uint8)
    values[20:40, 20:40], values[19] = 255, 100
    Image.fromarray(values).save(folder / "one/00003.png")
    with pytest.raises(UserError, match=r"one/00003\.png: grey value 100 is no object id"):
        evaluate(folder, davis16, 2016, "val")


def test_255_in_a_result_of_2017_is_an_id_too_many(tiny_davis, results):
    """The official toolkit reads results as they are, and void from the ground truth alone."""
    ids = read_mask(results / "two/00003.png", 2017)
    ids[0, 0] = 255
    write_mask(results / "two/00003.png", ids)
    with pytest.raises(UserError, match=r"two/00003\.png: id 255, but .* objects 1 to 2"):
        evaluate(results, tiny_davis, 2017, "val")


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
