"""J&F under stress: measured on drawn clips, by trackers of which it is known what they lose."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from ttvos.cli.main import main
from ttvos.config.stress import Stress, StressConfig
from ttvos.core.errors import UserError
from ttvos.core.video import read_mask, write_mask
from ttvos.evaluation.davis import evaluate
from ttvos.measure.stress import measure_stress, slopes
from ttvos.records.schema import StressLine, StressTest
from ttvos.records.store import read
from ttvos.tracking.baselines import HeldStill
from ttvos.tracking.predict import predict
from ttvos.tracking.stress import stressed

FRAMES = 8


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Two clips in DAVIS layout: a block that stands, and a block that moves beside one that does
    not."""
    root = tmp_path_factory.mktemp("davis")
    for name, speed in (("moves", 4), ("stands", 0)):
        for t in range(FRAMES):
            mask = np.zeros((48, 96), dtype=np.uint8)
            mask[10:30, 10 + speed * t : 30 + speed * t] = 1
            if speed:
                mask[32:44, 5:17] = 2
            write_mask(root / f"Annotations/480p/{name}/{t:05}.png", mask)
            frame = root / f"JPEGImages/480p/{name}/{t:05}.jpg"
            frame.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.repeat(mask[..., None] * 100, 3, axis=2)).save(frame)
    (root / "ImageSets/2017").mkdir(parents=True)
    (root / "ImageSets/2017/val.txt").write_text("moves\nstands\n")
    return root


@pytest.fixture(scope="module")
def found(dataset):
    stresses = [Stress("erode", 5), Stress("erode", 20), Stress("skip", 1), Stress("blur", 2)]
    return measure_stress(HeldStill(), dataset, 2017, "val", stresses)


def line(found, name, strength):
    (one,) = [x for x in found.lines if (x.stress, x.strength) == (name, strength)]
    return one


def test_jf_without_stress_is_the_evaluators(found, dataset, tmp_path):
    predict(HeldStill(), dataset, 2017, "val", tmp_path / "masks")
    scores = evaluate(tmp_path / "masks", dataset, 2017)
    assert found.jf_mean == pytest.approx(scores.means.jf_mean, abs=1e-12)
    assert (found.sequences, found.objects) == (2, 3)


@pytest.mark.parametrize("strength", [5, 20])
def test_jf_under_stress_is_that_of_the_stressed_masks(found, dataset, tmp_path, strength):
    tracker = stressed(HeldStill(), Stress("erode", strength))
    predict(tracker, dataset, 2017, "val", tmp_path / "masks")
    scores = evaluate(tmp_path / "masks", dataset, 2017)
    one = line(found, "erode", strength)
    assert one.jf_mean == pytest.approx(scores.means.jf_mean, abs=1e-12)
    assert one.untouched == pytest.approx(found.jf_mean)


def test_what_does_not_touch_a_tracker_costs_it_nothing(found):
    assert line(found, "blur", 2).jf_mean == found.jf_mean
    assert [slope.lost for slope in found.slopes if slope.stress == "blur"] == [0]


def test_frames_left_out_are_compared_on_the_frames_seen(found):
    """Held still, a mask is the same whether frames are seen or not; but those that are seen are
    the 2nd, 4th and 6th, in which the block is not where it is in the mean."""
    one = line(found, "skip", 1)
    assert one.jf_mean == one.untouched != found.jf_mean
    assert [slope.lost for slope in found.slopes if slope.stress == "skip"] == [0]


def test_slopes_are_those_of_a_line_through_no_loss():
    def lines(*lost, name="blur", strengths=(1, 2, 4)):
        return [
            StressLine.model_validate(
                {"stress": name, "strength": float(s), "J&F-Mean": 0.8 - x, "untouched": 0.8}
            )
            for s, x in zip(strengths, lost, strict=True)
        ]

    (one,) = slopes(lines(0.05, 0.1, 0.2))
    assert (one.per, one.lost) == (1, pytest.approx(0.05))
    first, second = slopes([*lines(0.0, 0.0, 0.21), *lines(0.03, name="erode", strengths=(30,))])
    assert first.lost == pytest.approx(0.21 * 4 / 21)
    assert (second.per, second.lost) == (10, pytest.approx(0.01))


def test_the_command_writes_a_record_and_tells_it(dataset, tmp_path, capsys):
    words = ["--reference", "still", "--dataset", dataset, "--year", 2017]
    words += ["--stresses", "box=1", "shift=20", "--stress-seed", 3, "--out", tmp_path / "s.json"]
    assert main(["stress", *map(str, words)]) == 0
    record = read(tmp_path / "s.json", StressTest, sourced=True)
    assert [slope.stress for slope in record.slopes] == ["box", "shift"]
    assert record.provenance.seed == 3
    told = capsys.readouterr().out
    assert f"still: J&F {100 * record.jf_mean:.1f} without stress" in told
    assert "box       +0.0 points lost per 1" in told  # the objects are boxes


def test_predict_worsens_what_the_tracker_sees_and_says_so(dataset, tmp_path):
    words = ["--reference", "still", "--dataset", dataset, "--year", 2017, "--stress", "dilate=20"]
    assert main(["predict", *map(str, words), "--out", str(tmp_path / "masks")]) == 0
    given = read_mask(dataset / "Annotations/480p/stands/00000.png", 2017)
    shown = read_mask(tmp_path / "masks/stands/00004.png", 2017)
    assert shown.sum() > 1.5 * given.sum()
    origin = json.loads((tmp_path / "masks/predict.json").read_text())["provenance"]
    assert origin["tracker"]["stress"] == "dilate=20"


def test_what_cannot_be_measured_is_refused(dataset):
    with pytest.raises(UserError, match="no stress to measure"):
        measure_stress(HeldStill(), dataset, 2017, "val", [])
    with pytest.raises(UserError, match="moves: 8 frames are too few for skip=7"):
        measure_stress(HeldStill(), dataset, 2017, "val", [Stress("skip", 7)])
    with pytest.raises(UserError, match="seed: a whole number, 0 or more"):
        StressConfig(datasets=("mini",), seed=-1)


def test_a_negative_seed_is_one_line(dataset, capsys):
    words = ["--reference", "still", "--dataset", str(dataset), "--year", "2017"]
    assert main(["stress", *words, "--stress-seed", "-1"]) == 1
    assert capsys.readouterr().err == "ttvos: seed '-1': a whole number, 0 or more\n"


@pytest.fixture
def few_frames(dataset, tmp_path):
    """Two frames of one of the clips."""
    shutil.copytree(dataset, tmp_path / "few")
    for path in (tmp_path / "few").glob("*/480p/stands/*"):
        if int(path.stem) > 1:
            path.unlink()
    return tmp_path / "few"


def test_a_clip_must_have_frames_to_score_and_the_truth_of_each(few_frames):
    stress = [Stress("box", 1)]
    with pytest.raises(UserError, match="stands: 2 frames are too few to score"):
        measure_stress(HeldStill(), few_frames, 2017, "val", stress, only=("stands",))
    (few_frames / "ImageSets/2017/test-dev.txt").write_text("moves\n")
    (few_frames / "Annotations/480p/moves/00003.png").unlink()
    with pytest.raises(UserError, match="moves: every frame must have its true mask"):
        measure_stress(HeldStill(), few_frames, 2017, "test-dev", stress)


def test_an_object_that_no_mask_shows_is_refused_as_the_evaluator_does(few_frames):
    for path in (few_frames / "Annotations/480p/moves").iterdir():
        mask = read_mask(path, 2017)
        write_mask(path, np.where(mask == 2, 3, mask).astype(np.uint8))
    with pytest.raises(UserError, match="moves: object 2 never appears in the ground truth"):
        measure_stress(HeldStill(), few_frames, 2017, "val", [Stress("box", 1)], only=("moves",))


def test_a_stress_that_is_named_twice_is_measured_once(dataset):
    twice = [Stress("box", 1)] * 2
    assert (
        len(measure_stress(HeldStill(), dataset, 2017, "val", twice, only=("stands",)).lines) == 1
    )
