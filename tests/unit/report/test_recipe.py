"""Training stages in words."""

import pytest

from ttvos.config.run import Stage, as_plain
from ttvos.report.recipe import (
    in_words,
    stage_data,
    stage_extras,
    stage_length,
    stage_rate,
)

STAGE = Stage(
    name="davis",
    source="davis",
    roots=("a/DAVIS",),
    height=112,
    width=192,
    frames=4,
    batch=8,
    learning_rate=0.001,
    steps=500,
)


def as_json(**changes) -> dict:
    """A stage as train.json gives it back."""
    plain = {**as_plain(STAGE), **changes}
    return {key: list(v) if isinstance(v, tuple) else v for key, v in plain.items()}


def test_a_plain_stage_has_no_extras():
    assert stage_extras(as_json()) == ""


def test_extras_are_what_differs_from_the_defaults():
    stage = as_json(gaps=3, years=[2016, 2017], motion={"shift": 0.1}, frames=9)
    assert stage_extras(stage) == "years (2016, 2017), gaps 3, motion (shift 0.1)"


def test_a_key_that_is_no_longer_known_is_told():
    assert stage_extras(as_json(flip=True)) == "flip True"


def test_length_rate_and_data():
    assert stage_length(as_json()) == "500 steps"
    assert stage_length(as_json(steps=None, epochs=20)) == "20 epochs"
    assert stage_rate(as_json()) == "0.001"
    assert stage_rate(as_json(end_rate=0.0)) == "0.001 to 0"
    assert stage_data(as_json(stills_roots=["b/ECSSD", "a/DAVIS"])) == "a/DAVIS, b/ECSSD"


@pytest.mark.parametrize(
    ("value", "words"),
    [(None, "none"), ([], "none"), ({}, "none"), ({"a": [1, "b"]}, "(a (1, b))"), (0.5, "0.5")],
)
def test_values_in_words(value, words):
    assert in_words(value) == words
