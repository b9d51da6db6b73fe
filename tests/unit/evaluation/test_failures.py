"""The account of lost points, on drawn masks whose errors are known."""

import json

import numpy as np
import pytest

from tests.unit.evaluation.drawn import davis_clips, late_clips, write
from ttvos.cli.main import main
from ttvos.core.errors import UserError
from ttvos.core.video import write_mask
from ttvos.evaluation.davis import evaluate
from ttvos.evaluation.failures import CATEGORIES, account, find_failures
from ttvos.evaluation.fixes import ABSENT, fix_objects
from ttvos.evaluation.metrics import boundary_f, jaccard, tolerance
from ttvos.records.schema import Failures
from ttvos.records.store import read

SIZE = (200, 300)
RADIUS = tolerance(*SIZE)  # 3


def block(top, left, height=60, width=60, object_id=1):
    mask = np.zeros(SIZE, dtype=np.uint8)
    mask[max(top, 0) : top + height, max(left, 0) : left + width] = object_id
    return mask


TRUTH = block(70, 100)


def of(results, truths, object_id=1):
    """The account of one object over some frames."""
    found = (
        fix_objects(*pair).get(object_id, ABSENT) for pair in zip(results, truths, strict=True)
    )
    return account(list(found))


def lost_to(result, truth=TRUTH, object_id=1):
    """What categories lost in one frame, those that lost something; checked to add up."""
    found = of([result], [truth], object_id)
    ours, true = result == object_id, truth == object_id
    assert found.jf_mean == pytest.approx((jaccard(ours, true) + boundary_f(ours, true)) / 2)
    assert found.jf_mean + sum(found.lost_points.values()) == pytest.approx(1, abs=1e-12)
    return {name: value for name, value in found.lost_points.items() if abs(value) > 1e-12}


def with_hole(mask, size=12):
    mask = mask.copy()
    mask[95 : 95 + size, 125 : 125 + size] = 0
    return mask


def with_blob(mask, object_id=1):
    return np.where(block(20, 220, 20, 20) > 0, object_id, mask).astype(np.uint8)


@pytest.mark.parametrize("by", [-2, -1, 1, 2])  # at the corners of a block 1.4 times that
def test_a_little_too_small_or_too_large_is_the_contour(by):
    result = block(70 - by, 100 - by, 60 + 2 * by, 60 + 2 * by)
    assert lost_to(result).keys() == {"contour"}


@pytest.mark.parametrize(
    ("result", "category"),
    [
        (with_hole(TRUTH), "missed"),
        (with_hole(TRUTH, 2), "missed"),  # smaller than the tolerance, but far from the contour
        (block(70, 100, 60, 40), "missed"),
        (block(90, 120, 20, 20), "missed"),  # within the object, however small
        (with_blob(TRUTH), "spill"),
        (block(70, 100, 60, 90), "spill"),
        (block(20, 40, 160, 180), "spill"),  # around the object, however large
        (block(70, 135), "drift"),
        (block(10, 220), "drift"),
        (np.zeros(SIZE, np.uint8), "drift"),  # not for long enough to be lost
    ],
)
def test_one_error_is_one_category(result, category):
    assert lost_to(result).keys() == {category}


def test_several_errors_in_a_frame_are_told_apart():
    result = with_blob(with_hole(block(71, 101, 58, 58)))
    alone = {
        "spill": with_blob(TRUTH),
        "missed": with_hole(TRUTH),
        "contour": block(71, 101, 58, 58),
    }
    found = lost_to(result)
    assert found.keys() == alone.keys()
    for category, one in alone.items():
        assert found[category] == pytest.approx(lost_to(one)[category], abs=0.06), category


def test_a_thin_object_within_the_tolerance_is_no_drift():
    """No pixel in common, and yet F has nothing to say."""
    truth, result = block(70, 100, 60, 2), block(70, 102, 60, 2)
    assert jaccard(result > 0, truth > 0) == 0
    assert lost_to(result, truth).keys() == {"contour"}


def test_exchanged_ids_are_the_wrong_object():
    truth = TRUTH + block(70, 200, object_id=2)
    swapped = np.array([0, 2, 1], dtype=np.uint8)[truth]
    for object_id in (1, 2):
        assert lost_to(swapped, truth, object_id) == {"wrong_object": 1.0}


def test_a_part_given_to_the_neighbour_and_a_part_missed_are_told_apart():
    """But for the few pixels where the part's edge meets the contour."""
    truth = TRUTH + block(70, 200, object_id=2)
    result = truth.copy()
    result[70:100, 100:160] = 2
    for object_id in (1, 2):
        found = lost_to(result, truth, object_id)
        assert found.pop("wrong_object") > 0.2
        assert sum(map(abs, found.values())) < 0.02
    result[70:100, 100:160] = 0
    found = lost_to(result, truth, 1)
    assert found.pop("missed") > 0.2
    assert sum(map(abs, found.values())) < 0.02
    assert lost_to(result, truth, 2) == {}


def test_the_border_between_two_objects_is_the_contour():
    truth = TRUTH + block(70, 160, object_id=2)
    result = truth.copy()
    result[70:130, 159] = 2
    assert {*lost_to(result, truth, 1), *lost_to(result, truth, 2)} == {"contour"}


def test_an_object_that_is_not_there_can_only_be_spilt():
    assert lost_to(TRUTH, np.zeros(SIZE, np.uint8)) == {"spill": 1.0}
    assert lost_to(TRUTH, block(70, 100, object_id=2)) == {"wrong_object": 1.0}


def moving(frames=40):
    return [block(70, 20 + 5 * t) for t in range(frames)]


def test_a_frozen_mask_of_a_moving_object_drifts_and_is_lost():
    truths = moving()
    found = of([truths[0]] * 40, truths)
    (loss,) = found.losses
    # 60 pixels wide, 5 a frame: J is below 0.2 from a shift of 45 on, the ninth.
    assert (loss.frame, loss.frames, loss.back) == (1 + 9, 40 - 9, None)
    points = found.lost_points
    assert points.drift > 0
    assert points.lost > 0.7
    assert points.wrong_object == 0


@pytest.mark.parametrize("back", [None, 40])
def test_empty_from_frame_20_on_is_lost_there(back):
    truths = moving(50)
    results = [
        truth if t < 19 or (back and t >= 39) else 0 * truth for t, truth in enumerate(truths)
    ]
    found = of(results, truths)
    (loss,) = found.losses
    assert (loss.frame, loss.back) == (20, back)
    assert loss.frames == (20 if back else 31)
    assert found.lost_points.lost == pytest.approx(loss.frames / 50)
    assert found.jf_mean == pytest.approx(1 - loss.frames / 50)


def test_nine_frames_are_no_loss():
    truths = moving(20)
    results = [0 * truth if 5 <= t < 14 else truth for t, truth in enumerate(truths)]
    found = of(results, truths)
    assert found.losses == []
    assert found.lost_points.drift == pytest.approx(9 / 20)


def test_an_object_hidden_meanwhile_is_lost_once():
    """Six frames without it, hidden for five, six more: twelve that count."""
    truths = moving(30)
    truths[11:16] = [0 * truths[0]] * 5
    results = [truth if t < 5 or t >= 22 else 0 * truth for t, truth in enumerate(truths)]
    (loss,) = of(results, truths).losses
    assert (loss.frame, loss.frames, loss.back) == (6, 12, 23)


def test_a_loss_goes_on_until_the_object_is_back():
    """A corner of it in between, J of a quarter, is no return."""
    truths = moving(40)
    results = [0 * truth for truth in truths]
    results[15] = block(70, 20 + 5 * 15, 30, 30)
    (loss,) = of(results, truths).losses
    assert (loss.frame, loss.frames, loss.back) == (1, 39, None)
    results[15] = truths[15]
    assert [(each.frame, each.back) for each in of(results, truths).losses] == [(1, 16), (17, None)]


def test_an_object_that_another_id_took_over_is_lost_and_the_points_say_to_what():
    truths = [truth + block(10, 20, 30, 30, 2) for truth in moving(15)]
    results = [np.where(truth == 1, 2, truth).astype(np.uint8) for truth in truths]
    found = of(results, truths)
    assert [loss.frame for loss in found.losses] == [1]
    assert found.lost_points.wrong_object == 1
    assert found.lost_points.lost == 0


@pytest.mark.parametrize("rule", ["first", "all"])
@pytest.mark.parametrize("ignore_void", [False, True])
def test_jf_is_the_evaluators_and_the_account_adds_up(tmp_path, rule, ignore_void):
    """On masks that hold what evaluators disagree about, of each object."""
    clips = davis_clips() | (late_clips() if rule == "all" else {})
    if ignore_void and rule == "first":
        clips.pop("nothing-first", None)
    results, truth = write(tmp_path, clips)
    asked = {"truth": truth, "objects": rule, "ignore_void": ignore_void}
    scores, found = evaluate(results, **asked), find_failures(results, **asked)
    assert found.objects.keys() == scores.objects.keys()
    for name, one in found.objects.items():
        assert one.jf_mean == pytest.approx(scores.objects[name].jf_mean, abs=1e-12)
        assert one.jf_mean + sum(one.lost_points.values()) == pytest.approx(1, abs=1e-12)
    assert found.means.jf_mean == pytest.approx(scores.means.jf_mean, abs=1e-12)
    assert found.means.jf_mean + sum(found.means.lost_points.values()) == pytest.approx(
        1, abs=1e-12
    )
    assert found.notes == scores.notes
    assert found.scored == scores.scored


def test_fixes_never_lower_j():
    """Pixels are set right only, so J cannot fall; F may, and then a category is below nothing."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        result = np.kron(rng.random((10, 15)) < 0.5, np.ones((20, 20))).astype(np.uint8)
        for fixed in fix_objects(result, TRUTH).values():
            assert fixed.own_j >= fixed.j
            assert fixed.jf[-1] <= 1


@pytest.fixture
def folders(tmp_path):
    """Results and truth of six sequences with an object each, which every other one loses."""
    for number in range(6):
        for t, truth in enumerate(moving(14)):
            result = truth * (t < 2 or number % 2 == 0)
            for kind, mask in (("results", result), ("truth", truth)):
                write_mask(tmp_path / kind / f"s{number}" / f"{t:05}.png", mask)
    return tmp_path / "results", tmp_path / "truth"


def test_means_by_attribute_are_of_five_sequences_or_more(folders):
    results, truth = folders
    attributes = {
        f"s{n}": ("AC", *(("BC",) if n else ()), *(("CS",) if n > 1 else ())) for n in range(6)
    }
    found = find_failures(results, truth=truth, attributes=attributes)
    assert [(one.attribute, one.sequences) for one in found.attributes] == [("AC", 6), ("BC", 5)]
    assert found.attributes[0].jf_mean == pytest.approx(found.means.jf_mean)
    assert found.attributes[0].lost_points.lost == pytest.approx(0.5 * 11 / 12)
    assert found.attributes[1].lost_points.lost == pytest.approx(0.6 * 11 / 12)
    del attributes["s3"]
    assert find_failures(results, truth=truth, attributes=attributes).attributes == []


def test_the_command_writes_a_record_and_tells_it(folders, tmp_path, capsys):
    results, truth = folders
    words = ["--masks", results, "--truth", truth, "--out", tmp_path / "failures.json"]
    assert main(["failures", *map(str, words), "--per-object"]) == 0
    told = capsys.readouterr().out
    assert "all objects  J&F 54.2, lost: wrong object 0.0, lost 45.8" in told
    assert "s1_1: lost from frame 2 on, 11 frames below J 0.2, does not come back" in told
    record = read(tmp_path / "failures.json", Failures, sourced=True)
    assert tuple(record.means.lost_points.keys()) == CATEGORIES
    assert json.loads((tmp_path / "failures.json").read_text())["global"]["lost_points"]["lost"]


def test_the_command_tells_the_means_by_attribute_or_that_there_are_none(folders, tmp_path, capsys):
    results, truth = folders
    words = ["--truth", truth, "--masks", results, "--workers", 1, "--record", tmp_path / "record"]
    assert main(["failures", *map(str, words)]) == 1
    assert "record: no such folder" in capsys.readouterr().err
    (tmp_path / "record").mkdir()
    assert main(["failures", *map(str, words)]) == 0
    assert "none by attribute" in capsys.readouterr().out
    names = sorted(path.name for path in truth.iterdir())
    lines = "".join(f"- {{name: {name}, attributes: [AC]}}\n" for name in names)
    (tmp_path / "record/db_info.yml").write_text(f"sequences:\n{lines}")
    assert main(["failures", *map(str, words)]) == 0
    told = capsys.readouterr().out
    assert f"AC, {len(names)} sequences  J&F" in told
    assert "none by attribute" not in told


def test_masks_that_cannot_be_scored_are_refused(folders):
    results, truth = folders
    with pytest.raises(UserError, match="score against a data set"):
        find_failures(results)
    (results / "s2/00004.png").unlink()
    with pytest.raises(UserError, match=r"s2/00004.png: missing"):
        find_failures(results, truth=truth)
