"""Figure 9: which objects it shows, and what is concluded from them."""

import numpy as np
import pytest

from tests.unit.report.points import correlated
from ttvos.core.provenance import REPOSITORY
from ttvos.plan.manifest import Comparable, Manifest
from ttvos.report.correlation import least_telling
from ttvos.report.figure_weights import (
    CLAIM,
    VARIES,
    ObjectCurve,
    WeightData,
    conclusion,
    curves,
    first_frame_points,
    pick_changing,
    relative_change,
)

PAPERS = Manifest("paper", "", "", {}, (), data_label="DAVIS", comparable=Comparable(accuracy=True))


def curve(name: str, ratio, number: int = 1) -> ObjectCurve:
    ratio = np.array(ratio, dtype=float)
    return ObjectCurve(name, number, ratio, np.full(len(ratio) - 1, 0.5))


def test_relative_change_is_slope_over_mean():
    assert relative_change(np.array([1.0, 2.0, 3.0])) == pytest.approx(1.0)
    assert relative_change(np.array([0.3, 0.2, 0.1])) == pytest.approx(-1.0)
    assert relative_change(np.zeros(4)) == 0.0


def test_picks_by_relative_not_absolute_change():
    big = curve("big", [0.50, 0.40])
    small = curve("small", [0.02, 0.01])
    growing = curve("growing", [0.01, 0.02])
    assert pick_changing([big, small, growing]) == (small, growing)


def test_lost_objects_are_not_picked():
    lost, steady = curve("lost", [0.2, 0.0]), curve("steady", [0.2, 0.19])
    assert pick_changing([lost, steady], {"steady_1"}) == (steady, None)
    assert pick_changing([lost, steady], set()) == (None, None)
    assert pick_changing([]) == (None, None)


def test_curves_take_each_object_and_skip_trackers_without_weights():
    sequences = {
        "two": {
            "objects": [1, 3],
            "update_weights": [[0.1, 0.2], [0.3, 0.4]],
            "foreground_ratio": [[0.01, 0.02], [0.03, 0.04], [0.05, 0.06]],
        },
        "none": {"objects": [1], "update_weights": None, "foreground_ratio": [[0.1]]},
    }
    found = curves(sequences)
    assert [item.name for item in found] == ["two_1", "two_3"]
    assert found[1].weight.tolist() == [0.2, 0.4]
    ratio, weight = first_frame_points(found)
    assert (ratio.tolist(), weight.tolist()) == ([0.01, 0.02], [0.1, 0.2])


def data(ratio: np.ndarray, weight: np.ndarray) -> WeightData:
    """A run whose objects have these first foreground ratios and first weights."""
    objects = [
        ObjectCurve("clip", number, np.array([r, r]), np.array([w]))
        for number, (r, w) in enumerate(zip(ratio, weight, strict=True), start=1)
    ]
    return WeightData("davis17", 0, tuple(objects), None, ())


def spread(r: float, n: int, width: float = 1.0) -> WeightData:
    """n objects whose ratio and weight correlate by r; the weights' range is `width`."""
    ratio, weight = correlated(r, n)
    return data(ratio, width * (weight - weight.min()) / np.ptp(weight))


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (spread(-0.6, 28), "supports its sign: Pearson r = -0.60, 95% confidence interval -0.80"),
        (spread(0.6, 28), "contradicts it: Pearson r = 0.60, 95% confidence interval 0.29"),
        (spread(-0.33, 9), "cannot tell: Pearson r = -0.33, 95% confidence interval -0.82 to 0.43"),
        (spread(-0.9, 3), "cannot tell: Pearson r = -0.90, n = 3: too few"),
        (spread(0.6, 28, VARIES / 2), "shows nothing of it: over its 28 objects the weight lies"),
        (data(np.full(5, 0.1), np.linspace(0, 1, 5)), "cannot tell: no correlation: n = 5"),
        (data(np.array([0.1]), np.array([0.5])), "cannot tell: no correlation: n = 1"),
    ],
)
def test_the_conclusion_is_what_the_points_allow(run, words):
    text = conclusion(run, PAPERS)
    assert text.startswith(f"{CLAIM} This run (davis17, DAVIS, seed 0) {words}")
    assert text.endswith(".")


def test_what_cannot_tell_says_what_would():
    assert f"only an r beyond ±{least_telling(9):.2f} would tell" in conclusion(
        spread(-0.33, 9), PAPERS
    )


def test_weights_that_hardly_vary_are_named_by_their_range():
    run = data(np.linspace(0.01, 0.2, 9), np.linspace(0.0005, 0.0018, 9))
    assert "the weight lies between 0.0005 and 0.0018 and so hardly varies" in conclusion(
        run, PAPERS
    )


def test_a_run_that_is_not_the_papers_says_so():
    mini = Manifest("mini", "", "", {}, ())
    text = "(davis17, built-in clips, seed 0; its data or its training are not the paper's)"
    assert text in conclusion(spread(-0.6, 28), mini)
    assert conclusion("No weights.", mini) == f"{CLAIM} No weights."


def test_the_page_of_the_rules_has_the_codes_number():
    rules = (REPOSITORY / "docs/verdicts.md").read_text()
    assert f"Weights whose range is below {VARIES}, of the 0 to 1" in rules
