"""Does the paper's number hold? The rules, at their edges, and the command that asks them."""

import re
import shlex

import pytest

from ttvos.cli.main import main
from ttvos.core.errors import UserError
from ttvos.core.provenance import REPOSITORY
from ttvos.evaluation.judge import (
    DIFFERS,
    NEAR,
    ONE_RUN,
    REPRODUCED,
    RULES,
    SHARP,
    TOO_NOISY,
    half_digit,
    judge,
)
from ttvos.evaluation.statistics import prediction_half_width


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ([55, 95], TOO_NOISY),
        ([81.0, 81.2, 80.9], REPRODUCED),
        ([75.0, 75.3, 74.8], DIFFERS),
        ([80.6], ONE_RUN),
        ([30.0], ONE_RUN),
        ([80.7, 81.3, 80.9], REPRODUCED),
        ([80.1, 80.1], REPRODUCED),  # a point away, no spread
        ([80.09, 80.09], DIFFERS),
        ([83.2, 83.6, 82.8], DIFFERS),  # 2.1 away, h 1.99
        ([82.9, 83.3, 82.5], REPRODUCED),  # 1.8 away, h 1.99
        ([80.6, 81.6, 81.1], TOO_NOISY),  # on the paper's number, h 2.5
        ([75.0, 77.0, 79.0], TOO_NOISY),  # 4.1 away, h 9.9
    ],
)
def test_a_number_with_a_spread(values, status):
    assert judge("accuracy", "81.1", values).status == status


def around(mean: float, half: float) -> list[float]:
    """Three trainings with this mean and half-width of the prediction interval."""
    s = half / prediction_half_width(1.0, 3)
    return [mean - s, mean, mean + s]


@pytest.mark.parametrize(
    ("distance", "half", "status"),
    [
        (0.0, SHARP, REPRODUCED),
        (0.0, SHARP + 0.001, TOO_NOISY),
        (NEAR, 0.5, REPRODUCED),
        (NEAR + 0.001, 0.5, DIFFERS),
        (1.5, 1.5, REPRODUCED),
        (1.501, 1.5, DIFFERS),
        (5.0, 5.0, TOO_NOISY),
        (5.001, 5.0, DIFFERS),
    ],
)
@pytest.mark.parametrize("sign", [-1, 1])
def test_the_edges(sign, distance, half, status):
    assert judge("accuracy", "50.0", around(50.0 + sign * distance, half)).status == status


def test_a_number_that_differs_does_so_with_any_other_number_of_equal_runs():
    """More noise never turns "reproduced" into "differs", nor the other way round."""
    order = [judge("accuracy", "50.0", around(52.0, half)).status for half in (0.1, 1.9, 2.0, 9.0)]
    assert order == [DIFFERS, DIFFERS, REPRODUCED, TOO_NOISY]


def test_how_many_seeds_would_settle_it():
    found = judge("accuracy", "81.1", [80.3, 82.0, 81.2])  # s 0.850: h is 1.99 with 11 seeds
    assert found.reason.endswith("11 seeds would settle it at this s")
    assert prediction_half_width(0.8505, 11) <= SHARP < prediction_half_width(0.8505, 10)
    settled = judge("accuracy", "80.0", [83.0, 87.0, 84.0])  # it would differ
    assert settled.reason.endswith("14 seeds would settle it at this s")
    hopeless = judge("accuracy", "81.1", [55, 95])
    assert hopeless.reason.endswith("not even 1000 seeds would settle it at this s")


def test_one_run_says_its_distance():
    assert judge("accuracy", "81.1", [80.6]).reason == "-0.5; one training has no spread"


@pytest.mark.parametrize(
    ("kind", "paper", "value", "status"),
    [
        ("masks", "81.1", 81.3, REPRODUCED),
        ("masks", "81.1", 80.9, REPRODUCED),
        ("masks", "81.1", 81.31, DIFFERS),
        ("masks", "86", 86.5, REPRODUCED),  # printed without decimals: half a unit
        ("parameters", "1.61", 1.605830, REPRODUCED),
        ("parameters", "1.61", 1.604, DIFFERS),
        ("parameters", "14.8", 14.802086, REPRODUCED),
        ("parameters", "12.5", 12.446630, DIFFERS),  # 12.4 rounded: the ledger explains it
        ("parameters", "38", 38.5, REPRODUCED),
        ("macs", "55.2", 55.2 * 1.005, REPRODUCED),
        ("macs", "55.2", 55.2 * 1.0051, DIFFERS),
        ("macs", "0.06", 0.065, REPRODUCED),
        ("macs", "0.06", 0.0651, DIFFERS),
        ("speed", "78.3", 86.1, REPRODUCED),
        ("speed", "78.3", 70.4, DIFFERS),
    ],
)
def test_a_number_without_a_spread(kind, paper, value, status):
    assert judge(kind, paper, [value]).status == status


def test_half_digit():
    assert [half_digit(text) for text in ("38", "1.6", "0.06")] == [0.5, 0.05, 0.005]


@pytest.mark.parametrize("paper", ["1e5", "nan", "inf", "eighty", ""])
def test_the_papers_number_is_as_printed(paper):
    with pytest.raises(UserError, match="as a paper prints it"):
        judge("accuracy", paper, [81.0])


@pytest.mark.parametrize("values", [[], [float("nan"), 81.0], [float("inf")]])
def test_values_are_finite_numbers(values):
    with pytest.raises(UserError, match="finite"):
        judge("accuracy", "81.1", values)


def test_a_count_is_one_number():
    with pytest.raises(UserError, match="one value, not 2"):
        judge("parameters", "1.61", [1.6, 1.6])


def test_no_number_has_an_exponent():
    assert "e+" not in judge("accuracy", "81.1", [0.0, 1e5]).reason
    assert "+1234567" in judge("parameters", "1", [1234568.0]).reason


def test_every_rule_says_itself():
    for name, rule in RULES.items():
        assert rule.needs
        assert ("√(1 + 1/n)" in rule.text) == rule.spread == (name == "accuracy")
        assert rule.spread or "half a unit" in rule.text
    assert "0.5 % of" in RULES["macs"].text
    assert "0.2 points" in RULES["masks"].text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["81.1", "--values", "55", "95"], "too noisy to tell: -6.1, a further run ±440"),
        (["81.1", "--values", "81.0", "81.2", "80.9"], "reproduced: -0.0667, "),
        (["81.1", "--values", "75.0", "75.3", "74.8"], "differs: -6.07, "),
        (["81.1", "--values", "80.6"], "one run: -0.5"),
        (["81.1", "--values", "80.9", "--kind", "masks"], "reproduced: -0.2, within ±0.2"),
        (["1.61", "--values", "1.605830", "--kind", "count"], "reproduced: -0.00417"),
        (["10.6", "--values", "10.61", "--kind", "macs"], "reproduced: +0.01, within ±0.053"),
    ],
)
def test_the_command(arguments, text, capsys):
    assert main(["judge", "--paper", *arguments]) == 0
    assert capsys.readouterr().out.startswith(text)


def test_the_command_refuses_in_a_line(capsys):
    assert main(["judge", "--paper", "1e5", "--values", "3"]) == 1
    assert capsys.readouterr().err == "ttvos: '1e5': not a number as a paper prints it, e.g. 81.1\n"


def test_the_page_of_the_rules_shows_what_the_command_says(capsys):
    page = (REPOSITORY / "docs/verdicts.md").read_text()
    (block,) = re.findall(r"```sh\n(.*?)```", page, re.DOTALL)
    commands, outputs = block.splitlines()[::2], block.splitlines()[1::2]
    assert len(commands) == len(outputs) == 2
    for command, output in zip(commands, outputs, strict=True):
        assert main(shlex.split(command)[1:]) == 0
        assert f"# {capsys.readouterr().out}".strip() == output
    for number in (f"{NEAR:.1f} point", f"{SHARP:.1f} points", "0.2 points", "0.5 %", "10 %"):
        assert number in page


@pytest.mark.parametrize(
    "words",
    [
        ("--paper", "0.811", "--values", "0.5", "0.52"),
        ("--paper", "81.1", "--values", "0.807", "0.813"),
        ("--paper", "81.1", "--values", "0.81", "--kind", "masks"),
        ("--paper", "811", "--values", "80.7"),
        ("--paper", "81.1", "--values", "-80.7"),
    ],
)
def test_accuracies_that_are_no_points_are_refused(words, capsys):
    """Fractions lie within a point of one another, whatever they are."""
    assert main(["judge", *words]) != 0
    assert "points" in capsys.readouterr().err
