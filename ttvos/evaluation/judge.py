"""Does the paper's number hold? One function decides, for the report and for `ttvos judge`.

A number with a spread is one of several trainings: D is the mean of ours minus the paper's, and
h half the width of the 95 % prediction interval of one further run about that mean, because the
paper's is one further run. A number without a spread has a tolerance alone.
Whether A is better than B is another question: `ttvos.evaluation.compare`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from math import isfinite
from statistics import fmean, stdev
from typing import Literal

from ttvos.core.errors import UserError
from ttvos.evaluation.statistics import prediction_half_width, prediction_limit

Decision = Literal["reproduced", "differs", "too noisy to tell", "one run"]
REPRODUCED, DIFFERS, TOO_NOISY, ONE_RUN = "reproduced", "differs", "too noisy to tell", "one run"
NEAR = 1.0  # points: a distance that is never called a difference of a trained network
SHARP = 2.0  # points: a wider prediction interval reproduces nothing
MOST_RUNS = 1000  # more are as good as never


@dataclass(frozen=True)
class Rule:
    """How far a measured number may be from the paper's and still reproduce it.

    spread: whether runs with other seeds differ, and their spread decides. relative: share of the
    paper's number, absolute: in the number's own unit, both for numbers without a spread; the
    larger counts, and never less than half a unit of the last digit that the paper prints.
    needs: in words, what makes the two numbers the same quantity.
    """

    name: str
    unit: str
    needs: str
    spread: bool = False
    relative: float = 0.0
    absolute: float = 0.0

    def tolerance(self, paper: str) -> float:
        """Allowed distance from the paper's number, given as it is printed."""
        return max(self.relative * abs(float(paper)), self.absolute, half_digit(paper))

    @property
    def text(self) -> str:
        """The rule in one line, for the report."""
        if self.spread:
            return SPREAD_TEXT
        parts = [f"{100 * self.relative:g} % of the paper's number"] if self.relative else []
        parts += [f"{self.absolute:.1f} {self.unit}"] if self.absolute else []
        parts.append("half a unit of the last digit that the paper prints")
        return f"reproduced within {' or '.join(parts)}{', the larger' * (len(parts) > 1)}"


SPREAD_TEXT = (
    "D: mean of our n trainings minus the paper's number. h = t(0.975, n − 1) · s · √(1 + 1/n): "
    "half the 95 % prediction interval of one further run, s the sample standard deviation. "
    f"Reproduced: |D| ≤ h or ≤ {NEAR:.1f} point, and h ≤ {SHARP:.1f} points. Differs: |D| > h and "
    f"> {NEAR:.1f} point. Too noisy to tell: otherwise. One training: the distance, no verdict"
)
RULES = {
    "accuracy": Rule(
        "accuracy of what was trained here",
        "points",
        "a run that trains and scores as the paper does, on the whole DAVIS validation set",
        spread=True,
    ),
    "masks": Rule(
        "accuracy of given masks or weights",
        "points",
        "the whole DAVIS validation set",
        absolute=0.2,
    ),
    "parameters": Rule("parameters", "M", "training-only heads counted, as in the paper"),
    "macs": Rule("MACs", "GMAC", "one object, the paper's frame size", relative=0.005),
    "speed": Rule(
        "speed",
        "FPS",
        "the released timing protocol on the paper's device and frame size",
        relative=0.10,
    ),
}


@dataclass(frozen=True)
class Judgement:
    """status, and why: the distance and what it was held against."""

    status: Decision
    reason: str


def judge(kind: str, paper: str, values: Sequence[float]) -> Judgement:
    """Compare the mean of measured values with the paper's number, given as it is printed.

    kind: a key of `RULES`. values: one a training where the rule knows a spread, all of the same
    quantity and in the paper's unit.
    Raises UserError for no value, values that are no finite numbers, and several of a quantity
    that has no spread.
    """
    rule = RULES[kind]
    check_printed(paper)
    if not values or not all(isfinite(value) for value in values):
        raise UserError(f"{rule.name}: {list(values)} are not one or more finite numbers")
    if rule.spread:
        return _with_spread(fmean(values) - float(paper), values)
    if len(values) > 1:
        raise UserError(f"{rule.name}: has no spread; give one value, not {len(values)}")
    return _without_spread(rule, paper, values[0] - float(paper))


def half_digit(printed: str) -> float:
    """Half a unit of the last printed digit: "1.6" -> 0.05, "38" -> 0.5."""
    decimals = len(printed.partition(".")[2])
    return 0.5 * 10.0**-decimals


def check_printed(paper: str) -> None:
    """UserError unless a number is written as papers print them: digits and a point."""
    try:
        plain = Decimal(paper).is_finite() and "e" not in paper.casefold()
    except InvalidOperation:
        plain = False
    if not plain:
        raise UserError(f"{paper!r}: not a number as a paper prints it, e.g. 81.1")


def check_points(paper: str, values: Sequence[float]) -> None:
    """UserError for accuracies that are no points: as fractions, all would lie within the rule."""
    check_printed(paper)
    for name, numbers in {"paper": [float(paper)], "values": values}.items():
        if any(number < 0 or number > 100 for number in numbers):
            raise UserError(f"--{name}: accuracies are points from 0 to 100, e.g. 81.1")
        if any(numbers) and max(numbers) <= 1:
            raise UserError(
                f"--{name}: this looks like a fraction; give points from 0 to 100, e.g. 81.1"
            )


def _without_spread(rule: Rule, paper: str, distance: float) -> Judgement:
    tolerance = rule.tolerance(paper)
    is_near = _at_most(abs(distance), tolerance)
    where = "within" if is_near else "beyond"
    reason = f"{_written(distance, '+')}, {where} ±{_written(tolerance)}"
    return Judgement(REPRODUCED if is_near else DIFFERS, reason)


def _with_spread(distance: float, values: Sequence[float]) -> Judgement:
    if len(values) == 1:
        return Judgement(ONE_RUN, f"{_written(distance, '+')}; one training has no spread")
    spread, count = stdev(values), len(values)
    half = prediction_half_width(spread, count)
    status = _decide(distance, half)
    reason = f"{_written(distance, '+')}, a further run ±{_written(half)}"
    reason += f" ({count} seeds, s {_written(spread)})"
    if status == TOO_NOISY:
        reason += f"; {_settled_by(distance, spread, count)}"
    return Judgement(status, reason)


def _decide(distance: float, half: float) -> Decision:
    if not _at_most(abs(distance), max(half, NEAR)):
        return DIFFERS
    return REPRODUCED if _at_most(half, SHARP) else TOO_NOISY


def _settled_by(distance: float, spread: float, count: int) -> str:
    """How many seeds would settle it, if mean and standard deviation stayed as they are."""
    if _decide(distance, prediction_limit(spread)) != TOO_NOISY:
        for seeds in range(count + 1, MOST_RUNS + 1):
            if _decide(distance, prediction_half_width(spread, seeds)) != TOO_NOISY:
                return f"{seeds} seeds would settle it at this s"
    return f"not even {MOST_RUNS} seeds would settle it at this s"


def _at_most(value: float, limit: float) -> bool:
    """value <= limit, with a hair of slack: what is written as the limit is not lost to binary."""
    return value <= limit * (1 + 1e-9)


def _written(number: float, sign: str = "") -> str:
    """A number with three digits, never with an exponent: +0.667, -6.1, 440."""
    return f"{number:{sign}.3g}" if abs(number) < 999.5 else f"{number:{sign}.0f}"
