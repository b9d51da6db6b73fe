"""Is A better than B? One function decides, for a family of claims about what was trained.

Videos are a sample here, and so are seeds: both arms are compared on the same sequences and with
the same seeds (`ttvos.evaluation.statistics.paired_difference`). Whether a number of the paper's
holds is another question: `ttvos.evaluation.judge`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ttvos.core.errors import UserError
from ttvos.evaluation.statistics import (
    LEVEL,
    PairedDifference,
    detectable,
    detectable_by_sequences,
    fewest_sequences,
    holm,
    paired_difference,
    sign_flip,
)

FEWEST_SEEDS = 3
HOLDS, CONTRADICTED, NOT_SHOWN = "holds", "contradicted", "not shown"
NOT_MEASURED = "not measured"
RULE = (
    "Is A better than B? The difference in J&F is taken seed by seed and sequence by sequence; "
    "objects stay in their sequence. [ ]: 95 % interval, Student's with the standard error of a "
    "hierarchical bootstrap (sequences, then seeds; 10,000 draws, seeded). A claim holds, or is "
    f"contradicted, only with {FEWEST_SEEDS} seeds or more, an interval that excludes 0, its p "
    "after Holm's correction over the claims tested here at most 0.05, and p of the sign-flip test "
    "on the sequences' means at most 0.05. Otherwise it is not shown, and the smallest true "
    "difference is given that these data would have shown with 80 % power."
)

# Differences in points, better minus worse: (S sequences, K seeds), and the sequences' objects.
Arms = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Tested:
    """One claim. mean: in points, of all objects; None where nothing was measured.

    spread: sample standard deviation over the seeds; None for one. difference, and p of the
    sign-flip test: None with one sequence. adjusted: p of the difference after Holm's correction,
    None where it cannot be decided. reason: why it is not shown.
    """

    seeds: int
    sequences: int
    mean: float | None = None
    spread: float | None = None
    difference: PairedDifference | None = None
    p: float | None = None
    adjusted: float | None = None
    verdict: str = NOT_MEASURED
    reason: str = ""


def judge_claims(arms: Sequence[Arms | None]) -> list[Tested]:
    """Test a family of claims; None for a claim that was not measured.

    Holm's correction is over the claims that have seeds and sequences enough to be decided.
    Raises UserError for differences that are not finite.
    """
    if any(arm and not np.isfinite(arm[0]).all() for arm in arms):
        raise UserError("a claim's scores hold values that are not finite: score these runs again")
    found = [paired_difference(*arm) if arm and len(arm[0]) > 1 else None for arm in arms]
    decidable = [index for index, arm in enumerate(arms) if arm and not _too_few(arm[0])]
    corrected = holm([found[index].p for index in decidable])
    adjusted = dict(zip(decidable, corrected, strict=True))
    return [
        _judge(arm, found[index], adjusted.get(index), len(decidable))
        for index, arm in enumerate(arms)
    ]


def _judge(
    arm: Arms | None, difference: PairedDifference | None, adjusted: float | None, family: int
) -> Tested:
    if arm is None:
        return Tested(0, 0)
    values, objects = arm
    sequences, seeds = values.shape
    by_seed = np.average(values, axis=0, weights=objects)
    spread = float(by_seed.std(ddof=1)) if seeds > 1 else None
    p = sign_flip(values.mean(axis=1), objects) if sequences > 1 else None
    facts = (seeds, sequences, float(by_seed.mean()), spread, difference, p, adjusted)
    if obstacle := _too_few(values):
        return Tested(*facts, NOT_SHOWN, obstacle)
    excludes = difference.low > 0 or difference.high < 0
    if excludes and adjusted <= LEVEL and p <= LEVEL:
        return Tested(*facts, HOLDS if difference.mean > 0 else CONTRADICTED)
    least = detectable(difference.error, difference.freedom, LEVEL / family)
    reason = f"{least:.1f} points or more would have been shown"
    if least > 100:  # points that there are
        reason = "no difference, however large, would have been shown"
    if excludes:
        reason += f"; among {family} claims p is {max(adjusted, p):.2g}"
    return Tested(*facts, NOT_SHOWN, reason)


def _too_few(values: np.ndarray) -> str:
    """Why these seeds and sequences can decide no claim, whatever its size; "" where they can."""
    sequences, seeds = values.shape
    if sequences < fewest_sequences():
        return f"{sequences} of the {fewest_sequences()} sequences or more that can show anything"
    if seeds >= FEWEST_SEEDS:
        return ""
    spread = float(values.mean(axis=1).std(ddof=1))
    least = detectable_by_sequences(spread, sequences)
    return (
        f"{seeds} seed{'s' * (seeds != 1)}, {FEWEST_SEEDS} or more decide; the sequences alone "
        f"would show {least:.1f} points or more"
    )
