"""The evaluator's numbers on drawn masks are vos-benchmark's: parity without any data.

Its code for F is the official toolkit's, whose own numbers for real masks test_davis.py meets.
vos-benchmark judges a frame as the DAVIS toolkit does, and an object otherwise:

- Its objects are the ids seen in the scored frames of the truth. Ours are 1 to the highest id of
  the first annotation, as in the toolkit: one that is gone after the first frame counts as well.
- It counts an object from the first frame on in which the truth or a result shows it. So does
  ours with objects "all". With "first", as in DAVIS, every frame counts; before, the object is
  rightly absent from both, which is 1.
- It has no void: 255 is one more object. Ours takes void in the truth for background.
- It takes 2016's masks of 0 and 255 as they are: both sides must use the same value.
- An id that the truth never shows is dropped in silence; here it is an error.
"""

import numpy as np
import pytest

from tests.unit.evaluation.drawn import davis_clips, late_clips, write
from tests.unit.evaluation.random_masks import random_clip
from ttvos.evaluation.crops import score_frame
from ttvos.evaluation.davis import evaluate


def test_void_matters_in_this_set(folders, scores):
    """Were it ignored, the clip with void would score otherwise, and no other would."""
    results, truth = folders
    ignored = evaluate(results, truth=truth, objects="first", ignore_void=True)["objects"]
    changed = {name for name in ignored if ignored[name] != scores["objects"][name]}
    assert changed == {"void_1", "void_2"}


def _vos_benchmark():
    return pytest.importorskip(
        "vos_benchmark.evaluator",
        reason="needs vos-benchmark: pip install --no-deps vos-benchmark scikit-image",
    )


@pytest.mark.parametrize("name", davis_clips())
def test_every_value_is_vos_benchmark_s(scores, name):
    """Frame by frame; void, which it does not know, given to it as background."""
    judge = _vos_benchmark()
    result, truth = davis_clips()[name]
    truth = np.where(truth == 255, 0, truth)
    compared = 0
    for t in range(1, len(truth) - 1):
        theirs = judge.Evaluator()
        theirs.feed_frame(result[t], truth[t])
        for object_id, (j,) in theirs.object_iou.items():
            ours = scores["frames"][f"{name}_{object_id}"]
            assert ours["J"][t - 1] == pytest.approx(j, abs=1e-9)
            assert ours["F"][t - 1] == pytest.approx(theirs.boundary_f[object_id][0], abs=1e-9)
            compared += 1
    assert compared >= len(truth) - 3


def test_objects_that_come_late_score_what_vos_benchmark_says(tmp_path):
    _vos_benchmark()
    from vos_benchmark.benchmark import VideoEvaluator

    clips = late_clips()
    results, truth = write(tmp_path, clips)
    scores = evaluate(results, truth=truth)
    judge, found = VideoEvaluator(str(truth), str(results)), {}
    for name in clips:
        _, j, f = judge(name)
        found |= {f"{name}_{i}": (j[i] / 100, f[i] / 100) for i in j}
    ours = {name: (row["J-Mean"], row["F-Mean"]) for name, row in scores["objects"].items()}
    assert ours.keys() == found.keys() == {"late_1", "late_2", "late_5", "nothing-first_3"}
    for name, pair in found.items():
        assert ours[name] == pytest.approx(pair, abs=1e-9), name
    assert {name: len(v["J"]) for name, v in scores["frames"].items()} == {
        "late_1": 9,
        "late_2": 7,  # from frame 3 on, its first
        "late_5": 8,  # predicted in frame 2 already, which counts
        "nothing-first_3": 8,
    }
    assert scores["frames"]["late_5"]["J"][:4] == [0, 1, 1, 1]
    assert "late: object 9 first comes with the last annotation" in scores["notes"][0]


@pytest.mark.parametrize("seed", range(10))
def test_every_frame_of_every_object_of_random_clips(seed):
    result, truth, count = random_clip(seed)
    theirs = _vos_benchmark().Evaluator()
    for pair in zip(result, truth, strict=True):
        theirs.feed_frame(*pair)
    ours = np.array([score_frame(*pair, count) for pair in zip(result, truth, strict=True)])
    compared = 0
    for object_id in range(1, count + 1):
        shown = ((result == object_id) | (truth == object_id)).any(axis=(1, 2))
        first = int(np.argmax(shown)) if shown.any() else len(truth)
        assert (ours[:first, object_id - 1] == 1).all()
        expected = [theirs.object_iou[object_id], theirs.boundary_f[object_id]]
        expected = np.stack(expected, axis=1).reshape(-1, 2)
        assert len(expected) == len(truth) - first
        np.testing.assert_allclose(ours[first:, object_id - 1], expected, rtol=0, atol=1e-9)
        compared += len(expected)
    assert compared > len(truth) // 2
