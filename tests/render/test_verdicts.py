"""Verdicts: never "reproduced" for a number that is not the same quantity."""

from dataclasses import replace

import pytest

from tests.render.fake_results import provenance
from ttvos.config import Comparable
from ttvos.render.manifest import DatasetEntry, Manifest
from ttvos.render.results import Measured, Result
from ttvos.render.verdicts import (
    DIFFERS,
    NOT_MEASURED,
    REPRODUCED,
    RULES,
    STATUSES,
    accuracy_obstacle,
    chance,
    decide,
    half_digit,
    size_obstacle,
    speed_obstacle,
)

SOURCE = Result("file.json", {"provenance": provenance()})
REAL = Manifest(
    profile="paper",
    title="",
    caution="",
    datasets={
        "davis16": DatasetEntry("DAVIS", 2016),
        "davis17": DatasetEntry("DAVIS", 2017),
    },
    rows=(),
    comparable=Comparable(accuracy=True, speed=True),
)


def value(*numbers: float) -> Measured:
    return Measured(numbers, (SOURCE,) * len(numbers))


def evaluation(count: int, profile: str = "paper") -> Result:
    objects = {f"clip_{index}_1": {} for index in range(count)}
    return Result(
        "e.json", {"objects": objects, "provenance": provenance(data={"profile": profile})}
    )


def verdict(rule: str, paper: str, *numbers: float, obstacle: str | None = None) -> str:
    return decide(RULES[rule], paper, value(*numbers), obstacle).status


@pytest.mark.parametrize(
    ("rule", "paper", "measured", "status"),
    [
        ("accuracy", "81.1", 82.1, REPRODUCED),
        ("accuracy", "81.1", 82.11, DIFFERS),
        ("accuracy", "81.1", 80.1, REPRODUCED),
        ("accuracy", "81.1", 80.09, DIFFERS),
        ("macs", "55.2", 55.2 * 1.02, REPRODUCED),
        ("macs", "55.2", 55.2 * 1.0201, DIFFERS),
        ("macs", "0.06", 0.065, REPRODUCED),  # half of the last printed digit
        ("macs", "0.06", 0.0651, DIFFERS),
        ("parameters", "1.61", 1.60583, REPRODUCED),
        ("parameters", "14.8", 15.2, DIFFERS),
        ("speed", "78.3", 86.1, REPRODUCED),
        ("speed", "78.3", 70.4, DIFFERS),
    ],
)
def test_boundaries(rule, paper, measured, status):
    assert verdict(rule, paper, measured) == status


def test_chance_is_two_standard_errors_between_one_run_and_the_mean():
    assert chance(value(80.0)) == 0
    assert chance(value(80.0, 84.0)) == pytest.approx(2 * 8**0.5 * 1.5**0.5)
    assert chance(value(79.0, 80.0, 81.0)) == pytest.approx(2 * (4 / 3) ** 0.5)


@pytest.mark.parametrize(
    ("measured", "status"),
    [
        ((82.31,), DIFFERS),  # one seed says nothing of the spread
        ((82.30, 82.31, 82.32), DIFFERS),  # seeds that agree: the tolerance decides
        ((81.30, 82.30, 83.30), REPRODUCED),  # two standard errors are 2.309
        ((81.32, 82.32, 83.32), DIFFERS),
        ((80.5, 80.9), REPRODUCED),  # never less than the tolerance
    ],
)
def test_a_number_differs_only_beyond_what_chance_does_between_seeds(measured, status):
    assert verdict("accuracy", "80.0", *measured) == status


def test_the_verdict_says_when_the_seeds_decided():
    found = decide(RULES["accuracy"], "80.0", value(81.0, 82.0, 83.0), None)
    assert found.reason == "+2, within ±2.3 (two standard errors, 3 seeds)"
    found = decide(RULES["accuracy"], "80.0", value(81.9, 82.1), None)
    assert found.reason == "+2, beyond ±1"
    assert "√(1 + 1/n)" in RULES["accuracy"].text
    assert "√" not in RULES["speed"].text


def test_not_the_same_quantity_is_not_compared_even_when_equal():
    found = decide(RULES["accuracy"], "81.1", value(81.1), "built-in clips")
    assert (found.status, found.reason) == (NOT_MEASURED, "built-in clips")


@pytest.mark.parametrize(
    ("paper", "measured", "reason"),
    [
        ("81.1", None, "not in this run"),
        ("81.1", Measured((), (), refused=True), "no provenance"),
        ("", value(81.1), "the paper gives no number"),
    ],
)
def test_missing(paper, measured, reason):
    found = decide(RULES["accuracy"], paper, measured, None)
    assert (found.status, found.reason) == (NOT_MEASURED, reason)


def test_there_are_four_statuses_and_every_rule_has_its_words():
    assert STATUSES[:2] == ("reproduced", "differs")
    assert STATUSES[2:] == ("differs from the public record", "not measured here")
    for rule in RULES.values():
        assert rule.needs
        assert "half a unit" in rule.text


def test_half_digit():
    assert [half_digit(text) for text in ("38", "1.6", "0.06")] == [0.5, 0.05, 0.005]


def test_real_davis_is_comparable():
    assert accuracy_obstacle(REAL, "davis16", [evaluation(20)]) is None
    assert accuracy_obstacle(REAL, "davis17", [evaluation(30)]) is None


def test_the_profile_must_claim_to_be_comparable():
    humble = replace(REAL, comparable=Comparable(reason="a few minutes of training"))
    assert accuracy_obstacle(humble, "davis16", [evaluation(20)]) == "a few minutes of training"
    silent = replace(REAL, comparable=Comparable())
    assert "profile paper" in accuracy_obstacle(silent, "davis16", [evaluation(20)])


def test_a_claim_does_not_make_built_in_clips_davis():
    mini = replace(REAL, profile="mini")
    assert "profile mini" in accuracy_obstacle(mini, "davis17", [evaluation(30, "mini")])
    assert "profile mini" in accuracy_obstacle(REAL, "davis17", [evaluation(30, "mini")])
    anonymous = Result("e.json", {"objects": {}, "provenance": provenance(data=None)})
    assert "profile None" in accuracy_obstacle(REAL, "davis17", [anonymous])


def test_a_part_of_the_validation_set_is_not_the_validation_set():
    assert "8 of" in accuracy_obstacle(REAL, "davis16", [evaluation(8)])


def test_another_year_or_split_is_not_compared():
    train = replace(REAL, datasets={"davis16": DatasetEntry("DAVIS", 2016, "train")})
    assert "val split of DAVIS 2016" in accuracy_obstacle(train, "davis16", [evaluation(20)])
    assert accuracy_obstacle(train, "davis17", [evaluation(30)]) is not None
    later = replace(REAL, datasets={"davis16": DatasetEntry("DAVIS", 2019)})
    assert "val split of DAVIS 2016" in accuracy_obstacle(later, "davis16", [evaluation(20)])


def test_the_year_decides_what_a_dataset_is_and_its_name_does_not():
    for name in ("davis16", "davis17", "val8"):
        ids = replace(REAL, datasets={name: DatasetEntry("DAVIS", 2017)})
        assert "20 of the validation set's 30" in accuracy_obstacle(ids, name, [evaluation(20)])
        one = replace(REAL, datasets={name: DatasetEntry("DAVIS", 2016)})
        assert accuracy_obstacle(one, name, [evaluation(20)]) is None


def test_smaller_frames_are_not_compared():
    half = replace(REAL, datasets={"davis16": DatasetEntry("DAVIS", 2016, input_scale=0.5)})
    assert "tracked at 0.5 of" in accuracy_obstacle(half, "davis16", [evaluation(20)])


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"height": 480, "width": 854}, None),
        ({"height": 480, "width": 864}, None),
        ({"height": 240, "width": 432}, "240x432"),
        ({}, "does not say"),
    ],
)
def test_costs_are_for_a_frame_size(data, text):
    found = size_obstacle(Result("c.json", data))
    assert found is None if text is None else text in found


def test_speed_needs_the_same_device():
    fast = Result("s.json", {"height": 480, "width": 854, "provenance": provenance()})
    assert speed_obstacle(REAL, fast) is None
    other = replace(REAL, comparable=Comparable(accuracy=True))
    assert "Imaginary CPU" in speed_obstacle(other, fast)
    small = Result("s.json", {"height": 64, "width": 96})
    assert speed_obstacle(REAL, small) == "measured at 64x96"
    assert speed_obstacle(other, small).endswith("; measured at 64x96")
