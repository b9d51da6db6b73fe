"""The DAVIS protocol: the official toolkit's numbers and the protocol's rules.

What it says of bad input: tests/unit/cli/test_bad_data.py.
"""

import json

import numpy as np
import pytest
from PIL import Image

from ttvos.core.errors import UserError
from ttvos.core.video import read_mask, write_mask
from ttvos.evaluation.davis import evaluate
from ttvos.evaluation.metrics import boundary_f, jaccard


def change(path, edit):
    """Rewrite a mask file after `edit` has changed its ids in place."""
    ids = read_mask(path, 2017)
    edit(ids)
    write_mask(path, ids)


def numbers(result):
    """Every number of a result by its path, to compare two results."""
    flat = {("global", k): v for k, v in result["global"].items()}
    for name, scores in result["objects"].items():
        flat |= {("objects", name, k): v for k, v in scores.items()}
    for name, values in result["frames"].items():
        for metric, series in values.items():
            flat |= {("frames", name, metric, t): v for t, v in enumerate(series)}
    return flat


def test_equals_the_official_toolkit(shared):
    golden = json.loads((shared / "golden/davis-evaluator.json").read_text())
    ours = evaluate(
        shared / "data/osvos-masks", shared / "data/davis2016-val8", 2016, "val", workers=2
    )
    expected, found = numbers(golden), numbers(ours)
    assert list(found) == list(expected)
    assert len(found) > 900
    for key, value in expected.items():
        assert found[key] == pytest.approx(value, abs=1e-9), key


def test_perfect_masks_score_1(tiny_davis):
    result = evaluate(tiny_davis / "Annotations/480p", tiny_davis, 2017, "val")
    assert list(result["objects"]) == ["one_1", "two_1", "two_2"]
    decay = {"J-Decay": 0.0, "F-Decay": 0.0}
    for scores in [result["global"], *result["objects"].values()]:
        assert scores == {name: decay.get(name, 1.0) for name in scores}
    assert set(result["global"]) == {"J&F-Mean"} | set(result["objects"]["one_1"])
    assert json.loads(json.dumps(result.plain(), allow_nan=False)) == result


def test_the_first_and_last_frame_are_not_scored(tiny_davis, results):
    before = evaluate(results, tiny_davis, 2017, "val")
    assert all(len(v["J"]) == len(v["F"]) == 6 for v in before["frames"].values())
    for name in ("00000.png", "00007.png"):
        change(results / "one" / name, lambda ids: ids.fill(0))
    assert numbers(evaluate(results, tiny_davis, 2017, "val")) == numbers(before)
    change(results / "one/00001.png", lambda ids: ids.fill(0))
    after = evaluate(results, tiny_davis, 2017, "val")
    assert after["frames"]["one_1"]["J"] == [0.0, *before["frames"]["one_1"]["J"][1:]]


def test_each_frame_s_values_are_the_metrics_of_its_masks(tiny_davis, results):
    result = evaluate(results, tiny_davis, 2017, "val")
    ours = read_mask(results / "two/00003.png", 2017) == 2
    truth = read_mask(tiny_davis / "Annotations/480p/two/00003.png", 2017) == 2
    assert result["frames"]["two_2"]["J"][2] == jaccard(ours, truth)
    assert result["frames"]["two_2"]["F"][2] == boundary_f(ours, truth)
    assert 0 < jaccard(ours, truth) < 1


def test_means_are_over_objects_not_frames_or_sequences(tiny_davis, results):
    for t in range(1, 7):
        change(results / f"one/{t:05}.png", lambda ids: ids.fill(0))
    result = evaluate(results, tiny_davis, 2017, "val")
    objects = result["objects"]
    assert objects["one_1"]["J-Mean"] == 0
    expected = (objects["two_1"]["J-Mean"] + objects["two_2"]["J-Mean"]) / 3
    assert result["global"]["J-Mean"] == pytest.approx(expected)
    both = (result["global"]["J-Mean"] + result["global"]["F-Mean"]) / 2
    assert result["global"]["J&F-Mean"] == pytest.approx(both)


def test_2016_merges_the_ids_of_both_sides(tiny_davis, results):
    result = evaluate(results, tiny_davis.parent / "davis16", 2016, "val")
    assert list(result["objects"]) == ["one_1", "two_1"]
    assert numbers(result) == numbers(evaluate(results, tiny_davis, 2016, "val"))
    for path in (results / "two").iterdir():
        change(path, lambda ids: np.copyto(ids, 3 - ids, where=ids > 0))  # swap 1 and 2
    assert numbers(evaluate(results, tiny_davis.parent / "davis16", 2016, "val")) == numbers(result)


@pytest.fixture
def voided(tiny_davis, results):
    """The truth of frame 3 of `one` is void wherever the result is wrong."""
    truth = tiny_davis / "Annotations/480p/one/00003.png"
    wrong = (read_mask(truth, 2017) == 1) ^ (read_mask(results / "one/00003.png", 2017) == 1)
    change(truth, lambda ids: np.copyto(ids, 255, where=wrong))
    return truth


def test_void_is_background_as_in_the_official_toolkit(tiny_davis, results, voided):
    void = evaluate(results, tiny_davis, 2017, "val")
    change(voided, lambda ids: np.copyto(ids, 0, where=ids == 255))
    background = evaluate(results, tiny_davis, 2017, "val")
    assert numbers(void) == numbers(background)
    assert void["frames"]["one_1"]["J"][2] < 0.9
    assert void["provenance"]["ignore_void"] is False


def test_void_is_ignored_by_name(tiny_davis, results, voided):
    scores = evaluate(results, tiny_davis, 2017, "val", ignore_void=True)
    values = scores["frames"]["one_1"]
    assert values["J"][2] == values["F"][2] == 1
    assert values["J"][1] < 1
    assert scores["provenance"]["ignore_void"] is True


def test_a_truth_that_is_all_void_is_an_absent_object(tiny_davis, results):
    """Whatever the result shows there is wrong."""
    change(tiny_davis / "Annotations/480p/one/00002.png", lambda ids: ids.fill(255))
    change(tiny_davis / "Annotations/480p/one/00005.png", lambda ids: ids.fill(255))
    change(results / "one/00005.png", lambda ids: ids.fill(0))
    values = evaluate(results, tiny_davis, 2017, "val")["frames"]["one_1"]
    assert (values["J"][1], values["F"][1], values["J"][4]) == (0, 0, 1)


@pytest.mark.parametrize("rule", ["first", "all"])
def test_void_alone_in_a_mask_without_palette_is_void(tiny_davis, results, rule):
    """Grey masks of ids: where the objects are gone, 0 and 255 are no binary mask of 2016."""
    for path in (tiny_davis / "Annotations/480p").glob("*/*.png"):
        ids = read_mask(path, 2017)
        if path.stem in ("00003", "00007"):
            ids[:] = 0
            ids[:9] = 255
        Image.fromarray(ids).save(path)
    values = evaluate(results, tiny_davis, 2017, "val", objects=rule)["frames"]
    for series in values.values():
        assert [j == 0 for j in series["J"]] == [t == 3 for t in range(1, 7)]


def test_an_object_that_left_is_scored_by_its_absence(tiny_davis, results):
    """Empty truth: J and F are 1 for an empty result, 0 for any other."""
    for t in range(4, 8):
        change(
            tiny_davis / f"Annotations/480p/two/{t:05}.png",
            lambda ids: np.copyto(ids, 0, where=ids == 2),
        )
    change(results / "two/00005.png", lambda ids: np.copyto(ids, 0, where=ids == 2))
    values = evaluate(results, tiny_davis, 2017, "val")["frames"]["two_2"]
    assert values["J"][3:] == values["F"][3:] == [0.0, 1.0, 0.0]


def test_workers_do_not_change_the_numbers(tiny_davis, results):
    one = evaluate(results, tiny_davis, 2017, "val", workers=1)
    assert numbers(evaluate(results, tiny_davis, 2017, "val", workers=2)) == numbers(one)


@pytest.mark.parametrize("frames", [1, 4, 5, 100])
def test_chunks_do_not_change_the_numbers(tiny_davis, results, monkeypatch, frames):
    before = numbers(evaluate(results, tiny_davis, 2017, "val"))
    monkeypatch.setattr("ttvos.evaluation.asked.CHUNK_FRAMES", frames)
    assert numbers(evaluate(results, tiny_davis, 2017, "val")) == before


@pytest.mark.parametrize("shown", [1, 4, 7])  # 7: in the last frame, which is not scored
@pytest.mark.parametrize("frames", [2, 100])
def test_an_object_may_come_after_the_first_frame(tiny_davis, results, monkeypatch, shown, frames):
    """Object 1 of 2 is missing from the first mask: it counts, if it ever comes."""
    monkeypatch.setattr("ttvos.evaluation.asked.CHUNK_FRAMES", frames)
    for t in range(8):
        if t != shown:
            for folder in (tiny_davis / "Annotations/480p/two", results / "two"):
                change(folder / f"{t:05}.png", lambda ids: np.copyto(ids, 0, where=ids == 1))
    values = evaluate(results, tiny_davis, 2017, "val")["frames"]
    assert list(values) == ["one_1", "two_1", "two_2"]
    rightly_absent = [j == 1 for j in values["two_1"]["J"]]
    assert rightly_absent == [t != shown for t in range(1, 7)]


def test_each_mask_is_decoded_once(tiny_davis, results, monkeypatch):
    """But for the first annotation, which says what the objects are and is not scored."""
    read = []

    def counted(path, year, **options):
        read.append(path)
        return read_mask(path, year, **options)

    for module in ("ttvos.evaluation.chunk", "ttvos.evaluation.objects", "ttvos.data.davis"):
        monkeypatch.setattr(f"{module}.read_mask", counted)
    evaluate(results, tiny_davis, 2017, "val")
    assert len(read) == len(set(read)) == 2 * (1 + 2 * 6)


def test_other_sequences_results_do_not_matter(tiny_davis, results):
    (tiny_davis / "ImageSets/2017/val.txt").write_text("two\n")
    assert list(evaluate(results, tiny_davis, 2017, "val")["objects"]) == ["two_1", "two_2"]


def test_says_what_was_judged_by_what(tiny_davis, results):
    facts = evaluate(results, tiny_davis, 2017, "val", profile="mini")["provenance"]
    root = str(tiny_davis)
    assert facts["data"] == {"profile": "mini", "root": root, "year": 2017, "split": "val"}
    assert facts["evaluator"] == "builtin"
    assert facts["masks"] == str(results)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"evaluator": "vos"}, "'vos': choose one of builtin, official"),
        ({"split": "test-dev"}, "ground truth is not public"),
        ({"split": "vall"}, r"vall\.txt: no such split file"),
        ({"year": 2019}, "year 2019"),
        ({"workers": 0}, "workers must be 1 or more"),
        ({"dataset": None}, r"a data set \(--dataset\) or a folder of masks \(--truth\)"),
        ({"truth": "masks"}, r"a data set \(--dataset\) or a folder of masks \(--truth\)"),
        ({"year": None}, r"davis17: say which masks it has by year \(--year\)"),
        ({"year": 2016, "ignore_void": True}, "2016 have no void to ignore"),
        ({"objects": "last"}, "'last': choose one of first, all"),
        ({"evaluator": "official", "ignore_void": True}, "official evaluator knows void as back"),
        ({"evaluator": "official", "objects": "all"}, 'objects "first"'),
    ],
)
def test_wrong_arguments(tiny_davis, results, arguments, text):
    with pytest.raises(UserError, match=text):
        evaluate(
            **{"masks": results, "dataset": tiny_davis, "year": 2017, "split": "val"} | arguments
        )
