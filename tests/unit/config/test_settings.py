"""Plain data into settings: what is wrong is told in one line, with its key and the nearest."""

import datetime
from dataclasses import field, replace
from typing import Literal

import pytest

from ttvos.config.settings import build, json_schema, settings
from ttvos.core.errors import UserError


@settings
class Part:
    size: float = 1.0
    pair: tuple[float, float] = (0.5, 2.0)

    def __post_init__(self) -> None:
        if self.size <= 0:
            raise UserError("size must be above 0")


@settings
class Whole:
    name: str
    kind: Literal["a", "b"] = "a"
    years: tuple[Literal[2016, 2017], ...] = (2017,)
    steps: int | None = None
    learns: bool = False
    part: Part | None = None
    parts: tuple[Part, ...] = ()
    named: dict[str, Part] = field(default_factory=dict)
    files: dict[str, str | None] = field(default_factory=dict)


def test_nested_data_become_settings_and_defaults_stay():
    made = build(Whole, {"name": "x", "parts": [{"size": 2}], "named": {"a": {}}}, "here")
    assert made == Whole("x", parts=(Part(2.0),), named={"a": Part()})
    assert isinstance(made.parts[0].size, float)
    assert replace(made, name="y").name == "y"


def test_numbers_and_truth_values_may_be_text_at_any_depth():
    """Snakemake reads --config "part={size: 3}" as {"size": "3"}."""
    texts = {"steps": "7", "learns": "True", "part": {"size": "3"}, "parts": [{}, {"size": "1e-3"}]}
    made = build(Whole, {"name": "12", **texts}, "here")
    assert (made.name, made.steps, made.learns) == ("12", 7, True)
    assert (made.part.size, made.parts[1].size) == (3.0, 0.001)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stps": 1}, "here: unknown key 'stps'; did you mean 'steps'? known keys: files, kind,"),
        ({"qqq": 1}, "here: unknown key 'qqq'; known keys: files"),
        ({3: 1}, "here: unknown key '3'; known"),
        ({"name": None}, "here.name: expected str, got None"),
        ({"name": 3}, "here.name: expected str, got 3"),
        ({"kind": "c"}, "here.kind: 'c' is not one of a, b"),
        ({"years": [2016, 2015]}, "here.years[1]: 2015 is not one of 2016, 2017"),
        ({"years": "2016"}, "here.years: expected a list, got '2016'"),
        ({"steps": True}, "here.steps: expected int, got True"),
        ({"steps": 3.0}, "here.steps: expected int, got 3.0"),
        ({"steps": "many"}, "here.steps: expected int, got 'many'"),
        ({"learns": 1}, "here.learns: expected bool, got 1"),
        ({"learns": "yes"}, "here.learns: expected bool, got 'yes'"),
        ({"part": 3}, "here.part: expected keys and values, got 3"),
        ({"part": {"siz": 3}}, "here.part: unknown key 'siz'; did you mean 'size'? known keys: pa"),
        ({"part": {"pair": [1]}}, "here.part.pair: expected 2 values or more, got [1]"),
        ({"part": {"pair": [1, 2, 3]}}, "here.part.pair: expected 2 values, got [1, 2, 3]"),
        ({"part": {"size": "-1"}}, "here.part: size must be above 0"),
        ({"parts": [{}, {"size": None}]}, "here.parts[1].size: expected float, got None"),
        ({"parts": [{"sizes": 1}]}, "here.parts[0]: unknown key 'sizes'; did you mean 'size'?"),
        ({"named": {"a": {"pairs": 1}}}, "here.named.a: unknown key 'pairs'; did you mean 'pair'?"),
        ({"named": 3}, "here.named: expected keys and values, got 3"),
        ({"files": {"a": 3}}, "here.files.a: expected str, got 3"),
    ],
)
def test_what_does_not_fit_is_one_line_with_its_key(change, message):
    with pytest.raises(UserError) as caught:
        build(Whole, {"name": "x", **change}, "here")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_missing_key_is_named_but_a_wrong_one_first():
    with pytest.raises(UserError, match="here: the key 'name' is missing"):
        build(Whole, {}, "here")
    with pytest.raises(UserError, match="unknown key 'nam'; did you mean 'name'"):
        build(Whole, {"nam": "x"}, "here")
    for value in (3, None, [], "name"):
        with pytest.raises(UserError, match="here: expected keys and values, got"):
            build(Whole, value, "here")


def test_a_choice_of_numbers_may_be_text():
    assert build(Whole, {"name": "x", "years": ["2016", 2017]}, "here").years == (2016, 2017)
    with pytest.raises(UserError, match=r"here.years\[0\]: 2015 is not one of 2016, 2017"):
        build(Whole, {"name": "x", "years": ["2015"]}, "here")
    with pytest.raises(UserError, match=r"here.years\[0\]: 'new' is not one of"):
        build(Whole, {"name": "x", "years": ["new"]}, "here")


def test_a_date_of_yaml_is_text():
    assert build(Whole, {"name": datetime.date(2026, 1, 2)}, "here").name == "2026-01-02"


def test_a_class_refuses_what_is_built_in_code_too():
    with pytest.raises(UserError, match=r"^size must be above 0$"):
        Part(-1.0)


def test_the_schema_knows_no_other_keys():
    schema = json_schema(Whole)
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["name"]
    assert schema["$defs"]["Part"]["additionalProperties"] is False
