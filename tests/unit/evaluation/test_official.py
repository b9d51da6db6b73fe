"""The official toolkit's adapter, against a stand-in with the toolkit's interface.

The stand-in reads the staged folder as the toolkit does (data set layout, ids, first and last
frame cut) and scores with this project's metrics, so the adapter must give what the built-in
evaluator gives. What the real package does with the folder cannot be tested here.
"""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

from ttvos.core.errors import UserError
from ttvos.core.video import write_mask
from ttvos.evaluation.davis import evaluate
from ttvos.evaluation.metrics import boundary_f, jaccard, statistics


def _stack(folder: Path, names: list[str]) -> np.ndarray:
    return np.stack([np.array(Image.open(folder / name)) for name in names])


class StandIn:
    """DAVISEvaluation's interface."""

    def __init__(self, davis_root, task, gt_set, sequences="all", codalab=False):
        assert (task, sequences) == ("semi-supervised", "all")
        self.root = Path(davis_root)
        self.names = (self.root / f"ImageSets/2017/{gt_set}.txt").read_text().split()

    def evaluate(self, res_path, metric=("J", "F"), debug=False):
        scores = {m: {"M": [], "R": [], "D": [], "M_per_object": {}} for m in metric}
        for name in self.names:
            images = sorted((self.root / "JPEGImages/480p" / name).glob("*.jpg"))
            assert [image.is_file() for image in images] == [True] * 8
            files = [f"{image.stem}.png" for image in images]
            truth = _stack(self.root / "Annotations/480p" / name, files)
            result = _stack(Path(res_path) / name, files[1:-1])
            if result.max() > truth[0].max():
                sys.exit()  # as the toolkit does: status 0
            for i in range(1, truth[0].max() + 1):
                masks = truth[1:-1] == i, result == i
                for m, function in {"J": db_eval_iou, "F": db_eval_boundary}.items():
                    found = statistics(function(*masks))
                    scores[m]["M"].append(found["Mean"])
                    scores[m]["R"].append(found["Recall"])
                    scores[m]["D"].append(found["Decay"])
                    scores[m]["M_per_object"][f"{name}_{i}"] = found["Mean"]
        return scores


def db_eval_iou(annotation, segmentation, void_pixels=None):
    return np.array([jaccard(b, a) for a, b in zip(annotation, segmentation, strict=True)])


def db_eval_boundary(annotation, segmentation, void_pixels=None, bound_th=0.008):
    return np.array([boundary_f(b, a) for a, b in zip(annotation, segmentation, strict=True)])


@pytest.fixture
def toolkit(monkeypatch):
    """Put the stand-in where the package davis2017 would be."""
    package, evaluation, metrics = (
        ModuleType(name) for name in ("davis2017", "davis2017.evaluation", "davis2017.metrics")
    )
    evaluation.DAVISEvaluation = StandIn
    metrics.db_eval_iou, metrics.db_eval_boundary = db_eval_iou, db_eval_boundary
    for module in (package, evaluation, metrics):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return evaluation


@pytest.mark.parametrize(("year", "folder"), [(2017, "davis17"), (2016, "davis16")])
def test_gives_what_the_toolkit_says_in_our_form(toolkit, tiny_davis, results, year, folder):
    root = tiny_davis.parent / folder
    official = evaluate(results, root, year, "val", evaluator="official")
    builtin = evaluate(results, root, year, "val")
    for part in ("global", "objects", "frames"):
        assert official[part] == builtin[part]
    assert official["provenance"]["evaluator"] == "official"
    assert official["provenance"]["evaluator_version"] == "unknown"


def test_frames_are_handed_over_in_the_order_of_time(toolkit, tiny_davis, results):
    """As text, frame_10 comes first, and would be the frame that is not scored."""
    before = evaluate(results, tiny_davis, 2017, "val", evaluator="official")
    for path in [*tiny_davis.rglob("one/*.*"), *results.glob("one/*.png")]:
        path.rename(path.with_stem(f"frame_{int(path.stem) + 5}"))
    official = evaluate(results, tiny_davis, 2017, "val", evaluator="official")
    builtin = evaluate(results, tiny_davis, 2017, "val")
    for part in ("global", "objects", "frames"):
        assert official[part] == builtin[part] == before[part]


def test_the_toolkit_s_numbers_are_taken_not_ours(toolkit, tiny_davis, results, monkeypatch):
    def evaluate_zero(self, res_path, **_):
        names = {"one_1": 0.0, "two_1": 0.0, "two_2": 0.0}
        part = {"M": [0.25] * 3, "R": [0.5] * 3, "D": [0.75] * 3, "M_per_object": names}
        return {"J": part, "F": part}

    monkeypatch.setattr(StandIn, "evaluate", evaluate_zero)
    result = evaluate(results, tiny_davis, 2017, "val", evaluator="official")
    scores = {"J-Mean": 0.25, "J-Recall": 0.5, "J-Decay": 0.75}
    scores |= {name.replace("J", "F"): value for name, value in scores.items()}
    assert result["objects"]["two_2"] == scores
    assert result["global"] == {"J&F-Mean": 0.25, **scores}


def test_bad_masks_are_our_errors_not_its_exit_0(toolkit, tiny_davis, results):
    write_mask(results / "one/00003.png", np.full((64, 96), 9, dtype=np.uint8))
    with pytest.raises(UserError, match=r"one/00003\.png: id 9"):
        evaluate(results, tiny_davis, 2017, "val", evaluator="official")
    (results / "one/00003.png").unlink()
    with pytest.raises(UserError, match=r"one/00003\.png: missing"):
        evaluate(results, tiny_davis, 2017, "val", evaluator="official")


def test_its_giving_up_is_an_error(toolkit, tiny_davis, results, monkeypatch):
    monkeypatch.setattr(StandIn, "evaluate", lambda self, res_path: sys.exit())
    with pytest.raises(UserError, match="official evaluator gave up"):
        evaluate(results, tiny_davis, 2017, "val", evaluator="official")


def test_leaves_no_files_behind(toolkit, tiny_davis, results, monkeypatch, tmp_path):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    evaluate(results, tiny_davis, 2017, "val", evaluator="official")
    assert list(scratch.iterdir()) == []


@pytest.mark.skipif(importlib.util.find_spec("davis2017") is not None, reason="it is installed")
def test_names_the_extra_when_the_package_is_missing(tiny_davis, results):
    """ttvos is no published package: the extra is that of a checkout."""
    way_out = r"'davis2017'; in a checkout of this project: pip install -e \"\.\[official\]\""
    with pytest.raises(UserError, match=way_out):
        evaluate(results, tiny_davis, 2017, "val", evaluator="official")
