"""Speeds that changed, where they were measured under the same conditions."""

from typing import Any

import numpy as np
from scipy import stats

from ttvos.evaluation.statistics import LEVEL
from ttvos.records.comparison import SpeedChange
from ttvos.records.report import Conditions, EntrySpeed
from ttvos.report.changes.causes import causes
from ttvos.report.changes.sides import Compared


def speeds(side: Compared) -> dict[tuple[str, str], EntrySpeed]:
    """The timed entries of a side, by kind and name."""
    return {(of.kind, of.entry): of for of in side.speeds}


def speed_changes(before: Compared, after: Compared, tolerance: float) -> list[SpeedChange]:
    """Each entry that both sides timed. tolerance: the share that a speed may be off."""
    old, found = speeds(before), []
    for key, new in speeds(after).items():
        if key in old:
            files = [(before.files.get(old[key].file), after.files.get(new.file))]
            found.append(_change(old[key], new, tolerance) | {"causes": causes(files)})
    return [SpeedChange.model_validate(change) for change in found]


def _change(old: EntrySpeed, new: EntrySpeed, tolerance: float) -> dict[str, Any]:
    facts = {
        "entry": new.entry,
        "label": new.label,
        "kind": new.kind,
        "before": old.fps,
        "after": new.fps,
        "ratio": new.fps / old.fps,
    }
    if why := _obstacle(old, new):
        return facts | {"verdict": "not judged", "reason": why}
    found = _interval(old.repeats, new.repeats)
    if found is None:
        return facts | {"verdict": "not judged", "reason": "fewer than two repeats have no spread"}
    ratio, verdict = facts["ratio"], "within tolerance"
    if ratio < 1 - tolerance and found[1] < 1:
        verdict = "slower"
    elif ratio > 1 + tolerance and found[0] > 1:
        verdict = "faster"
    return facts | {"interval": found, "verdict": verdict}


def _obstacle(old: EntrySpeed, new: EntrySpeed) -> str:
    """Why the two speeds say nothing of each other; "" where they do."""
    differing = [
        f"{name} {_text(getattr(old.conditions, name))} and {_text(getattr(new.conditions, name))}"
        for name in Conditions.model_fields
        if getattr(old.conditions, name) != getattr(new.conditions, name)
    ]
    if differing:
        return f"other conditions: {'; '.join(differing)}"
    doubts = [f"{side}: {of.doubts[0]}" for side, of in (("A", old), ("B", new)) if of.doubts]
    return "; ".join(doubts)


def _text(value: Any) -> str:
    return "not recorded" if value is None else str(value)


def _interval(before: list[float], after: list[float]) -> list[float] | None:
    """95 % interval of the ratio of mean speeds, by Welch's t of the repeats' logarithms."""
    if min(len(before), len(after)) < 2:
        return None
    one, other = np.log(before), np.log(after)
    parts = [of.var(ddof=1) / len(of) for of in (one, other)]
    total, mean = sum(parts), other.mean() - one.mean()
    if total == 0:
        return [float(np.exp(mean))] * 2
    freedom = total**2 / sum(
        part**2 / (len(of) - 1) for part, of in zip(parts, (one, other), strict=True)
    )
    half = stats.t.ppf(1 - LEVEL / 2, freedom) * np.sqrt(total)
    return [float(np.exp(mean - half)), float(np.exp(mean + half))]
