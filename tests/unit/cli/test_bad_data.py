"""Frames and masks that are not what they should be: one clear line, exit code 1, no result."""

import shutil
from pathlib import Path

import pytest

from tests.unit.cli.conftest import evaluate, predict, train
from tests.unit.cli.damage import (
    Damage,
    antialiased,
    both,
    copy,
    folder,
    relabel,
    remove,
    rgb,
    shrink,
    truncate,
    two_channels,
    without_palette,
    write,
)

FRAME, MASK = "JPEGImages/480p/one/00003.jpg", "Annotations/480p/one/00003.png"
FIRST = "Annotations/480p/one/00000.png"
SPLIT = "ImageSets/2017/val.txt"
WAY_OUT = "palette PNG of object ids"

DATA = [
    (remove(FRAME), ("00003.png", "without a frame", "remove or rename")),
    (both(remove(FRAME), remove(MASK)), ("one", "frames are missing after 00002")),
    (remove(FIRST), ("00000.png: missing", "frame 00000 has no mask")),
    (copy(FRAME, "JPEGImages/480p/one/00003.png"), ("one: has two files for one frame",)),
    (shrink(FRAME), ("00003.jpg: 32x48, but", "has 64x96")),
    (shrink(FIRST), ("00000.png: 32x48, but", "has 64x96")),
    (truncate(FRAME), ("00003.jpg: damaged", "truncated", "replace the file")),
    (write(FRAME, "no image"), ("00003.jpg: damaged or no image", "replace the file")),
    (truncate(FIRST), ("00000.png: damaged", "replace the file")),
    (write(FIRST, "no image"), ("00000.png: damaged or no image", "replace the file")),
    (rgb(FIRST), ("00000.png", "RGB", WAY_OUT)),
    (antialiased(FIRST), ("00000.png", "anti-aliased", WAY_OUT)),
    (without_palette(FIRST), ("00000.png: grey value 38", "palette lost", WAY_OUT)),
    (two_channels(FIRST), ("00000.png", "two channels", WAY_OUT)),
    (relabel(FIRST, 1, 0), ("00000.png", "first mask is empty")),
    (remove(SPLIT), ("2017/val.txt: no such split file", "train")),
    (write(SPLIT, "\n"), ("val.txt: names no sequences",)),
    (write(SPLIT, "one\nthree\n"), ("480p/three: no such sequence",)),
    (remove("Annotations/480p/two"), ("Annotations/480p/two: no such sequence",)),
    (remove(""), ("davis17: no data set in DAVIS layout",)),
    (remove("JPEGImages"), ("no folder JPEGImages",)),
    (both(remove("JPEGImages/480p/two"), folder("JPEGImages/480p/two")), ("480p/two: has no .jp",)),
]


@pytest.mark.parametrize(("damage", "words"), DATA)
def test_predict(tiny_davis, results, refused, damage: Damage, words):
    damage(tiny_davis)
    refused(predict(tiny_davis, results / "masks"), *words)


def test_predict_finds_a_damaged_frame_after_most_of_the_work(
    tiny_davis, results, refused, weights
):
    truncate("JPEGImages/480p/two/00006.jpg")(tiny_davis)
    remove("masks")(results)
    options = ("--checkpoint", weights, "--maps", results / "maps.npz")
    refused(predict(tiny_davis, results / "masks", *options), "two/00006.jpg: damaged")


@pytest.mark.parametrize("year", [2016, 2017])
def test_predict_antialiased_mask_of_either_year(tiny_davis, results, refused, year):
    root = tiny_davis.parent / f"davis{year - 2000}"
    antialiased(FIRST)(root)
    refused(predict(root, results / "masks", year=year), "00000.png: grey value", "anti-aliased")


def test_predict_binary_masks_as_ids(tiny_davis, results, refused):
    """DAVIS 2016's 255 would pass for void."""
    root = tiny_davis.parent / "davis16"
    refused(predict(root, results / "masks"), "00000.png", "use year 2016")


def test_predict_over_a_data_set(tiny_davis, refused):
    before = sorted(tiny_davis.rglob("*"))
    refused(predict(tiny_davis, tiny_davis), "davis17", "not replaced", "name a new folder")
    assert sorted(tiny_davis.rglob("*")) == before


@pytest.fixture
def masks(tiny_davis: Path, tmp_path: Path) -> Path:
    """Somebody's masks, here as good as the truth."""
    return Path(shutil.copytree(tiny_davis / "Annotations/480p", tmp_path / "foreign"))


MASKS = [
    (remove("one/00003.png"), ("one/00003.png: missing (1 of the 8 masks",)),
    (remove("two"), ("two: no result masks for sequence two",)),
    (remove(""), ("one: no result masks for sequence one",)),
    (copy("one/00003.png", "one/00008.png"), ("one/00008.png", "no such frame")),
    (shrink("one/00003.png"), ("one/00003.png: 32x48, but the ground truth has 64x96",)),
    (relabel("one/00003.png", 1, 2), ("one/00003.png: id 2", "objects 1 only")),
    (relabel("two/00003.png", 2, 3), ("two/00003.png: id 3", "objects 1 to 2")),
    (relabel("two/00003.png", 0, 255), ("two/00003.png: id 255", "objects 1 to 2")),
    (rgb("one/00003.png"), ("one/00003.png", "RGB", WAY_OUT)),
    (antialiased("one/00003.png"), ("one/00003.png", "anti-aliased", WAY_OUT)),
    (without_palette("one/00003.png"), ("one/00003.png: grey value 38", WAY_OUT)),
    (two_channels("one/00003.png"), ("one/00003.png", "two channels", WAY_OUT)),
    (truncate("two/00006.png"), ("two/00006.png: damaged",)),
    (write("two/00006.png", "no image"), ("two/00006.png: damaged",)),
]


@pytest.mark.parametrize(("damage", "words"), MASKS)
def test_evaluate_masks(tiny_davis, masks, results, refused, damage: Damage, words):
    damage(masks)
    refused(evaluate(masks, tiny_davis, results / "scores.json"), *words)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (relabel("Annotations/480p/two/*.png", 2, 3), ("sequence two", "object 2 never appears")),
        (relabel(FIRST, 1, 0), ("one/00000.png", "first mask is empty")),
        (remove(MASK), ("one/00003.png: missing",)),
        (truncate(MASK), ("one/00003.png: damaged",)),
        (remove(SPLIT), ("val.txt: no such split file",)),
    ],
)
def test_evaluate_against_damaged_truth(tiny_davis, masks, results, refused, damage: Damage, words):
    damage(tiny_davis)
    refused(evaluate(masks, tiny_davis, results / "scores.json"), *words)


@pytest.mark.timeout(60)
def test_a_failing_worker_does_not_hang_evaluate(tiny_davis, masks, results, refused):
    rgb("two/00003.png")(masks)
    options = evaluate(masks, tiny_davis, results / "scores.json", "--workers", 2)
    refused(options, "two/00003.png", "RGB")


ALL = "Annotations/480p/*/*.png"


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("workers", "damage", "words"),
    [
        (0, rgb(MASK), ("one/00003.png", "RGB", WAY_OUT)),
        (1, truncate(FRAME), ("one/00003.jpg: damaged",)),
        (
            *(0, both(relabel(ALL, 1, 0), relabel(ALL, 2, 0))),
            ("stage clips: no mask", "shows an object"),
        ),
    ],
)
def test_train_meets_a_bad_clip(
    tiny_davis, profile, tmp_path, refused, workers, damage: Damage, words
):
    """In a worker process too, which must neither hang nor print its traceback."""
    damage(tiny_davis)
    long = profile.read_text().replace("steps: 1", "epochs: 8")
    profile.write_text(long.replace("stages:", f"workers: {workers}, stages:"))
    refused(train(profile, tmp_path / "run"), *words)
    left = {path.name for path in (tmp_path / "run").iterdir()}
    assert left <= {"loss.csv", "tensorboard", "state.pt"}  # to look at, and to go on from


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (remove("ImageSets/2017/train.txt"), ("train.txt: no such split file",)),
        (remove(FRAME), ("00003.png", "without a frame")),
        (remove(""), ("training data", "davis17: no such folder")),
    ],
)
def test_train_without_its_data_begins_nothing(
    tiny_davis, profile, tmp_path, refused, damage: Damage, words
):
    damage(tiny_davis)
    refused(train(profile, tmp_path / "run"), *words)
    assert not (tmp_path / "run").exists()


def test_train_looks_for_the_data_of_all_stages_first(tiny_davis, profile, tmp_path, refused):
    stage = f'{{name: later, source: ytvos, roots: ["{tiny_davis}"], height: 64, width: 96,'
    stage += " frames: 2, batch: 2, learning_rate: 0.001, steps: 1}"
    profile.write_text(profile.read_text().replace("}]", f"}}, {stage}]"))
    refused(train(profile, tmp_path / "run"), "davis17/meta.json: no such file")
    assert not (tmp_path / "run").exists()
