"""J and F equal vos-benchmark's to 1e-9 where both mean the same thing.

vos-benchmark (PyPI) judges a frame as the DAVIS toolkit does, and an object otherwise:

- Its objects are the ids seen in the scored frames of the truth. Ours are 1 to the highest id of
  the first annotation, as in the toolkit: one that is gone after the first frame counts as well.
- It counts an object from the first frame on in which the truth or a result shows it. So does
  ours with objects "all" (test_parity.py). With "first", as in DAVIS, every frame counts; before,
  the object is rightly absent from both, which is 1.
- It has no void: 255 is one more object. Ours takes void in the truth for background.
- It takes 2016's masks of 0 and 255 as they are: both sides must use the same value.
- An id that the truth never shows is dropped in silence; here it is an error.

So single frames are compared as such, and whole results where every object is there from the
second frame on.
"""

import numpy as np
import pytest
from PIL import Image

from tests.unit.evaluation.random_masks import random_clip
from ttvos.core.video import write_mask
from ttvos.evaluation.crops import score_frame
from ttvos.evaluation.davis import evaluate

evaluator = pytest.importorskip(
    "vos_benchmark.evaluator",
    reason="needs vos-benchmark: pip install --no-deps vos-benchmark scikit-image",
)


@pytest.mark.parametrize("seed", range(25))
def test_every_frame_of_every_object(seed):
    result, truth, count = random_clip(seed)
    theirs = evaluator.Evaluator()
    for pair in zip(result, truth, strict=True):
        theirs.feed_frame(*pair)
    ours = np.array([score_frame(*pair, count) for pair in zip(result, truth, strict=True)])
    compared = 0
    for object_id in range(1, count + 1):
        shown = ((result == object_id) | (truth == object_id)).any(axis=(1, 2))
        first = int(np.argmax(shown)) if shown.any() else len(truth)
        assert (ours[:first, object_id - 1] == 1).all()
        expected = np.stack(
            [theirs.object_iou[object_id], theirs.boundary_f[object_id]], axis=1
        ).reshape(-1, 2)
        assert len(expected) == len(truth) - first
        np.testing.assert_allclose(ours[first:, object_id - 1], expected, rtol=0, atol=1e-9)
        compared += len(expected)
    assert compared > len(truth) // 2


def _write(tmp_path, clips):
    """A data set in DAVIS layout of these clips, and a folder of results."""
    for name, (result, truth, _) in clips.items():
        for t in range(len(truth)):
            frame = tmp_path / f"data/JPEGImages/480p/{name}/{t:05}.jpg"
            frame.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", truth[t].shape[::-1]).save(frame)
            write_mask(tmp_path / f"data/Annotations/480p/{name}/{t:05}.png", truth[t])
            write_mask(tmp_path / f"results/{name}/{t:05}.png", result[t])
    (tmp_path / "data/ImageSets/2017").mkdir(parents=True)
    (tmp_path / "data/ImageSets/2017/val.txt").write_text("".join(f"{n}\n" for n in clips))


def test_whole_results(tmp_path):
    from vos_benchmark.benchmark import VideoEvaluator

    clips = {f"clip{seed}": random_clip(seed) for seed in range(10, 16)}
    for _, truth, count in clips.values():  # all objects from the second frame on
        for object_id in range(1, count + 1):
            truth[0, 0, object_id], truth[1, -1, -object_id] = object_id, object_id
    _write(tmp_path, clips)
    ours = evaluate(tmp_path / "results", tmp_path / "data", 2017, "val")["objects"]
    judge = VideoEvaluator(str(tmp_path / "data/Annotations/480p"), str(tmp_path / "results"))
    compared = 0
    for name in clips:
        _, j, f = judge(name)
        for object_id in j:
            scores = ours[f"{name}_{object_id}"]
            assert scores["J-Mean"] == pytest.approx(j[object_id] / 100, abs=1e-9)
            assert scores["F-Mean"] == pytest.approx(f[object_id] / 100, abs=1e-9)
            compared += 1
    assert compared == len(ours) > 10


def test_the_differences_are_those_named_above():
    """If vos-benchmark comes to mean something else, this file's head is out of date."""
    truth, result = np.zeros((2, 3, 20, 30), dtype=np.uint8)
    truth[2, 5:9, 5:9] = 1  # comes in the last frame, and is counted in that one only
    truth[1, 0] = 255
    result[2, 5:9, 6:10] = 1
    theirs = evaluator.Evaluator()
    for pair in zip(result, truth, strict=True):
        theirs.feed_frame(*pair)
    j, _ = theirs.conclude()
    assert set(j) == {1, 255}
    assert len(theirs.object_iou[1]) == 1
