"""Ground truth in every layout in use scores the same, or a line names the way out."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.unit.evaluation.drawn import davis_clips, late_clips, write
from ttvos.core.errors import UserError
from ttvos.core.video import read_mask, write_mask
from ttvos.evaluation.davis import evaluate

PARTS = ("global", "objects", "frames")


def parts(scores: dict) -> dict:
    return {part: scores[part] for part in PARTS}


@pytest.fixture
def annotations(tiny_davis) -> Path:
    """The folder of the tiny data set's annotations, of 2017."""
    return tiny_davis / "Annotations/480p"


@pytest.fixture
def expected(tiny_davis, results) -> dict:
    return parts(evaluate(results, tiny_davis, 2017))


@pytest.mark.parametrize("year", [2016, 2017])
def test_frames_are_not_needed(tiny_davis, results, year):
    root = tiny_davis.parent / f"davis{year - 2000}"
    before = parts(evaluate(results, root, year))
    shutil.rmtree(root / "JPEGImages")
    assert parts(evaluate(results, root, year)) == before
    assert 0 < before["global"]["J-Mean"] < 1


def test_frames_of_another_size_do_not_matter(tiny_davis, results, expected):
    shutil.rmtree(tiny_davis / "JPEGImages/480p/one")
    (tiny_davis / "JPEGImages/480p/two/00003.jpg").write_bytes(b"not looked at")
    assert parts(evaluate(results, tiny_davis, 2017)) == expected


def test_davis_layout_without_a_folder_for_the_resolution(tiny_davis, results, expected):
    for kind in ("Annotations", "JPEGImages"):
        for sequence in ("one", "two"):
            (tiny_davis / kind / "480p" / sequence).rename(tiny_davis / kind / sequence)
        (tiny_davis / kind / "480p").rmdir()
    assert parts(evaluate(results, tiny_davis, 2017)) == expected


@pytest.mark.parametrize("above", ["", "..", "../.."])
def test_two_plain_folders(annotations, results, expected, above):
    """The folder of the sequences, or one above it."""
    scores = evaluate(results, truth=annotations / above)
    assert parts(scores) == expected
    assert scores["provenance"]["data"] == {
        "profile": None,
        "root": str(annotations / above),
        "year": 2017,
    }


def test_two_plain_folders_of_binary_masks(tiny_davis, results):
    """Grey PNGs of 0 and 255: one line names the year, and with it they are read."""
    binary = tiny_davis.parent / "davis16/Annotations/480p"
    with pytest.raises(UserError, match=r"one/00000\.png: a mask of 0 and 255 only.*use year 2016"):
        evaluate(results, truth=binary)
    expected = evaluate(results, tiny_davis.parent / "davis16", 2016)
    assert parts(evaluate(results, truth=binary, year=2016)) == parts(expected)


def test_binary_masks_with_a_palette_are_not_taken_for_void(annotations, results):
    for path in (annotations / "one").iterdir():
        ids = read_mask(path, 2017)
        write_mask(path, np.where(ids > 0, 255, 0))
    with pytest.raises(UserError, match=r"first mask is empty.*255 is the object.*year 2016"):
        evaluate(results, truth=annotations, only=("one",), objects="first")


@pytest.fixture(params=["", "train", "valid"])
def youtube(annotations, tmp_path, request) -> Path:
    """YouTube-VOS's layout, with a folder for the split or without."""
    root = tmp_path / "youtube"
    shutil.copytree(annotations, root / request.param / "Annotations")
    return root


def test_own_videos_without_lists(tiny_davis, results, expected):
    """Annotations and JPEGImages by resolution, and no ImageSets: all that is there counts."""
    shutil.rmtree(tiny_davis / "ImageSets")
    assert parts(evaluate(results, tiny_davis)) == expected
    (results / "one/00008.png").write_bytes((results / "one/00007.png").read_bytes())
    with pytest.raises(UserError, match=r"one/00008\.png: sequence one has no such frame"):
        evaluate(results, tiny_davis)


@pytest.mark.parametrize("meta", [False, True])
def test_youtube_vos_and_mose_layout(youtube, results, expected, meta):
    """With meta.json as YouTube-VOS has it, or without as MOSE; nobody need say the year."""
    home = next(youtube.rglob("Annotations")).parent
    if meta:
        (home / "meta.json").write_text(json.dumps({"videos": {"two": {}, "one": {}}}))
    split = home.name if home.name == "train" else "val"
    scores = evaluate(results, youtube, split=split)
    assert parts(scores) == expected
    assert "split" not in scores["provenance"]["data"]


def test_videos_are_those_of_meta_json(youtube, results):
    home = next(youtube.rglob("Annotations")).parent
    split = home.name if home.name == "train" else "val"
    (home / "meta.json").write_text(json.dumps({"videos": {"two": {}}}))
    assert list(evaluate(results, youtube, split=split)["objects"]) == ["two_1", "two_2"]
    (home / "meta.json").write_text(json.dumps({"videos": {"three": {}}}))
    with pytest.raises(UserError, match="Annotations/three: no such sequence folder"):
        evaluate(results, youtube, split=split)
    (home / "meta.json").write_text("[]")
    with pytest.raises(UserError, match=r"meta\.json: names no videos"):
        evaluate(results, youtube, split=split)


def keep(folder: Path, frames: set[int]) -> None:
    for path in list(folder.rglob("*.png")):
        if int(path.stem) not in frames:
            path.unlink()


def test_sparse_annotation_scores_the_annotated_frames_alone(annotations, results, expected):
    """The frames between have results, and no truth. First and last annotated: 0 and 6."""
    keep(annotations, {0, 1, 4, 6})
    scores = evaluate(results, truth=annotations)
    for name, values in expected["frames"].items():
        for metric in ("J", "F"):
            assert scores["frames"][name][metric] == [values[metric][t - 1] for t in (1, 4)]
    assert scores["scored"]["frames"] == 4


@pytest.mark.parametrize("images", [True, False])
def test_every_nth_frame_annotated_in_davis_layout(tiny_davis, annotations, results, images):
    keep(annotations, {0, 3, 6})
    if not images:
        shutil.rmtree(tiny_davis / "JPEGImages")
    scores = evaluate(results, tiny_davis, 2017)
    assert parts(scores) == parts(evaluate(results, truth=annotations))
    assert [len(values["J"]) for values in scores["frames"].values()] == [1, 1, 1]


@pytest.mark.parametrize("images", [True, False])
@pytest.mark.parametrize(
    ("kept", "lost"),
    [({0, 1, 2, 4, 5, 6, 7}, 3), ({1, 2, 3, 4, 5, 6, 7}, 0), ({0, 2, 6}, 4), ({0, 1, 2}, 3)],
)
def test_a_lost_annotation_is_no_sparse_annotation(
    tiny_davis, annotations, results, images, kept, lost
):
    """In DAVIS layout it is an error that names the way out, which leads there."""
    keep(annotations / "one", kept)
    if not images:
        shutil.rmtree(tiny_davis / "JPEGImages")
    with pytest.raises(UserError, match=rf"one/0000{lost}\.png: missing.*480p as truth \(--truth"):
        evaluate(results, tiny_davis, 2017)
    evaluate(results, truth=annotations)


def test_frames_that_do_not_sort_as_text(tiny_davis, annotations, results):
    """Every other of frame_1 to frame_16 is annotated: equal steps, though 10 sorts before 2."""
    for folder in (annotations, results):
        for path in list(folder.rglob("*.png")):
            path.rename(path.with_stem(f"frame_{2 * int(path.stem) + 1}"))
    for path in list(results.rglob("*.png")):
        number = int(path.stem.rpartition("_")[2])
        shutil.copy(path, path.with_stem(f"frame_{number + 1}"))
    shutil.rmtree(tiny_davis / "JPEGImages")
    assert evaluate(results, tiny_davis, 2017)["scored"]["frames"] == 12


@pytest.mark.parametrize("rule", ["first", "all"])
def test_only_the_first_frame_annotated_cannot_be_scored(annotations, results, rule):
    keep(annotations, {0})
    with pytest.raises(UserError, match=r"one: 1 frames leave none to score \(the annotated ones"):
        evaluate(results, truth=annotations, objects=rule)


@pytest.fixture
def late(tmp_path) -> tuple[Path, Path]:
    """Results and truth; in `late`, the objects 2 and 5 come after the first frame."""
    return write(tmp_path / "late", {"late": late_clips()["late"]})


def as_davis(root: Path, truth: Path) -> Path:
    shutil.copytree(truth, root / "Annotations/480p")
    (root / "ImageSets/2017").mkdir(parents=True)
    names = sorted(path.name for path in truth.iterdir())
    (root / "ImageSets/2017/val.txt").write_text("\n".join(names))
    return root


def test_in_davis_layout_later_objects_are_background(late, tmp_path):
    """As in the official toolkit, which gives up on a result that shows them; and it is said."""
    results, truth = late
    davis = as_davis(tmp_path / "davis", truth)
    way_out = r"late/00002\.png: id 5, but .* objects 1 only in its first mask; .*--objects all"
    with pytest.raises(UserError, match=way_out):
        evaluate(results, davis, 2017)
    for path in (results / "late").iterdir():
        ids = read_mask(path, 2017)
        write_mask(path, np.where(ids == 1, 1, 0))
    scores = evaluate(results, davis, 2017)
    assert list(scores["objects"]) == ["late_1"]
    assert scores["notes"] == [
        "late: not in the first mask, and so background as in DAVIS: id 2, 5; "
        'scored with objects "all" (--objects all)'
    ]


def test_later_objects_are_scored_by_name_in_davis_layout(late, tmp_path):
    results, truth = late
    davis = evaluate(results, as_davis(tmp_path / "davis", truth), 2017, objects="all")
    assert parts(davis) == parts(evaluate(results, truth=truth))
    assert list(davis["objects"]) == ["late_1", "late_2", "late_5"]
    assert davis["provenance"]["objects"] == "all"


@pytest.mark.parametrize("frames", [1, 4, 100])
def test_chunks_do_not_change_the_scores_of_later_objects(late, monkeypatch, frames):
    results, truth = late
    expected = parts(evaluate(results, truth=truth))
    monkeypatch.setattr("ttvos.evaluation.asked.CHUNK_FRAMES", frames)
    assert parts(evaluate(results, truth=truth)) == expected


def test_where_all_objects_come_first_both_rules_agree(tmp_path):
    """Also where ids leave, come back, and are never predicted."""
    results, truth = write(tmp_path, davis_clips())
    first = evaluate(results, truth=truth, objects="first")
    assert parts(first) == parts(evaluate(results, truth=truth, objects="all"))


def test_an_id_that_no_truth_shows_is_refused(late):
    results, truth = late
    for object_id, frame in ((255, 3), (7, 4)):
        path = results / f"late/{frame:05}.png"
        whole = read_mask(path, 2017)
        changed = whole.copy()
        changed[0, 0] = object_id
        write_mask(path, changed)
        with pytest.raises(UserError, match=rf"0{frame}\.png: id {object_id}, .* no such id"):
            evaluate(results, truth=truth)
        write_mask(path, whole)
    evaluate(results, truth=truth)


def test_ids_may_have_gaps_where_all_are_scored(annotations, results):
    for folder in (annotations, results):
        for path in (folder / "two").iterdir():
            ids = read_mask(path, 2017)
            write_mask(path, np.where(ids == 2, 9, ids))
    assert list(evaluate(results, truth=annotations)["objects"]) == ["one_1", "two_1", "two_9"]
    with pytest.raises(UserError, match="sequence two: object 2 never appears"):
        evaluate(results, truth=annotations, objects="first")


def test_truth_without_any_object(annotations, results):
    for folder in (annotations, results):
        for path in folder.rglob("*.png"):
            write_mask(path, np.zeros((64, 96), np.uint8))
    with pytest.raises(UserError, match="480p: the annotations show no object that can be scored"):
        evaluate(results, truth=annotations)


def test_part_of_the_truth_must_be_named(annotations, results):
    """Truth of more sequences than the result, and a result of more than the truth."""
    shutil.rmtree(results / "one")
    with pytest.raises(UserError, match=r"results/one: no result masks.*\(--only\)"):
        evaluate(results, truth=annotations)
    scores = evaluate(results, truth=annotations, only=("two",))
    assert (scores["scored"]["sequences"], scores["scored"]["available"]) == (1, 2)
    with pytest.raises(UserError, match="480p: its list has no three"):
        evaluate(results, truth=annotations, only=("three",))
    shutil.rmtree(annotations / "one")
    shutil.copytree(results / "two", results / "three")
    with pytest.raises(UserError, match=r"results/three: the truth has no such.*\(1 of 2.*--only"):
        evaluate(results, truth=annotations)
    assert parts(evaluate(results, truth=annotations, only=("two",))) == parts(scores)


def test_layouts_that_are_not_read_are_refused(annotations, results, tmp_path):
    with pytest.raises(UserError, match=r"480p: a data set in neither .*\(--truth\) instead"):
        evaluate(results, annotations)
    with pytest.raises(UserError, match="none: no such folder"):
        evaluate(results, tmp_path / "none", 2017)
    with pytest.raises(UserError, match="none: no such folder"):
        evaluate(results, truth=tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"empty: has no masks <sequence>/<frame>\.png"):
        evaluate(results, truth=tmp_path / "empty")
    for video in ("a", "b"):  # SA-V: a folder for each object
        shutil.copytree(annotations / "one", tmp_path / "sav" / video / "000")
    with pytest.raises(UserError, match=r"sav: several folders .* folder for each object"):
        evaluate(results, truth=tmp_path / "sav")
    shutil.copytree(annotations, tmp_path / "youtube/train/Annotations")
    with pytest.raises(UserError, match="youtube: no split val; has train"):
        evaluate(results, tmp_path / "youtube")


def test_a_wrong_masks_folder_is_named(tiny_davis, annotations, tmp_path):
    for where in ({"dataset": tiny_davis, "year": 2017}, {"truth": annotations}):
        with pytest.raises(UserError, match=r"there is no folder .*/wrong; .*\(--masks\)"):
            evaluate(tmp_path / "wrong", **where)


def test_real_annotations_without_frames_score_what_the_official_toolkit_says(shared):
    """As archives of results come: annotations and split lists, no JPEGImages."""
    golden = json.loads((shared / "golden/davis-evaluator.json").read_text())["objects"]
    data = shared / "data/davis2016-val-annotations"
    assert not (data / "JPEGImages").exists()
    masks, only = shared / "data/osvos-masks", ("car-shadow", "cows")
    plain = evaluate(masks, truth=data / "Annotations/480p", year=2016, only=only)
    scores = evaluate(masks, data, 2016, only=only, workers=2)
    assert parts(scores) == parts(plain)
    for name, row in scores["objects"].items():
        assert row == pytest.approx(golden[name], abs=1e-9)
    assert scores["scored"]["available"] == 20
