"""The evaluator's numbers on drawn masks are those of the definitions: parity without any data.

`literal.py` is nothing but the definitions and shares no code with `ttvos`; `drawn_scores.json` is
what it gives (`python -m tests.unit.evaluation.test_definitions` writes it).
"""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.unit.evaluation import literal
from tests.unit.evaluation.drawn import davis_clips, write
from ttvos.evaluation.metrics import statistics

GOLDEN = Path(__file__).with_name("drawn_scores.json")


@pytest.fixture(scope="module")
def expected(folders) -> dict:
    return literal.score(*folders)


def test_every_value_is_that_of_the_definitions(scores, expected):
    assert list(scores["frames"]) == list(expected)
    assert len(expected) == 17
    for name, series in expected.items():
        for metric in ("J", "F"):
            assert scores["frames"][name][metric] == pytest.approx(series[metric], abs=1e-9), name
    values = np.array([series[m] for series in expected.values() for m in ("J", "F")])
    assert (values == 0).sum() > 10
    assert (values == 1).sum() > 10
    assert ((values > 0) & (values < 1)).sum() > 100


def test_mean_recall_and_decay_are_those_of_the_definitions(scores, expected):
    rows = {
        name: {
            f"{metric}-{key}": value
            for metric in ("J", "F")
            for key, value in literal.summary(series[metric]).items()
        }
        for name, series in expected.items()
    }
    for name, row in rows.items():
        assert scores["objects"][name] == pytest.approx(row, abs=1e-9), name
    means = {key: sum(row[key] for row in rows.values()) / len(rows) for key in rows["several_1"]}
    means["J&F-Mean"] = (means["J-Mean"] + means["F-Mean"]) / 2
    assert scores["global"] == pytest.approx(means, abs=1e-9)
    assert all(abs(value) > 0.001 for value in means.values())


@pytest.mark.parametrize("frames", range(1, 40))
def test_the_bins_of_the_decay_are_right_for_every_length(frames):
    series = np.random.default_rng(frames).random(frames).tolist()
    assert statistics(series) == pytest.approx(literal.summary(series), abs=1e-12)


def test_equals_the_golden(scores):
    """Written by `python -m tests.unit.evaluation.test_parity`, by the definitions."""
    golden = json.loads(GOLDEN.read_text())
    assert list(golden) == list(scores["objects"])
    for name, row in golden.items():
        assert scores["objects"][name] == pytest.approx(row, abs=1e-9), name


def test_the_definitions_are_the_official_toolkit_s(shared):
    """`literal.py` itself, on some real frames, and on all real series of values."""
    golden = json.loads((shared / "golden/davis-evaluator.json").read_text())
    name = "car-shadow"
    truth = sorted((shared / "data/davis2016-val8/Annotations/480p" / name).iterdir())
    for t in (1, 12, 38):
        masks = [shared / "data/osvos-masks" / name / truth[t].name, truth[t]]
        predicted, true = (np.array(Image.open(path)) > 0 for path in masks)
        values = golden["frames"][f"{name}_1"]
        assert literal.region(predicted, true) == pytest.approx(values["J"][t - 1], abs=1e-9)
        assert literal.contour(predicted, true) == pytest.approx(values["F"][t - 1], abs=1e-9)
    for sequence, series in golden["frames"].items():
        for metric in ("J", "F"):
            for key, value in literal.summary(series[metric]).items():
                expected = golden["objects"][sequence][f"{metric}-{key}"]
                assert value == pytest.approx(expected, abs=1e-9)


def _write_golden(folder: Path) -> None:
    rows = {
        name: {f"{m}-{key}": v for m in ("J", "F") for key, v in literal.summary(s[m]).items()}
        for name, s in literal.score(*write(folder, davis_clips())).items()
    }
    GOLDEN.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as made:
        _write_golden(Path(made))
