"""What decides whether a measured number reproduces the paper's: rules as data.

A verdict is "reproduced" or "differs" only when both numbers are the same quantity, measured
on the same data (accuracy), at the same frame size (cost) or on the same device (speed).
Anything else is "not measured here", with the reason; where the public record of a peer's accuracy
is farther from the paper's number than the rule allows, "differs from the public record".

Several seeds: the paper gives the number of one run, so ours is one of n runs' mean. With s the
sample standard deviation over the n seeds, the difference of one further run and that mean has
the standard error s sqrt(1 + 1/n). "differs" is said only of a distance larger than the rule's
tolerance and larger than two such standard errors.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ttvos.render.manifest import DatasetEntry, Manifest, data_label
from ttvos.render.results import Measured, Result, device_of

Status = Literal["reproduced", "differs", "differs from the public record", "not measured here"]
REPRODUCED, DIFFERS, NOT_MEASURED = "reproduced", "differs", "not measured here"
DISPUTED = "differs from the public record"
ABSENT, NO_NUMBER = "not in this run", "the paper gives no number"
RECORD_AGREES = "not in this run; the public record agrees"
STATUSES: tuple[Status, ...] = (REPRODUCED, DIFFERS, DISPUTED, NOT_MEASURED)

# Sequences of the validation sets that the paper scores (docs/facts.md, section 5; docs/peers.md,
# section 0): a part of a validation set is another quantity.
PAPER_SEQUENCES = {"davis16": 20, "davis17": 30}
PAPER_YEARS = {"davis16": 2016, "davis17": 2017}
PAPER_SPLIT = "val"
# Frame sizes that the paper's costs and speeds are for: Table 2 says 480x853, the videos are
# 480x854 and the network pads them to 480x864 (docs/facts.md, section 1); all are one input.
PAPER_HEIGHT, PAPER_WIDTHS = 480, (853, 854, 864)


@dataclass(frozen=True)
class Rule:
    """How far a measured number may be from the paper's and still reproduce it.

    relative: share of the paper's number. absolute: in the number's own unit. The larger one
    counts, and never less than half a unit of the last digit that the paper prints, nor than
    what chance alone does between seeds (`chance`).
    needs: in words, what makes the two numbers the same quantity.
    """

    name: str
    relative: float
    absolute: float
    unit: str
    needs: str

    def tolerance(self, paper: str) -> float:
        """Allowed distance from the paper's number, given as it is printed, seeds apart."""
        return max(self.relative * abs(float(paper)), self.absolute, half_digit(paper))

    @property
    def text(self) -> str:
        """The rule in one line, for the report."""
        parts = []
        if self.relative:
            parts.append(f"{self.relative:.0%} of the paper's number")
        if self.absolute:
            parts.append(f"{self.absolute:.1f} {self.unit}")
        if self.name == "accuracy":
            parts.append(
                "2 s √(1 + 1/n), two standard errors between the paper's one run and the mean of "
                "n seeds with sample standard deviation s, where n is 2 or more"
            )
        parts.append("half a unit of the last digit that the paper prints")
        return "within the largest of: " + "; ".join(parts)


RULES = {
    "accuracy": Rule(
        "accuracy",
        0.0,
        1.0,
        "points of J&F",
        "a profile that trains and scores as the paper does, on the whole DAVIS validation set",
    ),
    "parameters": Rule(
        "parameters", 0.02, 0.0, "M", "training-only heads counted, as in the paper"
    ),
    "macs": Rule("MACs", 0.02, 0.0, "GMAC", "one object, the paper's frame size"),
    "speed": Rule(
        "speed",
        0.10,
        0.0,
        "FPS",
        "the released timing protocol on the paper's device and frame size",
    ),
}


@dataclass(frozen=True)
class Verdict:
    """status, and why: the distance and the rule, or what keeps the two from being compared."""

    status: Status
    reason: str


def half_digit(printed: str) -> float:
    """Half a unit of the last printed digit: "1.6" -> 0.05, "38" -> 0.5."""
    decimals = len(printed.partition(".")[2])
    return 0.5 * 10.0**-decimals


def chance(measured: Measured) -> float:
    """Two standard errors between one further run and the mean: 2 s sqrt(1 + 1/n), in its unit.

    About 95 % of further runs lie within it, if s is known well; two or three seeds know it
    poorly. 0 for a single seed, of which no spread is known.
    """
    return 2 * (measured.spread or 0.0) * math.sqrt(1 + 1 / len(measured.values))


def decide(rule: Rule, paper: str, measured: Measured | None, obstacle: str | None) -> Verdict:
    """Compare a measured quantity with the paper's printed number.

    obstacle: why they are not the same quantity, or None. "" as paper: it gives no number.
    """
    if not paper:
        return Verdict(NOT_MEASURED, NO_NUMBER)
    if measured is None:
        return Verdict(NOT_MEASURED, ABSENT)
    if measured.mean is None:
        return Verdict(NOT_MEASURED, "no provenance")
    if obstacle:
        return Verdict(NOT_MEASURED, obstacle)
    distance = measured.mean - float(paper)
    tolerance, between_seeds = rule.tolerance(paper), chance(measured)
    allowed = max(tolerance, between_seeds)
    # A hair of slack, so that a distance of exactly the tolerance is not lost to rounding.
    reached = abs(distance) <= allowed * (1 + 1e-9)
    reason = f"{distance:+.2g}, {'within' if reached else 'beyond'} ±{allowed:.2g}"
    if between_seeds > tolerance:
        reason += f" (two standard errors, {len(measured.values)} seeds)"
    return Verdict(REPRODUCED if reached else DIFFERS, reason)


def weigh_record(rule: Rule, paper: str, record: str, verdict: Verdict) -> Verdict:
    """What the public record says of a number that was not measured here.

    paper, record: numbers as printed, "" for none. verdict: the one without the record.
    """
    if verdict.status != NOT_MEASURED or not (paper and record):
        return verdict
    distance, tolerance = float(record) - float(paper), rule.tolerance(paper)
    if abs(distance) > tolerance * (1 + 1e-9):
        return Verdict(DISPUTED, f"{distance:+.1f}, beyond ±{tolerance:.2g}")
    return Verdict(NOT_MEASURED, RECORD_AGREES) if verdict.reason == ABSENT else verdict


def accuracy_obstacle(manifest: Manifest, dataset: str, results: Iterable[Result]) -> str | None:
    """Why the accuracy of a row is not the paper's DAVIS accuracy; None when it is.

    The profile must say that it is comparable, and every file must agree with that claim:
    a claim alone does not turn built-in clips or a part of a validation set into DAVIS.
    """
    if not manifest.comparable.accuracy:
        return manifest.comparable.reason or f"not the paper's data: {data_label(manifest)}"
    return data_obstacle(manifest, dataset, results)


def paper_set(entry: DatasetEntry | None) -> str | None:
    """Which of the paper's validation sets a dataset stands for, by its year and split."""
    if entry is None or entry.split != PAPER_SPLIT:
        return None
    return next((name for name, year in PAPER_YEARS.items() if year == entry.year), None)


def data_obstacle(
    manifest: Manifest, dataset: str, results: Iterable[Result], tracked: bool = True
) -> str | None:
    """Why files score something else than the paper's DAVIS validation set; None when they do not.

    tracked: the masks were made here, from frames at the dataset's input scale.
    """
    entry = manifest.datasets.get(dataset)
    paper = paper_set(entry)
    if entry is None or paper is None:
        return f"not the {PAPER_SPLIT} split of DAVIS 2016 or 2017"
    if tracked and entry.input_scale != 1:
        return f"frames tracked at {entry.input_scale:g} of their size"
    for result in results:
        profile = ((result.provenance or {}).get("data") or {}).get("profile")
        if profile != manifest.profile or profile == "mini":
            return f"measured on the data of profile {profile}"
        count = len(sequences(result))
        if count != PAPER_SEQUENCES[paper]:
            return f"{count} of the validation set's {PAPER_SEQUENCES[paper]} sequences"
    return None


def sequences(result: Result) -> list[str]:
    """Names of the sequences that an evaluation covers (its objects are `sequence_id`)."""
    return sorted({name.rpartition("_")[0] for name in result.data.get("objects", {})})


def size_obstacle(result: Result | None) -> str | None:
    """Why a cost or speed is for another frame size than the paper's; None when it is the same."""
    if result is None:
        return None
    height, width = result.data.get("height"), result.data.get("width")
    if height is None or width is None:
        return "the file does not say its frame size"
    if height != PAPER_HEIGHT or width not in PAPER_WIDTHS:
        return f"measured at {height}x{width}"
    return None


def speed_obstacle(manifest: Manifest, result: Result | None) -> str | None:
    """Why a speed is not the paper's: another device (the profile says), another frame size."""
    reasons = [size_obstacle(result)]
    if not manifest.comparable.speed:
        device = device_of(result) if result else "this device"
        reasons.insert(0, f"another device than the paper's: {device}")
    return "; ".join(reason for reason in reasons if reason) or None
